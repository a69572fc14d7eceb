// Days of recordings, and what stands where in a player's film.
import { describe, expect, test } from "vitest";
import {
  dayOf,
  momentOf,
  recordedDays,
  secondOf,
  spanOfAll,
  spansOf,
  weeksOf,
} from "../src/pages/recordings/days";
import { Recordings } from "../src/sdk";

const noon = new Date(2026, 10, 22, 12).getTime();
const HOUR = 3_600_000;

describe("days", () => {
  test("a span over midnight is on both days, a part of it on each", () => {
    const span = { from: noon + 10 * HOUR, to: noon + 14 * HOUR, bytes: 400 };
    const days = [...recordedDays([span])];
    expect(days).toEqual([dayOf(noon).begin, dayOf(noon).end]);
    const first = spansOf([span], dayOf(noon));
    expect(first).toEqual([{ from: span.from, to: dayOf(noon).end, bytes: 200 }]);
    expect(spansOf([span], dayOf(noon - 24 * HOUR))).toEqual([]);
  });

  test("all of a day is from its first recording to its last", () => {
    const spans = [1, 5, 9].map((hour) => ({ from: hour, to: hour + 2, bytes: 10 }));
    expect(spanOfAll(spans)).toEqual({ from: 1, to: 11, bytes: 30 });
    expect(spanOfAll([])).toBeNull();
  });

  test("a month is weeks that begin on Monday", () => {
    const weeks = weeksOf(2026, 10);
    expect(weeks.map((week) => week.length)).toEqual([7, 7, 7, 7, 7, 7]);
    expect(weeks[0]?.slice(5)).toEqual([null, new Date(2026, 10, 1).getTime()]);
    expect(weeks.flat().filter((day) => day !== null)).toHaveLength(30);
  });
});

describe("a film", () => {
  const parts = [
    { start: 0, duration: 10, programDateTime: 1_000_000 },
    { start: 10, duration: 10, programDateTime: 1_010_000 },
    { start: 20, duration: 10, programDateTime: 1_100_000 },
  ];

  test("knows the second of a moment, and of the next where nothing is recorded", () => {
    expect(secondOf(parts, 1_012_500)).toBe(12.5);
    expect(secondOf(parts, 1_050_000)).toBe(20);
    expect(secondOf(parts, 0)).toBe(0);
    expect(secondOf(parts, 1_110_000)).toBeNull();
  });

  test("knows the moment of a second", () => {
    expect(momentOf(parts, 12.5)).toBe(1_012_500);
    expect(momentOf(parts, 25)).toBe(1_105_000);
    expect(momentOf([], 0)).toBeNull();
  });
});

test("recordings are asked for by whatever right there is", async () => {
  const asked: [string, string | undefined, string | null][] = [];
  const fetch = (async (url: string, init: RequestInit) => {
    const authorization = new Headers(init.headers).get("authorization");
    asked.push([url, init.method, authorization]);
    return new Response(JSON.stringify({ ticket: "5-t", state: "off", spans: [] }));
  }) as typeof globalThis.fetch;
  const options = { origin: "https://here", stream: "cam0", fetch };
  const guest = new Recordings({ ...options, bearer: async () => "code" });
  expect(await guest.film(1, 2)).toBe("https://here/cam0/recording.mp4?from=1&to=2&ticket=5-t");
  const anyone = new Recordings({ ...options, bearer: async () => null });
  await anyone.list();
  expect(await anyone.authorization()).toBeNull();
  expect(anyone.playlist(1, null)).toBe("https://here/cam0/hls/index.m3u8?from=1");
  expect(asked).toEqual([
    ["https://here/api/streams/cam0/recordings/ticket", "POST", "Bearer code"],
    ["https://here/api/streams/cam0/recordings", "GET", null],
  ]);
});
