// The vectors of testdata/noise that Rust checks too: a link with its sealed channels, and a
// pairing from its link to its words.
import { readFileSync } from "node:fs";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { expect, test } from "vitest";
import { concat, fromBase64url, utf8, type Bytes } from "../src/sdk/bytes";
import { parsePairingLink, buildPairingLink } from "../src/sdk/invite";
import { linkPrologue } from "../src/sdk/link_noise";
import { Handshake, type DhKeys, type HandshakeResult } from "../src/sdk/noise";
import { CipherState, importHkdfKey } from "../src/sdk/noise_cipher";
import { pairingPrologue, pairingPsk } from "../src/sdk/pairing";
import { SecureChannel } from "../src/sdk/secure_channel";
import { wordsOfHandshake } from "../src/sdk/words";

const read = <Vectors>(name: string): Vectors =>
  JSON.parse(
    readFileSync(new URL(`../../testdata/noise/${name}`, import.meta.url), "utf8"),
  ) as Vectors;
const hex = (text: string): Bytes => new Uint8Array(Buffer.from(text, "hex"));
const toHex = (bytes: Bytes): string => Buffer.from(bytes).toString("hex");
const EMPTY = new Uint8Array(0);

interface Side {
  deviceId: string;
  staticSecretHex: string;
  ephemeralHex: string;
  certificateHashHex: string;
}

interface LinkVector {
  pairId: string;
  pairSecret: string;
  initiator: Side;
  responder: Side;
  prologueHex: string;
  conversationsHex: [string, string];
  messagesHex: [string, string];
  handshakeHashHex: string;
  initiatorKeyHex: string;
  responderKeyHex: string;
  channels: { from: string; frames: { frameHex: string; ctlHex: string; fileHex: string }[] }[];
}

interface PairingVector {
  link: string;
  inviter: Pick<Side, "staticSecretHex" | "ephemeralHex">;
  joiner: Pick<Side, "staticSecretHex" | "ephemeralHex">;
  pskHex: string;
  prologueHex: string;
  payloads: [string, string];
  messagesHex: [string, string];
  handshakeHashHex: string;
  wordIndices: number[];
  transport: { from: string; text: string; sealedHex: string }[];
}

/** RFC 8410 PKCS #8 wrapping of a raw X25519 private key. */
async function dhKeys(raw: string): Promise<DhKeys> {
  const der = concat(hex("302e020100300506032b656e04220420"), hex(raw));
  const key = await crypto.subtle.importKey("pkcs8", der, "X25519", true, ["deriveBits"]);
  const jwk = await crypto.subtle.exportKey("jwk", key);
  return { privateKey: key, publicKey: new Uint8Array(Buffer.from(jwk.x ?? "", "base64url")) };
}

/** Both messages as the vector has them. */
async function run(
  initiator: Handshake,
  responder: Handshake,
  payloads: [Bytes, Bytes],
  messagesHex: [string, string],
): Promise<[HandshakeResult, HandshakeResult]> {
  const one = await initiator.write(payloads[0]);
  expect(toHex(one)).toBe(messagesHex[0]);
  expect(await responder.read(one)).toEqual(payloads[0]);
  const two = await responder.write(payloads[1]);
  expect(toHex(two)).toBe(messagesHex[1]);
  expect(await initiator.read(two)).toEqual(payloads[1]);
  return [await initiator.result(), await responder.result()];
}

test("a link and its channels", async () => {
  const vector = read<LinkVector>("link.json");
  const [first, second] = [vector.initiator, vector.responder].map(
    ({ deviceId, certificateHashHex }) => ({ deviceId, certificateHash: hex(certificateHashHex) }),
  );
  if (first === undefined || second === undefined) throw new Error("two sides");
  const prologue = linkPrologue(vector.pairId, first, second);
  expect(toHex(prologue)).toBe(vector.prologueHex);
  const keys = {
    initiator: await dhKeys(vector.initiator.staticSecretHex),
    responder: await dhKeys(vector.responder.staticSecretHex),
  };
  const start = async (own: "initiator" | "responder"): Promise<Handshake> =>
    Handshake.start({
      pattern: "KKpsk2",
      initiator: own === "initiator",
      prologue,
      staticKeys: keys[own],
      remoteStatic: keys[own === "initiator" ? "responder" : "initiator"].publicKey,
      psk: await importHkdfKey(fromBase64url(vector.pairSecret)),
      ephemeral: await dhKeys(vector[own].ephemeralHex),
    });
  const ends = [await start("initiator"), await start("responder")] as const;
  const [one, other] = vector.conversationsHex;
  const payloads: [Bytes, Bytes] = [hex(one), hex(other)];
  const [ours, theirs] = await run(ends[0], ends[1], payloads, vector.messagesHex);
  expect(toHex(ours.hash)).toBe(vector.handshakeHashHex);
  expect(toHex(ours.sendKey)).toBe(vector.initiatorKeyHex);
  expect(toHex(theirs.sendKey)).toBe(vector.responderKeyHex);
  for (const { from, frames } of vector.channels) {
    const [sender, receiver] = from === "initiator" ? [ours, theirs] : [theirs, ours];
    for (const label of ["ctl", "file"] as const) {
      const sealing = await SecureChannel.of(sender, label);
      const opening = await SecureChannel.of(receiver, label);
      for (const frame of frames) {
        const sealed = label === "ctl" ? frame.ctlHex : frame.fileHex;
        expect(toHex(await sealing.seal(hex(frame.frameHex)))).toBe(sealed);
        expect(await opening.open(hex(sealed))).toEqual(hex(frame.frameHex));
      }
    }
  }
});

test("a pairing from its link to its words", async () => {
  const vector = read<PairingVector>("pairing.json");
  const link = parsePairingLink(vector.link);
  expect(buildPairingLink(link)).toBe(vector.link);
  const prologue = pairingPrologue(link);
  expect(toHex(prologue)).toBe(vector.prologueHex);
  const psk = await pairingPsk(link.secret);
  const start = async (joins: boolean): Promise<Handshake> => {
    const side = joins ? vector.joiner : vector.inviter;
    return Handshake.start({
      pattern: "IKpsk1",
      initiator: joins,
      prologue,
      staticKeys: await dhKeys(side.staticSecretHex),
      ephemeral: await dhKeys(side.ephemeralHex),
      psk,
      ...(joins ? { remoteStatic: link.key } : {}),
    });
  };
  const payloads: [Bytes, Bytes] = [utf8(vector.payloads[0]), utf8(vector.payloads[1])];
  const ends = [await start(true), await start(false)] as const;
  const [joiner, inviter] = await run(ends[0], ends[1], payloads, vector.messagesHex);
  expect(toHex(joiner.hash)).toBe(vector.handshakeHashHex);
  const words = vector.wordIndices.map((index) => wordlist[index]);
  expect(await wordsOfHandshake(joiner.hash)).toEqual(words);
  const send = {
    inviter: await CipherState.of(inviter.sendKey),
    joiner: await CipherState.of(joiner.sendKey),
  };
  for (const { from, text, sealedHex } of vector.transport) {
    const sealed = await send[from as "inviter" | "joiner"].encrypt(EMPTY, utf8(text));
    expect(toHex(sealed)).toBe(sealedHex);
  }
});
