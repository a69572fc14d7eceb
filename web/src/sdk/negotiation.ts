// Perfect negotiation (W3C WebRTC §10.7) of one RTCPeerConnection with trickled candidates.
// Descriptions arrive here verified; signing and sending are the link's.
import type { SdpType } from "./sdp_signature";
import { fingerprintsOf, iceUfragsOf, withStartBitrate } from "./sdp";
import { Serial } from "./serial";

/** Candidates that wait for their description; a peer sends at most 128 per offer. */
const CANDIDATE_LIMIT = 256;

/** An offer that is not answered is sent again after this long, in milliseconds. */
const ANSWER_LIMIT_MS = 5000;
/** After this many unanswered in a row the connection is beyond help. */
const UNANSWERED_LIMIT = 3;

/** A trickled candidate; an empty one ends a generation. */
export interface TrickledCandidate {
  candidate: string;
  mid: string | null;
  ufrag: string | null;
}

export interface NegotiationOptions {
  pc: RTCPeerConnection;
  polite: boolean;
  /** Whether the first offer is this side's to make. */
  isFirst: boolean;
  /** Whether the peer would get a message sent now. */
  canSend: () => boolean;
  sendDescription: (type: SdpType, sdp: string, offerSdp: string) => Promise<void>;
  sendCandidate: (candidate: TrickledCandidate) => void;
  /** Kilobits per second to begin videos with, null for the browser's own. */
  startBitrateKbps: () => number | null;
  /** An offer was taken; its transceivers can still be prepared for the answer. */
  beforeAnswer: () => void;
  /** The peer does not answer, or its offer is refused over ours: only another connection helps. */
  onStuck: () => void;
  onError: (thrown: unknown) => void;
}

/** Offers, answers and candidates of one connection. */
export class Negotiation {
  readonly #options: NegotiationOptions;
  readonly #pc: RTCPeerConnection;
  readonly #outgoing: Serial;
  #makingOffer = false;
  #isWanted = false;
  /** The offer of ours that is or was last out. */
  #offerSdp = "";
  #remoteFingerprints = "";
  #remoteUfrags = new Set<string>();
  #waiting: TrickledCandidate[] = [];
  /** Own candidates of the current generation, to repeat with their offer. */
  #trickled: TrickledCandidate[] = [];
  #answerTimer: ReturnType<typeof setTimeout> | undefined;
  #unanswered = 0;
  remoteCandidates = 0;

  constructor(options: NegotiationOptions) {
    this.#options = options;
    this.#pc = options.pc;
    this.#outgoing = new Serial(options.onError);
    this.#pc.onnegotiationneeded = () => void this.#offer();
    this.#pc.onicecandidate = ({ candidate }) => this.#trickle(candidate);
  }

  /** The offer that an answer has to name by its hash. */
  get offerSdp(): string {
    return this.#offerSdp;
  }

