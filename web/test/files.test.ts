// Two sides that send files over a channel that breaks: the bytes arrive, once, under good names.
import { IDBFactory } from "fake-indexeddb";
import { beforeEach, expect, test, vi } from "vitest";
import type { Bytes } from "../src/sdk/bytes";
import { encodeFileFrame, decodeFileFrame, type FileFrame } from "../src/sdk/file_frames";
import { sanitiseFileName } from "../src/sdk/file_names";
import { FileStore } from "../src/sdk/file_store";
import { Files } from "../src/sdk/files";

vi.setConfig({ testTimeout: 60_000 });

const PAIR = "pair";

let store: FileStore;
let ours: Files;
let theirs: Files;
/** Frames from ours to theirs that arrived. */
let arrived: FileFrame[];
let isUp: boolean;

function fileOf(name: string, bytes: Uint8Array<ArrayBuffer>): File {
  return new File([bytes], name, { lastModified: 1 });
}

function bytesOf(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 31 + seed * (at >> 8)) & 0xff;
  return bytes;
}

/** Joins the two; frames after `cutAfter` bytes of chunks are lost and the channel closes. */
function join(cutAfter = Number.POSITIVE_INFINITY): void {
  isUp = true;
  let chunkBytes = 0;
  const line = (to: () => Files, count: boolean) => {
    return async (bytes: Bytes): Promise<void> => {
      await Promise.resolve();
      if (!isUp) return;
      const frame = decodeFileFrame(bytes);
      if (count) {
        arrived.push(frame);
        if (frame.kind === "chunk") chunkBytes += frame.bytes.length;
      }
      if (chunkBytes > cutAfter) return part();
      to().handle(bytes);
    };
  };
  theirs.handleOpened(line(() => ours, false));
  ours.handleOpened(line(() => theirs, true));
}

function part(): void {
  isUp = false;
  ours.handleClosed();
  theirs.handleClosed();
}

const offered = () =>
  vi.waitUntil(() => theirs.view.received.find((file) => file.state === "offered"));
const received = (count = 1) =>
  vi.waitUntil(() => {
    const whole = theirs.view.received.filter((file) => file.state === "received");
    return whole.length === count && ours.view.sent.every(({ state }) => state === "sent") && whole;
  }, 50_000);

async function contentsOf(key: string): Promise<Uint8Array> {
  const blob = await theirs.contents(key);
  return new Uint8Array(await (blob ?? new Blob()).arrayBuffer());
}

/** Compares as buffers: matchers take seconds for a million numbers. */
async function expectContents(key: string, bytes: Uint8Array): Promise<void> {
  expect(Buffer.compare(await contentsOf(key), bytes)).toBe(0);
}

beforeEach(async () => {
  vi.stubGlobal("IDBKeyRange", (await import("fake-indexeddb")).IDBKeyRange);
  store = await FileStore.open(new IDBFactory());
  ours = new Files(await FileStore.open(new IDBFactory()), PAIR);
  theirs = new Files(store, PAIR);
  arrived = [];
});

test("an accepted file arrives and both sides know", async () => {
  join();
  await ours.add(fileOf("a.bin", bytesOf(100_000)));
  const { key } = await offered();
  await theirs.accept(key);
  await received();
  await expectContents(key, bytesOf(100_000));
});

test("an empty file arrives", async () => {
  join();
  await ours.add(fileOf("empty", new Uint8Array(0)));
  const { key } = await offered();
  await theirs.accept(key);
  await received();
  expect(await contentsOf(key)).toHaveLength(0);
});

test("after a broken link it goes on where it was, without asking", async () => {
  const bytes = bytesOf(1_200_000);
  join(1_100_000);
  await ours.add(fileOf("a.bin", bytes));
  const { key } = await offered();
  await theirs.accept(key);
  await vi.waitUntil(() => theirs.view.received.some(({ state }) => state === "paused"), 50_000);
  arrived = [];
  join();
  await received();
  const first = arrived.find((frame) => frame.kind === "chunk");
  expect(first?.kind === "chunk" && first.offset).toBeGreaterThan(1_000_000);
  await expectContents(key, bytes);
});

test("a reloaded receiver goes on from its store", async () => {
  const bytes = bytesOf(1_200_000);
  join(1_100_000);
  await ours.add(fileOf("a.bin", bytes));
  const { key } = await offered();
  await theirs.accept(key);
  await vi.waitUntil(() => !isUp, 50_000);
  await vi.waitUntil(() => theirs.view.received.some(({ state }) => state === "paused"), 50_000);
  theirs = new Files(store, PAIR);
  await theirs.load();
  expect(theirs.view.received[0]?.taken).toBeGreaterThan(1_000_000);
  join();
  await received();
  await expectContents(key, bytes);
});

test("a sender whose file differs from what was stored begins anew", async () => {
  join(1_100_000);
  await ours.add(fileOf("a.bin", bytesOf(1_200_000, 1)));
  const { key } = await offered();
  await theirs.accept(key);
  await vi.waitUntil(() => theirs.view.received.some(({ state }) => state === "paused"), 50_000);
  // Another sender (it was reloaded) with other bytes of the same name, size and time.
  ours = new Files(store, PAIR);
  await ours.add(fileOf("a.bin", bytesOf(1_200_000, 2)));
  join();
  await received();
  await expectContents(key, bytesOf(1_200_000, 2));
});

