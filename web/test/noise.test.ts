// The handshakes against the published cacophony vectors, and what must be refused.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { concat, utf8, type Bytes } from "../src/sdk/bytes";
import { generateDhKeys, Handshake, type DhKeys, type NoisePattern } from "../src/sdk/noise";
import { CipherState, importHkdfKey } from "../src/sdk/noise_cipher";

interface Vector {
  protocol_name: string;
  init_prologue: string;
  init_psks: string[];
  init_static: string;
  init_ephemeral: string;
  init_remote_static: string;
  resp_prologue: string;
  resp_psks: string[];
  resp_static: string;
  resp_ephemeral: string;
  resp_remote_static?: string;
  handshake_hash: string;
  messages: { payload: string; ciphertext: string }[];
}

const file = new URL("../../testdata/noise/cacophony.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8")) as { vectors: Vector[] };

const hex = (text: string): Bytes => new Uint8Array(Buffer.from(text, "hex"));
const toHex = (bytes: Bytes): string => Buffer.from(bytes).toString("hex");
const EMPTY = new Uint8Array(0);

/** RFC 8410 PKCS #8 wrapping of a raw X25519 private key. */
async function dhKeys(raw: string): Promise<DhKeys> {
  const der = concat(hex("302e020100300506032b656e04220420"), hex(raw));
  const key = await crypto.subtle.importKey("pkcs8", der, "X25519", true, ["deriveBits"]);
  const jwk = await crypto.subtle.exportKey("jwk", key);
  return { privateKey: key, publicKey: new Uint8Array(Buffer.from(jwk.x ?? "", "base64url")) };
}

async function sides(vector: Vector): Promise<[Handshake, Handshake]> {
  const pattern = vector.protocol_name.split("_")[1] as NoisePattern;
  const initiator = await Handshake.start({
    pattern,
    initiator: true,
    prologue: hex(vector.init_prologue),
    staticKeys: await dhKeys(vector.init_static),
    ephemeral: await dhKeys(vector.init_ephemeral),
    remoteStatic: hex(vector.init_remote_static),
    psk: await importHkdfKey(hex(vector.init_psks[0] ?? "")),
  });
  const responder = await Handshake.start({
    pattern,
    initiator: false,
    prologue: hex(vector.resp_prologue),
    staticKeys: await dhKeys(vector.resp_static),
    ephemeral: await dhKeys(vector.resp_ephemeral),
    ...(vector.resp_remote_static === undefined
      ? {}
      : { remoteStatic: hex(vector.resp_remote_static) }),
    psk: await importHkdfKey(hex(vector.resp_psks[0] ?? "")),
  });
  return [initiator, responder];
}

test("the vectors hold both patterns", () => {
  expect(vectors.map((vector) => vector.protocol_name).toSorted()).toEqual([
    "Noise_IKpsk1_25519_AESGCM_SHA256",
    "Noise_KKpsk2_25519_AESGCM_SHA256",
  ]);
});

test.each(vectors)("$protocol_name matches the published vector", async (vector) => {
  const [initiator, responder] = await sides(vector);
  const [first, second, ...transport] = vector.messages;
  const one = await initiator.write(hex(first?.payload ?? ""));
  expect(toHex(one)).toBe(first?.ciphertext);
  expect(toHex(await responder.read(one))).toBe(first?.payload);
  const two = await responder.write(hex(second?.payload ?? ""));
  expect(toHex(two)).toBe(second?.ciphertext);
  expect(toHex(await initiator.read(two))).toBe(second?.payload);
  const ours = await initiator.result();
  const theirs = await responder.result();
  expect(toHex(ours.hash)).toBe(vector.handshake_hash);
  expect(toHex(theirs.hash)).toBe(vector.handshake_hash);
  const send = [await CipherState.of(ours.sendKey), await CipherState.of(theirs.sendKey)];
  const receive = [await CipherState.of(theirs.receiveKey), await CipherState.of(ours.receiveKey)];
  for (const [index, message] of transport.entries()) {
    const sealed = await send[index % 2]?.encrypt(EMPTY, hex(message.payload));
    expect(sealed && toHex(sealed)).toBe(message.ciphertext);
    const opened = sealed && (await receive[index % 2]?.decrypt(EMPTY, sealed));
    expect(opened && toHex(opened)).toBe(message.payload);
  }
});

async function kk(change: { psk?: Bytes; prologue?: Bytes } = {}): Promise<[Handshake, Handshake]> {
  const [a, b] = [await generateDhKeys(), await generateDhKeys()];
  const psk = new Uint8Array(32).fill(7);
  const shared = { pattern: "KKpsk2", prologue: utf8("p") } as const;
  return [
    await Handshake.start({
      ...shared,
      initiator: true,
      staticKeys: a,
      remoteStatic: b.publicKey,
      psk: await importHkdfKey(psk),
    }),
    await Handshake.start({
      ...shared,
      prologue: change.prologue ?? shared.prologue,
      initiator: false,
      staticKeys: b,
      remoteStatic: a.publicKey,
      psk: await importHkdfKey(change.psk ?? psk),
    }),
  ];
}

test("another psk is noticed in message 2", async () => {
  const [initiator, responder] = await kk({ psk: new Uint8Array(32).fill(8) });
  await responder.read(await initiator.write(EMPTY));
  const reply = await responder.write(EMPTY);
  await expect(initiator.read(reply)).rejects.toMatchObject({ code: "noise-failed" });
});

test("another prologue is noticed in message 1", async () => {
  const [initiator, responder] = await kk({ prologue: utf8("q") });
  const one = await initiator.write(EMPTY);
  await expect(responder.read(one)).rejects.toMatchObject({ code: "noise-failed" });
});

test.each([0, 10, 31, 47])("a message cut to %i bytes is refused", async (length) => {
  const [initiator, responder] = await kk();
  const one = (await initiator.write(EMPTY)).slice(0, length);
  await expect(responder.read(one)).rejects.toMatchObject({ code: "noise-failed" });
});

test("a low-order ephemeral, whose result is all zero, is refused", async () => {
  const [, responder] = await kk();
  const forged = new Uint8Array(48);
  await expect(responder.read(forged)).rejects.toMatchObject({ code: "noise-failed" });
});

test("messages out of turn are refused", async () => {
  const [initiator, responder] = await kk();
  await expect(responder.write(EMPTY)).rejects.toMatchObject({ code: "noise-failed" });
  await expect(initiator.result()).rejects.toMatchObject({ code: "noise-failed" });
});
