// Frames and the proof of keys: nothing passes before it, nothing changed passes after it.
import { beforeEach, expect, test, vi } from "vitest";
import { utf8, type Bytes } from "../src/sdk/bytes";
import type { HelioError } from "../src/sdk/errors";
import { FramePipe } from "../src/sdk/frame_pipe";
import { SecureChannel } from "../src/sdk/secure_channel";

const fill = (byte: number): Bytes => new Uint8Array(32).fill(byte);
const OURS = { hash: fill(1), sendKey: fill(2), receiveKey: fill(3) };
const THEIRS = { hash: fill(1), sendKey: fill(3), receiveKey: fill(2) };

class FakeChannel {
  binaryType = "";
  readyState = "open";
  bufferedAmount = 0;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly sent: Bytes[] = [];

  send(message: Bytes): void {
    this.sent.push(message);
  }

  arrive(message: Bytes): void {
    this.onmessage?.({ data: message.slice().buffer });
  }
}

let channel: FakeChannel;
let pipe: FramePipe;
let frames: string[];
let broken: HelioError[];
let peer: SecureChannel;

beforeEach(async () => {
  channel = new FakeChannel();
  frames = [];
  broken = [];
  peer = await SecureChannel.of(THEIRS, "ctl");
  pipe = new FramePipe(
    channel as unknown as RTCDataChannel,
    (frame) => frames.push(new TextDecoder().decode(frame)),
    (error) => broken.push(error),
  );
});

test("nothing is sent before the keys are proven", async () => {
  await pipe.send(utf8("early"));
  expect(channel.sent).toHaveLength(0);
  expect(pipe.isOpen).toBe(false);
  pipe.unlock(await SecureChannel.of(OURS, "ctl"));
  await pipe.send(utf8("late"));
  expect(await peer.open(channel.sent[0] ?? new Uint8Array(0))).toEqual(utf8("late"));
});

test("what the peer sends before this side is done waits, and is then opened", async () => {
  channel.arrive(await peer.seal(utf8("first")));
  expect(frames).toHaveLength(0);
  pipe.unlock(await SecureChannel.of(OURS, "ctl"));
  await vi.waitFor(() => expect(frames).toEqual(["first"]));
});

test("a plain frame on a secured pipe breaks it", async () => {
  pipe.unlock(await SecureChannel.of(OURS, "ctl"));
  channel.arrive(utf8("plain text, long enough to look sealed"));
  await vi.waitFor(() => expect(broken[0]?.code).toBe("aead-failed"));
  expect(frames).toHaveLength(0);
});

test("at most 64 frames wait", async () => {
  for (let index = 0; index < 70; index += 1) channel.arrive(await peer.seal(utf8(`${index}`)));
  pipe.unlock(await SecureChannel.of(OURS, "ctl"));
  await vi.waitFor(() => expect(frames).toHaveLength(64));
});

test("best-effort frames are dropped above the backlog", async () => {
  pipe.unlock(null);
  channel.bufferedAmount = 256 * 1024 + 1;
  await pipe.send(utf8("x"));
  expect(channel.sent).toHaveLength(0);
});
