// The peer's messages as a link may act on them: checked for sender, size and signature, in the
// order they came; and this side's, signed.
import { asHelioError, type HelioError } from "./errors";
import type { Identity } from "./identity";
import type { TrickledCandidate } from "./negotiation";
import { SdpSignatures, type SdpType } from "./sdp_signature";
import { Serial } from "./serial";
import type { PeerMessage, Signalling } from "./signalling";
import type { Store, StoredPair } from "./store";

/** Largest session description taken (docs/protocol.md: 32 KiB). */
const SDP_LIMIT = 32 * 1024;
/** Largest candidate taken. */
const CANDIDATE_LIMIT = 1024;

export interface MessageHandlers {
  /** The offer that an answer has to belong to. */
  offerSdp: () => string;
  onOffer: (sdp: string) => Promise<void>;
  onAnswer: (sdp: string) => Promise<void>;
  onCandidate: (candidate: TrickledCandidate) => Promise<void> | undefined;
  onBye: (reason: string) => void;
  /** A description was refused; nothing of it was used. */
  onRefused: (error: HelioError) => void;
}

function textOr<Other>(value: unknown, other: Other): string | Other {
  return typeof value === "string" ? value : other;
}

/** Messages of one pair. */
export class LinkMessages {
  readonly #signalling: Signalling;
  readonly #signatures: SdpSignatures;
  readonly #pair: StoredPair;
  readonly #handlers: MessageHandlers;
  readonly #steps: Serial;

  constructor(
    signalling: Signalling,
    identity: Identity,
    store: Store,
    pair: StoredPair,
    handlers: MessageHandlers,
  ) {
    this.#signalling = signalling;
    this.#signatures = new SdpSignatures(identity, store, pair);
    this.#pair = pair;
    this.#handlers = handlers;
    this.#steps = new Serial((thrown) => this.#failed(thrown));
    signalling.on("message", (message) => void this.#steps.run(() => this.#handle(message)));
  }

  /** Sends a description, signed. */
  async describe(type: SdpType, sdp: string, offerSdp: string): Promise<void> {
    const { ts, sig } = await this.#signatures.sign(type, sdp, offerSdp);
    this.#signalling.send({ t: type, sdp, ts, sig });
  }

  trickle({ candidate, mid, ufrag }: TrickledCandidate): void {
    const known = { ...(mid === null ? {} : { mid }), ...(ufrag === null ? {} : { ufrag }) };
    this.#signalling.send({ t: "ice", candidate, ...known });
  }

  bye(reason: string): void {
    this.#signalling.send({ t: "bye", reason });
  }

  async #handle(message: PeerMessage): Promise<void> {
    // The server fills `from`; what another device of the account says is not for this link.
    if (message.from !== this.#pair.peer.deviceId) return;
    if (message.t === "bye") return this.#handlers.onBye(textOr(message["reason"], ""));
    if (message.t === "ice") return this.#handleCandidate(message);
    const { t: type } = message;
    const sdp = textOr(message["sdp"], "");
    if (sdp === "" || sdp.length > SDP_LIMIT) return;
    // Nothing of a description is used before its signature is right.
    if (this.#pair.verified) await this.#verify(type, sdp, message);
    await (type === "offer" ? this.#handlers.onOffer(sdp) : this.#handlers.onAnswer(sdp));
  }

  async #verify(type: SdpType, sdp: string, { ts, sig }: PeerMessage): Promise<void> {
    const offerSdp = type === "answer" ? this.#handlers.offerSdp() : "";
    const signed = {
      type,
      sdp,
      ...(typeof ts === "number" ? { ts } : {}),
      ...(typeof sig === "string" ? { sig } : {}),
    };
    await this.#signatures.verify(signed, offerSdp);
  }

  async #handleCandidate(message: PeerMessage): Promise<void> {
    const candidate = textOr(message["candidate"], null);
    if (candidate === null || candidate.length > CANDIDATE_LIMIT) return;
    const mid = textOr(message["mid"], null);
    const ufrag = textOr(message["ufrag"], null);
    await this.#handlers.onCandidate({ candidate, mid, ufrag });
  }

  #failed(thrown: unknown): void {
    const error = asHelioError(thrown);
    // A connection that was closed meanwhile, or a description this browser does not take.
    if (error.code === "internal") console.warn(`a message was not taken: ${error.message}`);
    else this.#handlers.onRefused(error);
  }
}
