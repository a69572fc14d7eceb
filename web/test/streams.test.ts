// Streams and their tokens, as the server is asked for them.
import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isStreamName, STREAM_NAME_LIMIT, Streams } from "../src/sdk/streams";
import { makeDevice, type Device } from "./support/device";

let device: Device;
let asked: { method: string; path: string; body: unknown }[];

beforeEach(async () => {
  asked = [];
  device = await makeDevice("laptop", (method, path, body) => {
    asked.push({ method, path, body });
    if (path === "/v3/paths/list") return [200, { items: [{ name: "cam0", ready: true }] }];
    if (path === "/api/streams/cam0") return [204, null];
    return null;
  });
});

afterEach(() => device.store.close());

const tokens = (): unknown[] =>
  asked
    .filter(({ path }) => path === "/api/auth/webrtc-token")
    .map(({ body }) => (body as { scope?: string }).scope);

test("a token serves one action on one stream, and is asked for once", async () => {
  const streams = new Streams(device.api);
  await streams.token("cam0", "view");
  await streams.token("cam0", "view");
  await streams.token("cam0", "publish");
  expect(tokens()).toEqual(["view:cam0", "publish:cam0"]);
});

test("a stream is made with the account's token", async () => {
  await new Streams(device.api).put("cam0", { isPublic: true });
  expect(asked.at(-1)).toEqual({
    method: "PUT",
    path: "/api/streams/cam0",
    body: { isPublic: true },
  });
  expect(tokens()).toEqual([undefined]);
});

test("live streams are found by name", async () => {
  const live = await new Streams(device.api).live();
  expect(live.get("cam0")?.ready).toBe(true);
});

/** The names that the server takes and refuses, shared with the Rust side. */
const NAMES = JSON.parse(
  readFileSync(new URL("../../testdata/stream/names.json", import.meta.url), "utf8"),
) as { accepted: string[]; refused: { text: string; fault: string }[] };

test.each(NAMES.accepted)("%j is a name", (name) => {
  expect(isStreamName(name)).toBe(true);
});

// Which names the site keeps for itself only the server says.
test.each(NAMES.refused)("$text is refused for its $fault", ({ text, fault }) => {
  expect(isStreamName(text)).toBe(fault === "reserved");
});

test("the longest name has as many characters as its field takes", () => {
  expect(isStreamName("a".repeat(STREAM_NAME_LIMIT))).toBe(true);
  expect(isStreamName("a".repeat(STREAM_NAME_LIMIT + 1))).toBe(false);
});
