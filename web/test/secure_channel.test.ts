// Sealed frames: each opens once, in any order, and not after a change.
import { beforeEach, expect, test } from "vitest";
import { utf8, type Bytes } from "../src/sdk/bytes";
import { REPLAY_WINDOW, ReplayWindow, SecureChannel } from "../src/sdk/secure_channel";

const fill = (byte: number): Bytes => new Uint8Array(32).fill(byte);
const OURS = { hash: fill(1), sendKey: fill(2), receiveKey: fill(3) };
const THEIRS = { hash: fill(1), sendKey: fill(3), receiveKey: fill(2) };

let sender: SecureChannel;
let receiver: SecureChannel;

beforeEach(async () => {
  sender = await SecureChannel.of(OURS, "ctl");
  receiver = await SecureChannel.of(THEIRS, "ctl");
});

test("frames open in any order, each once", async () => {
  const one = await sender.seal(utf8("one"));
  const two = await sender.seal(utf8("two"));
  expect([...one.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect([...two.subarray(0, 8)]).toEqual([0, 0, 0, 0, 0, 0, 0, 1]);
  expect(await receiver.open(two)).toEqual(utf8("two"));
  expect(await receiver.open(one)).toEqual(utf8("one"));
  expect(await receiver.open(one)).toBeNull();
  expect(receiver.replays).toBe(1);
});

test("two copies opened at once give one frame", async () => {
  const one = await sender.seal(utf8("one"));
  const opened = await Promise.all([receiver.open(one), receiver.open(one)]);
  expect(opened.filter((frame) => frame !== null)).toHaveLength(1);
});

test.each([0, 7, 8, 12, 20])("a change of byte %i is noticed", async (index) => {
  const sealed = await sender.seal(utf8("a frame of some length"));
  sealed[index] = (sealed[index] ?? 0) ^ 1;
  await expect(receiver.open(sealed)).rejects.toMatchObject({ code: "aead-failed" });
});

test("a forged high nonce does not move the window", async () => {
  const forged = await sender.seal(utf8("x"));
  forged[2] = 9;
  await expect(receiver.open(forged)).rejects.toMatchObject({ code: "aead-failed" });
  expect(await receiver.open(await sender.seal(utf8("next")))).toEqual(utf8("next"));
});

test("another label, another key", async () => {
  const telemetry = await SecureChannel.of(THEIRS, "telemetry");
  const sealed = await sender.seal(utf8("x"));
  await expect(telemetry.open(sealed)).rejects.toMatchObject({ code: "aead-failed" });
});

test("a frame sent back to its sender is refused", async () => {
  const sealed = await sender.seal(utf8("x"));
  await expect(sender.open(sealed)).rejects.toMatchObject({ code: "aead-failed" });
});

test("a message without a nonce is refused", async () => {
  await expect(receiver.open(new Uint8Array(7))).rejects.toMatchObject({ code: "aead-failed" });
});

test("the window takes what is at most 1023 behind", () => {
  const window = new ReplayWindow();
  expect(window.accept(2000n)).toBe(true);
  expect(window.accept(2000n - BigInt(REPLAY_WINDOW) + 1n)).toBe(true);
  expect(window.accept(2000n - BigInt(REPLAY_WINDOW))).toBe(false);
  expect(window.accept(2000n)).toBe(false);
});
