// Pairing two devices: the states that views draw, and what both sides do alike
// (docs/protocol.md, Pairing). The machines are in inviter.ts and joiner.ts.
import type { Api } from "./api";
import { fromBase64url, hkdf, lengthPrefixed, toBase64url, utf8, type Bytes } from "./bytes";
import { HelioError } from "./errors";
import type { Identity } from "./identity";
import type { PairingLink } from "./invite";
import type { DhKeys, HandshakeResult } from "./noise";
import { CipherState, importHkdfKey } from "./noise_cipher";
import { CONTRIBUTION_BYTES } from "./pair_keys";
import { verifyRecord, type DeviceRecord } from "./record";
import type { SocketFactory } from "./sockets";
import type { Store, StoredPair } from "./store";
import type { Words } from "./words";

/**
 * Where the inviter is: `connecting` to the server · `waiting` shows the code · `joining` a device
 * opened the link · `choosing` the person picks the words the other screen shows ·
 * `confirming` · `paired` · `failed`. A failed attempt (`retrying`) goes back to `waiting` until
 * the third.
 */
export type InviterState =
  | { step: "connecting" }
  | { step: "waiting"; url: string; expiresMs: number; retrying: HelioError | null }
  | { step: "joining"; url: string; expiresMs: number }
  | { step: "choosing"; peer: DeviceRecord; sets: Words[] }
  | { step: "confirming"; peer: DeviceRecord }
  | { step: "paired"; pair: StoredPair }
  | { step: "failed"; error: HelioError };

/**
 * Where the joiner is: `connecting` · `waiting` for the inviter · `showing` the words the inviter
 * picks · `confirming` both signed, the server stores · `paired` · `failed`.
 */
export type JoinerState =
  | { step: "connecting" }
  | { step: "waiting" }
  | { step: "showing"; peer: DeviceRecord; words: Words }
  | { step: "confirming"; peer: DeviceRecord }
  | { step: "paired"; pair: StoredPair }
  | { step: "failed"; error: HelioError };

/** What both sides of a pairing need. */
export interface PairingOptions {
  api: Api;
  identity: Identity;
  store: Store;
  /** Only for tests. */
  socket?: SocketFactory;
  now?: () => number;
}

/** One side's half of messages 1 and 2. */
export interface Introduction {
  record: DeviceRecord;
  contribution: Bytes;
}

/** The prologue: version, rendezvous, and the origin of the link on both sides. */
export function pairingPrologue(link: Pick<PairingLink, "rendezvousId" | "origin">): Bytes {
  return lengthPrefixed(utf8("heliograph-pairing-v1"), utf8(link.rendezvousId), utf8(link.origin));
}

/** The pre-shared key of a link's secret. */
export async function pairingPsk(secret: Bytes): Promise<CryptoKey> {
  const info = new Uint8Array(0);
  return importHkdfKey(await hkdf(utf8("heliograph-pairing-psk-v1"), secret, info, 32));
}

/** This device's static Noise keys. */
export function staticKeysOf(identity: Identity): DhKeys {
  return { privateKey: identity.x25519Key, publicKey: fromBase64url(identity.record.x25519) };
}

/** The payload of message 1 or 2. */
export function writeIntroduction(record: DeviceRecord, contribution: Bytes): Bytes {
  return utf8(JSON.stringify({ record, contribution: toBase64url(contribution) }));
}

/** An error of the pairing itself. */
export function pairingError(code: string, message: string, nextStep?: string): HelioError {
  return new HelioError(code, message, nextStep ?? "Make a new code and try again.");
}

/** The JSON object inside a Noise payload. */
export function readPayload(payload: Bytes): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw pairingError("pairing-malformed", "the other device sent something unreadable");
}

/**
 * Reads the peer's introduction and checks it against the handshake.
 * @throws HelioError `record-invalid`, `record-mismatch`, `same-device` or `pairing-malformed`.
 */
export async function readIntroduction(
  payload: Bytes,
  remoteStatic: Bytes,
  ownDeviceId: string,
): Promise<Introduction> {
  const value = readPayload(payload);
  const record = await verifyRecord(value["record"]);
  // Else a device could introduce itself with somebody else's record.
  if (record.x25519 !== toBase64url(remoteStatic)) {
    throw pairingError("record-mismatch", "the other device's record holds another key");
  }
  if (record.deviceId === ownDeviceId) {
    throw pairingError("same-device", "this is the same device", "Open the link on another one.");
  }
  let contribution: Bytes | undefined;
  try {
    contribution = fromBase64url(String(value["contribution"]));
  } catch {
    // Said below.
  }
  if (contribution?.length !== CONTRIBUTION_BYTES) {
    throw pairingError("pairing-malformed", "the other device's contribution is not 32 bytes");
  }
  return { record, contribution };
}

/** Messages 3 to 5: JSON under the handshake's transport keys. */
export class PairingTransport {
  readonly #sender: CipherState;
  readonly #receiver: CipherState;

  private constructor(sender: CipherState, receiver: CipherState) {
    this.#sender = sender;
    this.#receiver = receiver;
  }

  static async of({ sendKey, receiveKey }: HandshakeResult): Promise<PairingTransport> {
    return new PairingTransport(await CipherState.of(sendKey), await CipherState.of(receiveKey));
  }

  seal(message: object): Promise<Bytes> {
    return this.#sender.encrypt(new Uint8Array(0), utf8(JSON.stringify(message)));
  }

  /** @throws HelioError `pairing-malformed` when it was changed on the way. */
  async open(sealed: Bytes): Promise<Record<string, unknown>> {
    let payload: Bytes;
    try {
      payload = await this.#receiver.decrypt(new Uint8Array(0), sealed);
    } catch {
      throw pairingError("pairing-malformed", "a message was changed on the way");
    }
    return readPayload(payload);
  }
}

/** The bytes of a relayed `{"t":"noise","data":…}`. */
export function noiseData(message: Record<string, unknown>): Bytes {
  try {
    return fromBase64url(String(message["data"]));
  } catch {
    throw pairingError("pairing-malformed", "a message is not base64url");
  }
}
