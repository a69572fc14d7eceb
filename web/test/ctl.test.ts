// Text, acks and pings on a lossy channel, in virtual time.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Bytes } from "../src/sdk/bytes";
import { encodeCbor } from "../src/sdk/cbor";
import { decodeFrame, encodeFrame, TEXT_LIMIT } from "../src/sdk/control";
import { Ctl, type CtlHandlers } from "../src/sdk/ctl";

type Sent = { channel: string; bytes: Bytes };

let texts: string[];
let commands: string[];
let sentByOurs: Sent[];
let passes: (bytes: Bytes) => boolean;
let ours: Ctl;
let theirs: Ctl;

function handlers(send: CtlHandlers["send"]): CtlHandlers {
  return {
    send,
    onText: ({ text }) => texts.push(text),
    onCommand: ({ name }) => commands.push(name),
    onStats: () => undefined,
    onTick: () => undefined,
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  texts = [];
  commands = [];
  sentByOurs = [];
  passes = () => true;
  const oneWayMs = 20;
  ours = new Ctl(
    handlers((channel, bytes) => {
      sentByOurs.push({ channel, bytes });
      if (passes(bytes)) setTimeout(() => theirs.handle(bytes), oneWayMs);
    }),
    () => Date.now(),
  );
  theirs = new Ctl(
    handlers((_, bytes) => setTimeout(() => passes(bytes) && ours.handle(bytes), oneWayMs)),
    () => Date.now(),
  );
});

afterEach(() => {
  ours.stop();
  theirs.stop();
  vi.useRealTimers();
});

test("a text resolves when it is acknowledged", async () => {
  const sent = ours.sendText("hello");
  await vi.advanceTimersByTimeAsync(40);
  await sent;
  expect(texts).toEqual(["hello"]);
});

test("a lost text is sent again and arrives once", async () => {
  let lost = 2;
  passes = () => (lost -= 1) < 0;
  const sent = ours.sendText("hello");
  await vi.advanceTimersByTimeAsync(1500);
  await sent;
  expect(texts).toEqual(["hello"]);
});

test("a lost ack makes a duplicate, which is dropped and acknowledged again", async () => {
  let acks = 0;
  passes = (bytes) => decodeFrame(bytes).kind !== "ack" || (acks += 1) > 1;
  const sent = ours.sendText("hello");
  await vi.advanceTimersByTimeAsync(1500);
  await sent;
  expect(texts).toEqual(["hello"]);
  expect(theirs.duplicates).toBe(1);
});

test("a text behind the window is neither shown nor acknowledged", () => {
  theirs.handle(encodeFrame({ kind: "text", id: 1024, text: "new", wantAck: false }));
  const acks = vi.spyOn(ours, "handle");
  theirs.handle(encodeFrame({ kind: "text", id: 0, text: "old", wantAck: true }));
  vi.advanceTimersByTime(100);
  expect(texts).toEqual(["new"]);
  expect(acks).not.toHaveBeenCalled();
});

test("a text that nobody acknowledges fails after 3 s", async () => {
  passes = () => false;
  const sent = expect(ours.sendText("hello")).rejects.toMatchObject({ code: "not-delivered" });
  await vi.advanceTimersByTimeAsync(2999);
  const before = sentByOurs.length;
  expect(before).toBeGreaterThan(3);
  await vi.advanceTimersByTimeAsync(1);
  await sent;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sentByOurs).toHaveLength(before);
});

test("a text outlives its connection where the peer goes on", async () => {
  ours.open("their end");
  theirs.open("our end");
  await vi.advanceTimersByTimeAsync(100);
  // It is shown, and its ack goes down with the connection.
  passes = (bytes) => decodeFrame(bytes).kind !== "ack";
  const sent = ours.sendText("hello");
  await vi.advanceTimersByTimeAsync(30);
  ours.pause();
  theirs.pause();
  passes = () => true;
  const before = sentByOurs.length;
  ours.open("their end");
  theirs.open("our end");
  expect(sentByOurs.slice(before).map(({ bytes }) => decodeFrame(bytes).kind)).toContain("text");
  await vi.advanceTimersByTimeAsync(40);
  await sent;
  expect(texts).toEqual(["hello"]);
  expect(theirs.duplicates).toBe(1);
});

test.each(["another end", null])("a peer that began anew counts from 0: %s", async (peer) => {
  ours.open("their end");
  passes = () => false;
  const sent = expect(ours.sendText("hello")).rejects.toMatchObject({ code: "not-delivered" });
  ours.handle(encodeFrame({ kind: "text", id: 4096, text: "of before", wantAck: false }));
  const before = sentByOurs.length;
  ours.open(peer);
  await sent;
  const kinds = sentByOurs.slice(before).map(({ bytes }) => decodeFrame(bytes).kind);
  expect(kinds).toEqual(["ping"]);
  ours.handle(encodeFrame({ kind: "text", id: 0, text: "anew", wantAck: false }));
  expect(texts).toEqual(["of before", "anew"]);
});

test("2000 scalar values pass, 2001 are refused", async () => {
  const sent = ours.sendText("😀".repeat(TEXT_LIMIT));
  await vi.advanceTimersByTimeAsync(40);
  await sent;
  expect(texts).toHaveLength(1);
  await expect(ours.sendText("a".repeat(TEXT_LIMIT + 1))).rejects.toMatchObject({
    code: "text-too-long",
  });
});

test("2001 scalar values that arrive anyway are dropped and counted", () => {
  ours.handle(encodeCbor([0, 1, "a".repeat(TEXT_LIMIT + 1), true]));
  expect(texts).toHaveLength(0);
  expect(ours.malformed).toBe(1);
  expect(sentByOurs).toHaveLength(0);
});

test("pings give the round trip", async () => {
  ours.open(null);
  await vi.advanceTimersByTimeAsync(10_100);
  expect(ours.channelRttMs?.p50).toBeCloseTo(40, 0);
  expect(ours.channelRttMs?.p99).toBeCloseTo(40, 0);
});

test("a resent command runs once", () => {
  const bytes = encodeFrame({ kind: "command", id: 7, name: "media", args: { mid: "1" } });
  ours.handle(bytes);
  ours.handle(bytes);
  expect(commands).toEqual(["media"]);
});

test.each([
  ["an unknown kind", [6, 1]],
  ["too many items", [1, 1, 1]],
  ["an id above 32 bits", [1, 0x1_0000_0000]],
  ["a negative id", [1, -1]],
  ["a fractional id", [1, 1.5]],
  ["a text that is none", [0, 1, 2, true]],
  ["a command without a map", [4, 1, "x", []]],
  ["no array", { kind: 1 }],
])("%s is dropped and counted", (_name, value) => {
  ours.handle(encodeCbor(value as never));
  expect(ours.malformed).toBe(1);
});
