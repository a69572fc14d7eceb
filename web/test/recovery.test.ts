// When a connection looks for a new path, in virtual time.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AttemptFacts } from "../src/sdk/failures";
import { Recovery } from "../src/sdk/recovery";

let happened: string[];
let facts: AttemptFacts;
let recovery: Recovery;

beforeEach(() => {
  vi.useFakeTimers();
  happened = [];
  facts = {
    localCandidates: 1,
    remoteCandidates: 1,
    relayCandidates: 0,
    relayOnly: false,
    relayErrors: 0,
    iceConnected: false,
  };
  recovery = new Recovery({
    facts: () => facts,
    restart: () => happened.push("restart"),
    rebuild: () => happened.push("rebuild"),
    onFailure: ({ cause }) => happened.push(cause),
  });
});

afterEach(() => {
  recovery.stop();
  vi.useRealTimers();
});

test("a path may be quiet for 2 s", () => {
  recovery.handle("disconnected", "disconnected");
  vi.advanceTimersByTime(1999);
  expect(happened).toEqual([]);
  recovery.handle("connected", "connected");
  vi.advanceTimersByTime(60_000);
  expect(happened).toEqual([]);
});

test("after 2 s without a path it restarts", () => {
  recovery.handle("disconnected", "disconnected");
  vi.advanceTimersByTime(2000);
  expect(happened).toEqual(["restart"]);
});

test("a failure is told once, and tried again with growing waits", () => {
  recovery.handle("failed", "connected");
  recovery.handle("failed", "failed");
  expect(happened).toEqual(["checks-failed"]);
  vi.advanceTimersByTime(1000);
  expect(happened).toEqual(["checks-failed", "restart"]);
  vi.advanceTimersByTime(15_000);
  expect(happened.at(-1)).toBe("checks-failed");
});

test("what could not be attempted is tried again with growing waits, and no failure of the path", () => {
  recovery.handle("disconnected", "disconnected");
  vi.advanceTimersByTime(2000);
  for (const waitMs of [1000, 2000, 4000]) {
    recovery.postpone();
    recovery.handle("failed", "failed");
    happened = [];
    // Drawn from the upper half.
    vi.advanceTimersByTime(waitMs / 2 - 1);
    expect(happened).toEqual([]);
    vi.advanceTimersByTime(waitMs / 2 + 1);
    expect(happened).toEqual(["restart"]);
  }
});

test("an attempt that leads nowhere is given up after 15 s", () => {
  recovery.attempt();
  vi.advanceTimersByTime(14_999);
  expect(happened).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(happened).toEqual(["checks-failed"]);
});

test("a connected attempt is not given up", () => {
  recovery.attempt();
  recovery.handle("connected", "connecting");
  recovery.handle("connected", "connected");
  vi.advanceTimersByTime(60_000);
  expect(happened).toEqual([]);
});

test("when DTLS failed only another connection helps", () => {
  facts.iceConnected = true;
  recovery.handle("connected", "failed");
  vi.advanceTimersByTime(1000);
  expect(happened).toEqual(["dtls-failed", "rebuild"]);
});
