// One link to one paired device: signalling, connections, control and media in one object.
// It keeps itself up until it is closed, replaced, revoked or refused.
import type { Api } from "./api";
import { asciiLess } from "./bytes";
import { Connection } from "./connection";
import type { FrameMap } from "./control";
import { Ctl } from "./ctl";
import { Emitter } from "./emitter";
import { HelioError } from "./errors";
import { failure, type LinkFailure } from "./failures";
import type { Files } from "./files";
import type { Identity } from "./identity";
import type { Llm } from "./llm";
import {
  LinkMedia,
  type MediaInit,
  type MediaSource,
  type OutgoingMedia,
  type PeerMedia,
} from "./link_media";
import { LinkMessages } from "./link_messages";
import { drawConversation } from "./link_noise";
import { IceServers, type IceGrant } from "./ice_servers";
import { exposeLink } from "./inspection";
import {
  initialState,
  phaseOf,
  type EndedBy,
  type LinkEvents,
  type LinkPhase,
  type LinkState,
} from "./link_state";
import type { LinkStats } from "./link_stats";
import { onNetworkChange } from "./network";
import { FEATURE_CTL_NOISE, FEATURE_FILE } from "./record";
import type { Revocations } from "./revocations";
import { Signalling, type Ready } from "./signalling";
import { StatsPoller } from "./stats";
import type { SocketFactory } from "./sockets";
import type { Store, StoredPair } from "./store";
import { LinkReports } from "./telemetry";

/** Key proofs that may run out of time in a row before the link gives up. */
const PROOF_ATTEMPTS = 3;
/** After a failed connection the peer needs a moment to notice, in milliseconds. */
const REBUILD_WAIT_MS = 500;
/** How long, and how often, the peer is told that the pair is over, in milliseconds. */
const REVOKED_TOLD_MS = 1000;
const REVOKED_EVERY_MS = 50;

export interface LinkOptions {
  api: Api;
  identity: Identity;
  store: Store;
  pair: StoredPair;
  /** Tells the server when the pair is revoked here. */
  revocations: Revocations;
  /** `relay` uses relays only. Default `all`. */
  iceTransportPolicy?: RTCIceTransportPolicy;
  /** Relays of the person's own, beside those of the server. */
  ownIceServers?: RTCIceServer[];
  /** Where the peer's files go and this side's come from; absent on a page without files. */
  files?: Files;
  /** The chats with the peer's models; absent on a page without chats. */
  llm?: Llm;
  /** Only for tests. */
  socket?: SocketFactory;
}

/** One link to one paired device. */
export class Link extends Emitter<LinkEvents> {
  readonly pair: StoredPair;
  /** Null where one of the two takes no files, or the keys cannot be proven. */
  readonly files: Files | null;
  /** Null where this page has no chats, or the keys cannot be proven. */
  readonly llm: Llm | null;
  readonly #options: LinkOptions;
  readonly #polite: boolean;
  readonly #isSecured: boolean;
  readonly #signalling: Signalling;
  readonly #iceServers: IceServers;
  readonly #messages: LinkMessages;
  readonly #media = new LinkMedia((media) => this.emit("media", media));
  readonly #reports: LinkReports;
  readonly #stats: StatsPoller;
  #state: LinkState;
  #connection: Connection | null = null;
  /** The connection over the network of before, until another one is open. */
  #former: Connection | null = null;
  /** This device changed its network: whichever side it is, it makes the first offer. */
  #isMoved = false;
  /** From the first connection that opens until the link ends. */
  #ctl: Ctl | null = null;
  readonly #conversation = drawConversation();
  #wasOpen = false;
  #failedProofs = 0;
  #rebuildTimer: ReturnType<typeof setTimeout> | undefined;
  #forgetNetwork: (() => void) | null = null;

