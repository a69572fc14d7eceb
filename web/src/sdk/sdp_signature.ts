// Session descriptions signed by the device keys (docs/protocol.md, /api/signal): the signalling
// server can neither change nor replay nor invent one.
import { fromBase64url, sha256, toBase64url, utf8, type Bytes } from "./bytes";
import { encodeCbor } from "./cbor";
import { HelioError } from "./errors";
import type { Identity } from "./identity";
import { importVerifyKey, type DeviceRecord } from "./record";
import { fingerprintsOf, iceUfragOf } from "./sdp";
import type { Store } from "./store";

/** How far the two clocks may differ, in milliseconds. */
export const CLOCK_LIMIT_MS = 10 * 60_000;

export type SdpType = "offer" | "answer";

/** A description as it travels. */
export interface SignedSdp {
  type: SdpType;
  sdp: string;
  ts?: number;
  sig?: string;
}

/** What a signature binds a description to. */
export interface SdpContext {
  pairId: string;
  from: string;
  to: string;
  type: SdpType;
  sdp: string;
  ts: number;
  /** The answered offer; empty for offers. */
  offerSdp: string;
}

/** The bytes that are signed. */
export async function sdpSigningInput(context: SdpContext): Promise<Bytes> {
  const { pairId, from, to, type, sdp, ts, offerSdp } = context;
  return encodeCbor([
    "heliograph-sdp-v1",
    pairId,
    from,
    to,
    type,
    fingerprintsOf(sdp),
    iceUfragOf(sdp),
    ts,
    await sha256(utf8(sdp)),
    type === "answer" ? await sha256(utf8(offerSdp)) : new Uint8Array(0),
  ]);
}

function refused(code: string, message: string, nextStep: string): HelioError {
  return new HelioError(code, message, nextStep);
}

function skewed(offsetMs: number): HelioError {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const direction = offsetMs > 0 ? "ahead of" : "behind";
  return refused(
    "clock-skew",
    `your other device's clock is ${minutes} minutes ${direction} this one`,
    "Set both clocks to automatic.",
  );
}

/** Signs for one pair and verifies what the peer signed. */
export class SdpSignatures {
  readonly #identity: Identity;
  readonly #store: Store;
  readonly #pairId: string;
  readonly #peer: DeviceRecord;
  readonly #now: () => number;

  constructor(
    identity: Identity,
    store: Store,
    pair: { pairId: string; peer: DeviceRecord },
    now: () => number = Date.now,
  ) {
    this.#identity = identity;
    this.#store = store;
    this.#pairId = pair.pairId;
    this.#peer = pair.peer;
    this.#now = now;
  }

  /** Signs an own description; its time is above every earlier one. */
  async sign(type: SdpType, sdp: string, offerSdp: string): Promise<Required<SignedSdp>> {
    const ts = await this.#store.nextOwnSdpTime(this.#pairId, this.#now());
    const from = this.#identity.deviceId;
    const to = this.#peer.deviceId;
    const context = { pairId: this.#pairId, from, to, type, sdp, ts, offerSdp };
    const sig = await this.#identity.sign(await sdpSigningInput(context));
    return { type, sdp, ts, sig: toBase64url(sig) };
  }

  /**
   * Accepts a peer's description once, or throws HelioError: `unsigned`, `signature-refused`,
   * `clock-skew` or `replayed`.
   */
  async verify({ type, sdp, ts, sig }: SignedSdp, offerSdp: string): Promise<void> {
    if (typeof ts !== "number" || !Number.isSafeInteger(ts) || typeof sig !== "string") {
      throw refused("unsigned", `the ${type} carries no signature`, "Update the other device.");
    }
    if (fingerprintsOf(sdp).length === 0) {
      throw refused("signature-refused", `the ${type} names no fingerprint`, "Pair again.");
    }
    const from = this.#peer.deviceId;
    const to = this.#identity.deviceId;
    const context = { pairId: this.#pairId, from, to, type, sdp, ts, offerSdp };
    if (!(await this.#isSigned(context, sig))) throw await this.#mismatch(context, sig);
    const offsetMs = ts - this.#now();
    if (Math.abs(offsetMs) > CLOCK_LIMIT_MS) throw skewed(offsetMs);
    if (!(await this.#store.raiseSdpTime(this.#pairId, "peer", ts))) {
      throw refused(
        "replayed",
        `the ${type} was sent before and was refused`,
        "Nothing to do if the link works; else somebody may be interfering with the server.",
      );
    }
  }

  async #isSigned(context: SdpContext, sig: string): Promise<boolean> {
    try {
      const key = await importVerifyKey(fromBase64url(this.#peer.key));
      const input = await sdpSigningInput(context);
      return await crypto.subtle.verify("Ed25519", key, fromBase64url(sig), input);
    } catch {
      return false;
    }
  }

  /** Says what did not match, as far as the signature lets one tell. */
  async #mismatch(context: SdpContext, sig: string): Promise<HelioError> {
    const { type } = context;
    const other: SdpType = type === "offer" ? "answer" : "offer";
    let what = "its fingerprint or text is not what your other device signed";
    if (await this.#isSigned({ ...context, type: other }, sig)) what = `it was signed as ${other}`;
    return refused(
      "signature-refused",
      `the ${type} was refused: ${what}`,
      "Somebody may be interfering with the server. Pair again if your device was reset.",
    );
  }
}