test("several files arrive, each whole", async () => {
  join();
  for (let index = 0; index < 20; index += 1) await ours.add(fileOf(`${index}`, bytesOf(5000, index)));
  await vi.waitUntil(async () => {
    for (const file of theirs.view.received) {
      if (file.state === "offered") await theirs.accept(file.key);
    }
    return theirs.view.received.filter(({ state }) => state === "received").length === 20;
  }, 50_000);
  for (const { key, name } of theirs.view.received) {
    await expectContents(key, bytesOf(5000, Number(name)));
  }
});

test("a refused file is told to its sender", async () => {
  join();
  await ours.add(fileOf("a", bytesOf(10)));
  const { key } = await offered();
  await theirs.remove(key);
  await vi.waitUntil(() => ours.view.sent[0]?.code === "refused");
  expect(theirs.view.received).toHaveLength(0);
});

test("a cancelled file leaves nothing behind", async () => {
  join();
  const { id } = await ours.add(fileOf("a", bytesOf(10)));
  await offered();
  ours.cancel(id);
  await vi.waitUntil(() => theirs.view.received[0]?.code === "cancelled");
  expect(await store.list(PAIR)).toHaveLength(0);
});

test("a full disk is told to the sender, and what was stored stays", async () => {
  const bytes = bytesOf(1_200_000);
  join();
  const append = vi.spyOn(store, "append");
  await ours.add(fileOf("a.bin", bytes));
  const { key } = await offered();
  const { HelioError } = await import("../src/sdk/errors");
  const original = FileStore.prototype.append.bind(store);
  append.mockImplementationOnce(original);
  append.mockRejectedValueOnce(new HelioError("disk-full", "full", "Free some space."));
  await theirs.accept(key);
  await vi.waitUntil(() => ours.view.sent[0]?.code === "disk-full", 50_000);
  expect((await store.list(PAIR))[0]?.stored).toBeGreaterThan(1_000_000);
  await ours.add(fileOf("a.bin", bytes));
  await received();
  await expectContents(key, bytes);
});

test("a wrong hash is refused and nothing of the file stays", async () => {
  const answers: FileFrame[] = [];
  theirs.handleOpened(async (bytes) => void answers.push(decodeFileFrame(bytes)));
  const say = (frame: FileFrame): void => theirs.handle(encodeFileFrame(frame));
  say({ kind: "offer", id: 1, name: "../../x", size: 3, key: new Uint8Array(16) });
  const { key, name } = await offered();
  expect(name).toBe("x");
  await theirs.accept(key);
  say({ kind: "chunk", id: 1, offset: 0, bytes: new Uint8Array(3) });
  say({ kind: "done", id: 1, hash: new Uint8Array(32) });
  await vi.waitUntil(() => answers.at(-1)?.kind === "refuse");
  expect(answers.at(-1)).toMatchObject({ code: "hash-differs" });
  await vi.waitUntil(async () => (await store.list(PAIR)).length === 0);
});

test.each([
  ["a gap", { kind: "chunk", id: 1, offset: 1, bytes: new Uint8Array(1) }],
  ["more than the size", { kind: "chunk", id: 1, offset: 0, bytes: new Uint8Array(4) }],
  ["an end before the end", { kind: "done", id: 1, hash: new Uint8Array(32) }],
] as [string, FileFrame][])("%s is refused", async (_name, frame) => {
  const answers: FileFrame[] = [];
  theirs.handleOpened(async (bytes) => void answers.push(decodeFileFrame(bytes)));
  const offer = { kind: "offer", id: 1, name: "x", size: 3, key: new Uint8Array(16) } as const;
  theirs.handle(encodeFileFrame(offer));
  await theirs.accept((await offered()).key);
  theirs.handle(encodeFileFrame(frame));
  await vi.waitUntil(() => answers.at(-1)?.kind === "refuse");
  expect(answers.at(-1)).toMatchObject({ code: "bad-order" });
});

test("the 65th open offer is refused", async () => {
  const answers: FileFrame[] = [];
  theirs.handleOpened(async (bytes) => void answers.push(decodeFileFrame(bytes)));
  for (let id = 0; id < 65; id += 1) {
    const key = new Uint8Array(16).fill(id);
    theirs.handle(encodeFileFrame({ kind: "offer", id, name: "x", size: 3, key }));
  }
  await vi.waitUntil(() => answers.length > 0);
  expect(answers).toEqual([{ kind: "refuse", id: 64, code: "too-many" }]);
});

test.each([
  ["../../x", "x"],
  ["C:\\Windows\\a.exe", "a.exe"],
  ["..", "file"],
  ["", "file"],
  [".bashrc", "bashrc"],
  ["a\0b\n\u{85}c", "abc"],
  ["\u{202e}gpj.exe", "gpj.exe"],
  ['a:b*c?d"e<f>g|h', "a_b_c_d_e_f_g_h"],
  ["trailing. ", "trailing"],
  ["con.txt", "_con.txt"],
  ["COM¹", "_COM¹"],
  ["COM10", "COM10"],
  [`${"é".repeat(126)}.jpeg`, `${"é".repeat(125)}.jpeg`],
])("the name %j becomes %j", (given, kept) => {
  expect(sanitiseFileName(given)).toBe(kept);
});