  constructor(options: LinkOptions) {
    super();
    const { pair, identity, store, api } = options;
    this.pair = pair;
    this.#options = options;
    this.#polite = asciiLess(identity.deviceId, pair.peer.deviceId);
    const bothSpeak = (feature: string): boolean =>
      [identity.record, pair.peer].every(({ features }) => features.includes(feature));
    this.#isSecured = pair.verified && bothSpeak(FEATURE_CTL_NOISE);
    this.files = this.#isSecured && bothSpeak(FEATURE_FILE) ? (options.files ?? null) : null;
    this.llm = this.#isSecured ? (options.llm ?? null) : null;
    this.#signalling = new Signalling({
      api,
      pairId: pair.pairId,
      ...(options.socket ? { socket: options.socket } : {}),
    });
    this.#iceServers = new IceServers({
      own: options.ownIceServers ?? [],
      renew: () => this.#signalling.renew(),
    });
    this.#messages = new LinkMessages(this.#signalling, identity, store, pair, {
      offerSdp: () => this.#connection?.negotiation.offerSdp ?? "",
      onOffer: (sdp) => this.#handleOffer(sdp),
      onAnswer: (sdp) => this.#handleAnswer(sdp),
      onCandidate: (candidate) => this.#connection?.negotiation.addCandidate(candidate),
      onBye: (reason) => this.#handleBye(reason),
      onRefused: (error) => this.#refuse(error),
    });
    this.#reports = new LinkReports(api, pair.pairId);
    this.#stats = new StatsPoller((stats) => this.#handleStats(stats));
    this.#state = initialState(pair.verified);
    exposeLink(this);
    this.#listen();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The peer's media, in order of appearance. */
  get media(): readonly PeerMedia[] {
    return this.#media.incoming;
  }

  /** The last two minutes, oldest first. */
  get history(): readonly LinkStats[] {
    return this.#stats.history;
  }

  /** The current connection, for figures and tests; not to be changed. */
  get peerConnection(): RTCPeerConnection | null {
    return this.#connection?.pc ?? null;
  }

  /** Starts, also again after it ended; the link then keeps itself up until `close`. */
  start(): void {
    if (this.#state.phase !== "idle" && this.#state.phase !== "ended") return;
    this.#become({ phase: "signalling", endedBy: null, failure: null });
    this.#forgetNetwork ??= onNetworkChange(() => this.#networkChanged());
    this.#signalling.start();
  }

  /** Takes the pair back from the tab that replaced this one. */
  takeOver(): void {
    this.start();
  }

  /** Ends the link and tells the peer why. */
  close(reason = "closed"): void {
    this.#end("closed", reason);
  }

  /** Looks for a new path now. */
  restart(): void {
    void this.#connection?.restart();
  }

  /**
   * Ends the pair: forgets it here, tells the peer over the link, and the server as soon as it can
   * be reached (`serverKnows`). Resolves when the link has ended.
   * @throws HelioError `storage`.
   */
  async revoke(): Promise<void> {
    const { revocations } = this.#options;
    await revocations.keep(this.pair.pairId);
    this.#become({ serverKnows: false });
    const forget = revocations.on("settled", (pairId) => {
      if (pairId !== this.pair.pairId) return;
      forget();
      this.#become({ serverKnows: true });
    });
    void revocations.settle();
    await this.#tellRevoked();
    this.#end("revoked", "revoked");
  }

  /** Nobody acknowledges a command and it may get lost: told until the peer has let go. */
  async #tellRevoked(): Promise<void> {
    for (let toldMs = 0; toldMs < REVOKED_TOLD_MS; toldMs += REVOKED_EVERY_MS) {
      if (this.#connection?.canSend !== true) return;
      this.#ctl?.sendCommand("revoked", {});
      await new Promise((resolve) => setTimeout(resolve, REVOKED_EVERY_MS));
    }
  }

  /**
   * Sends a text of at most 2000 characters (Unicode scalar values).
   * Resolves when the peer acknowledged it.
   * @throws HelioError `text-too-long`, `not-connected` or `not-delivered` (after 3 s).
   */
  async sendText(text: string): Promise<void> {
    if (this.#ctl === null) {
      throw new HelioError("not-connected", "the link is not open", "Wait until it is connected.");
    }
    await this.#ctl.sendText(text);
  }

  /** Sends a command, best effort; dropped while the link is not open. */
  sendCommand(name: string, args: FrameMap = {}): void {
    this.#ctl?.sendCommand(name, args);
  }

  /** Sends a track (or one that comes later), on this connection and those after it. */
  addMedia(source: MediaSource, init: MediaInit): OutgoingMedia {
    return this.#media.add(source, init);
  }

  /** A view measured the way from capture to screen of a peer's media. */
  noteLatency(mid: string, totalMs: number): void {
    this.#stats.noteLatency(mid, totalMs);
  }

  /** A still of this side was encoded; for the figures. */
  noteStill(bytes: number): void {
    this.#reports.still(bytes);
  }

  #listen(): void {
    const signalling = this.#signalling;
    signalling.on("ready", (ready) => this.#ready(ready));
    signalling.on("peerOnline", (online) => this.#presence(online));
    signalling.on("ice", (grant) => this.#takeIceServers(grant));
    signalling.on("refused", (error) => this.emit("refused", error));
    signalling.on("lost", (error) => this.#signallingLost(error));
    signalling.on("ended", (why) => void (why === "revoked" ? this.#revoked() : this.#end(why)));
  }

  #ready({ peerOnline, ice }: Ready): void {
    this.#takeIceServers(ice);
    this.#presence(peerOnline);
  }

  #takeIceServers(grant: IceGrant): void {
    this.#iceServers.take(grant);
    this.#connection?.setIceServers(this.#iceServers.current);
  }

  #presence(peerOnline: boolean): void {
    this.#become({ peerOnline });
    if (peerOnline) this.#meet();
  }

  /** Both are at the server: the impolite side offers, first or anew. */
  #meet(): void {
    if (!this.#signalling.isReady || !this.#state.peerOnline) return;
    if (this.#connection === null) {
      if (!this.#polite || this.#isMoved) void this.#begin();
      return;
    }
    if (this.#polite) this.#connection.negotiation.resume();
    else void this.#connection.restart();
  }

  async #begin(): Promise<void> {
    await this.#iceServers.freshen();
    const isOurs = this.#connection === null && this.#state.endedBy === null;
    if (isOurs && this.#signalling.isReady) this.#connect(true);
  }

  #connect(isFirst: boolean): Connection {
    this.#isMoved = false;
    const connection: Connection = new Connection({
      identity: this.#options.identity,
      pair: this.pair,
      isSecured: this.#isSecured,
      polite: this.#polite,
      isFirst,
      conversation: this.#conversation,
      media: this.#media,
      users: { ...(this.files && { file: this.files }), ...(this.llm && { llm: this.llm }) },
      configuration: {
        iceServers: this.#iceServers.current,
        iceTransportPolicy: this.#options.iceTransportPolicy ?? "all",
        bundlePolicy: "max-bundle",
      },
      handlers: {
        canSend: () => this.#signalling.isReady && this.#state.peerOnline,
        sendDescription: (type, sdp, offerSdp) => this.#messages.describe(type, sdp, offerSdp),
        sendCandidate: (candidate) => this.#messages.trickle(candidate),
        freshenIceServers: () => this.#iceServers.freshen(),
        onChange: () => this.#become({}),
        onQuiet: () => this.#signalling.probe(),
        onOpen: (peerConversation) => this.#opened(connection, peerConversation),
        onFrame: (frame) => this.#ctl?.handle(frame),
        onFailure: (reason) => this.#failed(reason),
        onBroken: (error) => this.#broken(error),
        onDead: () => this.#rebuild("stuck"),
        onLeft: () => this.#left(connection),
      },
    });
    this.#connection = connection;
    this.#stats.watch(connection.pc, () => this.#ctl?.channelRttMs ?? null);
    this.#become({});
    return connection;
  }

  async #handleOffer(sdp: string): Promise<void> {
    // It is about the connection that this side left, and crossed the offer of another.
    if (this.#former?.negotiation.isForeign(sdp) === false) return;
    if (this.#givesWay(sdp)) this.#dropConnection();
    // An offer that restarts ICE makes this side gather as well.
    await this.#iceServers.freshen();
    if (this.#state.endedBy !== null) return;
    const connection = this.#connection ?? this.#connect(false);
    await connection.acceptOffer(sdp);
    this.#become({});
  }

  /** Whether an offer is better than the connection there is. */
  #givesWay(sdp: string): boolean {
    const negotiation = this.#connection?.negotiation;
    if (negotiation === undefined) return false;
    // Both began: the channels of one of the two are enough.
    if (negotiation.isAlone) return this.#polite || !negotiation.isOffering;
    // Another certificate: the peer has begun anew (its page was reloaded, or it moved).
    return negotiation.isForeign(sdp);
  }

  async #handleAnswer(sdp: string): Promise<void> {
    const connection = this.#connection;
    if (connection === null) return;
    if (connection.negotiation.isForeign(sdp)) this.#rebuild("peer-restarted");
    else await connection.acceptAnswer(sdp);
  }

  #handleBye(reason: string): void {
    if (reason === "noise-failed") this.emit("refused", proofError("the peer refused our keys"));
    this.#dropConnection();
    this.#meetLater();
  }

  /** The peer's page has gone; if it comes back it begins anew. */
  #left(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#dropConnection();
    this.#meetLater();
  }

  #opened(connection: Connection, peerConversation: string | null): void {
    this.#failedProofs = 0;
    this.#wasOpen = true;
    this.#forgetFormer();
    this.#ctl ??= this.#converse();
    this.#ctl.open(peerConversation);
    this.#media.open((args) => this.#ctl?.sendCommand("media", args));
    this.#become({ secured: this.#isSecured, failure: null });
    void this.#stats.poll().then((stats) => this.#reports.connected(stats, connection.phases));
  }

  #converse(): Ctl {
    return new Ctl({
      send: (channel, bytes) => this.#connection?.send(channel, bytes),
      onText: (text) => this.emit("text", text),
      onCommand: ({ name, args }) => this.#handleCommand(name, args),
      onStats: (stats) => this.emit("peerStats", stats),
      onTick: () => this.#media.repeat(),
    });
  }

  #handleCommand(name: string, args: FrameMap): void {
    if (name === "media") this.#media.handleCommand(args);
    else if (name === "revoked") void this.#revoked();
    else this.emit("command", { name, args });
  }

  #handleStats(stats: LinkStats): void {
    if (stats.path !== null) this.#become({ path: stats.path });
    this.emit("stats", stats);
    const summary = this.#reports.take(stats);
    if (summary !== null) this.#ctl?.sendStats(summary);
  }

  #failed(reason: LinkFailure): void {
    this.#become({ failure: reason });
    this.#reports.failed(reason.cause);
  }

  /** A failed key proof: time may have been lost to the network, anything else is final. */
  #broken(error: HelioError): void {
    this.#failedProofs += 1;
    this.#failed(failure("noise-failed", error.message));
    if (error.code === "noise-timeout" && this.#failedProofs < PROOF_ATTEMPTS) {
      this.#rebuild("noise-timeout");
    } else {
      this.#end("refused", "noise-failed");
    }
  }

  #refuse(error: HelioError): void {
    const isProof = ["signature-refused", "unsigned", "clock-skew", "replayed"].includes(
      error.code,
    );
    // A replay on a working link is noise; before it opens, it is why nothing works.
    if (isProof && this.#connection?.isOpen !== true) {
      this.#failed({
        ...failure("signature-refused"),
        message: error.message,
        nextStep: error.nextStep,
      });
    }
    this.emit("refused", error);
  }

  #signallingLost(error: HelioError): void {
    this.#become({ peerOnline: false });
    if (this.#connection?.isConnected === true) return;
    this.#become({ failure: failure("signalling-lost", error.message) });
  }

  /**
   * Makes another connection as soon as the server is reached. A browser goes on to believe in the
   * path that it had for five seconds, and to try others seldom, also after an ICE restart.
   */
  #networkChanged(): void {
    this.#signalling.reconnect();
    const connection = this.#detach();
    if (connection === null) return;
    this.#isMoved = true;
    // Its farewell would reach the peer, where its path still carries anything, before the offer.
    if (connection.wasConnected && this.#former === null) this.#former = connection;
    else connection.close();
    this.#become({ secured: false, path: null });
  }

  #forgetFormer(): void {
    this.#former?.close();
    this.#former = null;
  }

  /** Makes another connection; only the impolite side can begin it. */
  #rebuild(reason: string): void {
    this.#dropConnection();
    if (this.#polite) this.#messages.bye(reason);
    else if (reason === "peer-restarted") this.#meet();
    else this.#meetLater();
  }

  #meetLater(): void {
    clearTimeout(this.#rebuildTimer);
    this.#rebuildTimer = setTimeout(
      () => this.#connection === null && this.#meet(),
      REBUILD_WAIT_MS,
    );
  }

  #dropConnection(): void {
    this.#detach()?.close();
    this.#become({ secured: false, path: null });
  }

  /** Takes the connection from the link, which goes on without one. */
  #detach(): Connection | null {
    this.#ctl?.pause();
    this.#stats.stop();
    const connection = this.#connection;
    this.#connection = null;
    connection?.leave();
    this.#media.detach();
    return connection;
  }

  async #revoked(): Promise<void> {
    this.#end("revoked", "revoked");
    await this.#options.store.deletePair(this.pair.pairId);
  }

  #end(endedBy: EndedBy, reason?: string): void {
    if (this.#state.phase === "ended") return;
    clearTimeout(this.#rebuildTimer);
    this.#forgetNetwork?.();
    this.#forgetNetwork = null;
    if (reason !== undefined) this.#messages.bye(reason);
    this.#signalling.stop();
    if (this.#connection !== null) this.#reports.closed();
    this.#state = { ...this.#state, endedBy };
    this.#forgetFormer();
    this.#dropConnection();
    this.#ctl?.stop();
    this.#ctl = null;
    this.#isMoved = false;
  }

  #phase(): LinkPhase {
    const { isReady } = this.#signalling;
    const wasOpen = this.#wasOpen && (this.#connection !== null || this.#isMoved);
    return phaseOf(this.#state, { connection: this.#connection, isReady, wasOpen });
  }

  #become(change: Partial<LinkState>): void {
    const before = this.#state.phase;
    this.#state = { ...this.#state, ...change };
    this.#state = { ...this.#state, phase: change.phase ?? this.#phase() };
    if (before === "reconnecting" && this.#state.phase === "open") this.#reports.restarted();
    this.emit("state", this.#state);
  }
}

function proofError(what: string): HelioError {
  return new HelioError("noise-failed", `key proof: ${what}`, "Reload both pages and try again.");
}