  /** Whether a description belongs to another connection of the peer than this one knows. */
  isForeign(sdp: string): boolean {
    if (this.#remoteFingerprints === "") return false;
    return fingerprintsOf(sdp).join() !== this.#remoteFingerprints;
  }

  /** Whether the peer has not described itself yet. */
  get isAlone(): boolean {
    return this.#remoteFingerprints === "";
  }

  /** Whether an offer of this side is out, or about to be. */
  get isOffering(): boolean {
    return this.#makingOffer || this.#pc.signalingState !== "stable";
  }

  /** Signalling is back: offers what is wanted, and again what was not answered. */
  resume(): void {
    if (this.#pc.signalingState === "have-local-offer") {
      // The same text as before, so that an answer to either is an answer to both.
      this.#send("offer", this.#offerSdp, "");
      for (const candidate of this.#trickled) this.#sendCandidate(candidate);
    } else if (this.#isWanted) {
      void this.#offer();
    }
  }

  stop(): void {
    clearTimeout(this.#answerTimer);
    this.#pc.onnegotiationneeded = null;
    this.#pc.onicecandidate = null;
  }

  /** Takes a verified offer and answers it, unless ours goes first. */
  async acceptOffer(sdp: string): Promise<void> {
    const collides = this.isOffering;
    if (collides && !this.#options.polite) return;
    try {
      await this.#setRemote("offer", sdp);
    } catch (thrown) {
      if (!collides) throw thrown;
      // Chromium keeps the header extension ids of the offer that it rolls back and refuses other
      // ones, which Firefox's are: this connection takes no offer any more.
      return this.#options.onStuck();
    }
    this.#options.beforeAnswer();
    await this.#pc.setLocalDescription();
    const answer = this.#pc.localDescription?.sdp;
    if (answer !== undefined) this.#send("answer", answer, sdp);
  }

  /** Takes a verified answer to the offer that is out. */
  async acceptAnswer(sdp: string): Promise<void> {
    if (this.#pc.signalingState !== "have-local-offer") return;
    await this.#setRemote("answer", sdp);
  }

  /** Takes a candidate now, or when its description came. */
  async addCandidate(candidate: TrickledCandidate): Promise<void> {
    if (this.#isCurrent(candidate)) return this.#add(candidate);
    if (this.#waiting.length < CANDIDATE_LIMIT) this.#waiting.push(candidate);
  }

  async #offer(): Promise<void> {
    if (!this.#options.canSend() || this.#isFirstOfferTheirs()) {
      this.#isWanted = true;
      return;
    }
    this.#isWanted = false;
    try {
      this.#makingOffer = true;
      await this.#pc.setLocalDescription();
      const description = this.#pc.localDescription;
      if (description?.type === "offer") this.#send("offer", description.sdp, "");
    } catch (thrown) {
      this.#options.onError(thrown);
    } finally {
      this.#makingOffer = false;
    }
  }

  #isFirstOfferTheirs(): boolean {
    return !this.#options.isFirst && this.isAlone;
  }

  /** Messages leave in the order they arose, though signing takes its time. */
  #send(type: SdpType, sdp: string, offerSdp: string): void {
    if (type === "offer") {
      this.#offerSdp = sdp;
      this.#awaitAnswer();
    }
    void this.#outgoing.run(() => this.#options.sendDescription(type, sdp, offerSdp));
  }

  #awaitAnswer(): void {
    clearTimeout(this.#answerTimer);
    this.#answerTimer = setTimeout(() => {
      // Where the peer is away, signalling resumes when it is back.
      if (this.#pc.signalingState !== "have-local-offer" || !this.#options.canSend()) return;
      this.#unanswered += 1;
      if (this.#unanswered < UNANSWERED_LIMIT) this.resume();
      else this.#options.onStuck();
    }, ANSWER_LIMIT_MS);
  }

  #trickle(candidate: RTCIceCandidate | null): void {
    if (candidate === null) return;
    const { sdpMid: mid, usernameFragment } = candidate;
    const ufrag = usernameFragment ?? null;
    const trickled = { candidate: candidate.candidate, mid, ufrag };
    this.#trickled = [...this.#trickled.filter((each) => each.ufrag === ufrag), trickled];
    this.#sendCandidate(trickled);
  }

  #sendCandidate(candidate: TrickledCandidate): void {
    void this.#outgoing.run(() => this.#options.sendCandidate(candidate));
  }

  async #setRemote(type: SdpType, sdp: string): Promise<void> {
    const kbps = this.#options.startBitrateKbps();
    const local = kbps === null ? sdp : withStartBitrate(sdp, kbps);
    await this.#pc.setRemoteDescription({ type, sdp: local });
    clearTimeout(this.#answerTimer);
    this.#unanswered = 0;
    this.#remoteFingerprints = fingerprintsOf(sdp).join();
    this.#remoteUfrags = iceUfragsOf(sdp);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const candidate of waiting) {
      if (this.#isCurrent(candidate)) await this.#add(candidate);
    }
    // An answer may leave wishes open that came up while it was under way.
    if (type === "answer" && this.#isWanted) void this.#offer();
  }

  #isCurrent({ ufrag }: TrickledCandidate): boolean {
    if (this.#pc.remoteDescription === null) return false;
    return ufrag === null || this.#remoteUfrags.has(ufrag);
  }

  async #add({ candidate, mid, ufrag }: TrickledCandidate): Promise<void> {
    if (candidate !== "") this.remoteCandidates += 1;
    try {
      await this.#pc.addIceCandidate({
        candidate,
        sdpMid: mid,
        ...(mid === null ? { sdpMLineIndex: 0 } : {}),
        ...(ufrag === null ? {} : { usernameFragment: ufrag }),
      });
    } catch {
      // One candidate this browser cannot use must not end the others.
    }
  }
}
