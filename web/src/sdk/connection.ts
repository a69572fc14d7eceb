// One RTCPeerConnection of a link: its channels, the proof of keys on it, and its recovery.
// A link outlives its connections.
import type { Bytes } from "./bytes";
import { asHelioError, type HelioError } from "./errors";
import type { AttemptFacts, LinkFailure } from "./failures";
import { FramePipe } from "./frame_pipe";
import type { Identity } from "./identity";
import type { LinkMedia } from "./link_media";
import { proveKeys } from "./link_noise";
import { Negotiation, type TrickledCandidate } from "./negotiation";
import { OrderedPipe } from "./ordered_pipe";
import { Recovery } from "./recovery";
import type { SdpType } from "./sdp_signature";
import { SecureChannel } from "./secure_channel";
import type { StoredPair } from "./store";

/** Channels and their options (docs/protocol.md, The channels of a link). */
const CHANNELS = {
  noise: { ordered: true },
  ctl: { ordered: false, maxPacketLifeTime: 100 },
  telemetry: { ordered: false, maxRetransmits: 0 },
  file: { ordered: true },
  llm: { ordered: true },
} as const;

export type FrameChannel = "ctl" | "telemetry";
/** Channels that carry what must not get lost, inside Noise only. */
export type OrderedChannel = "file" | "llm";

const ORDERED: readonly OrderedChannel[] = ["file", "llm"];

function isOrdered(label: string): label is OrderedChannel {
  return ORDERED.some((ordered) => ordered === label);
}

/** What speaks on an ordered channel; it outlives the connections. */
export interface ChannelUser {
  /** The channel is open and its keys are proven; `send` settles when there is room for more. */
  handleOpened: (send: (frame: Bytes) => Promise<void>) => void;
  handle: (frame: Bytes) => void;
  handleClosed: () => void;
}

export interface ConnectionHandlers {
  canSend: () => boolean;
  sendDescription: (type: SdpType, sdp: string, offerSdp: string) => Promise<void>;
  sendCandidate: (candidate: TrickledCandidate) => void;
  /** Resolves when `setIceServers` was called with servers that can be used, where there are any. */
  freshenIceServers: () => Promise<void>;
  /** The path's state changed. */
  onChange: () => void;
  /** The path is silent. */
  onQuiet: () => void;
  /** Keys are proven (where both sides can) and `ctl` is open; what the peer calls its end. */
  onOpen: (peerConversation: string | null) => void;
  onFrame: (frame: Bytes) => void;
  onFailure: (failure: LinkFailure) => void;
  /** A key proof failed or a frame was changed. */
  onBroken: (error: HelioError) => void;
  /** This connection cannot recover. */
  onDead: () => void;
  /** The peer has closed this connection: DTLS carries its farewell, also without a server. */
  onLeft: () => void;
}

export interface ConnectionOptions {
  identity: Identity;
  pair: StoredPair;
  /** Whether control frames must run inside Noise. */
  isSecured: boolean;
  polite: boolean;
  /** Whether this side makes the first offer, and opens the channels in it. */
  isFirst: boolean;
  /** Names this end of the conversation to the peer. */
  conversation: Bytes;
  configuration: RTCConfiguration;
  media: LinkMedia;
  /** Who speaks on the ordered channels; the others are not opened, nor taken. */
  users: Partial<Record<OrderedChannel, ChannelUser>>;
  handlers: ConnectionHandlers;
}

/** Milliseconds of a connection's steps, for telemetry. */
export interface ConnectionPhases {
  offerToAnswer?: number;
  answerToConnected?: number;
  connectedToChannel?: number;
}

/** One peer connection. */
export class Connection {
  readonly pc: RTCPeerConnection;
  readonly negotiation: Negotiation;
  readonly phases: ConnectionPhases = {};
  readonly #options: ConnectionOptions;
  readonly #recovery: Recovery;
  readonly #pipes: Partial<Record<FrameChannel, FramePipe>> = {};
  readonly #orderedPipes: Partial<Record<OrderedChannel, OrderedPipe>> = {};
  #keys: ((label: string) => Promise<SecureChannel>) | null = null;
  #peerConversation: string | null = null;
  #isOpen = false;
  #isClosed = false;
  #wasConnected = false;
  #candidates = { local: 0, relay: 0, relayErrors: 0 };
  #hadPath = false;
  #markMs = performance.now();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { handlers, media } = options;
    const pc = new RTCPeerConnection(options.configuration);
    this.pc = pc;
    this.negotiation = new Negotiation({
      pc,
      polite: options.polite,
      isFirst: options.isFirst,
      canSend: handlers.canSend,
      sendDescription: (type, sdp, offerSdp) => {
        this.#attempt();
        return handlers.sendDescription(type, sdp, offerSdp);
      },
      sendCandidate: handlers.sendCandidate,
      startBitrateKbps: () => media.startBitrateKbps,
      beforeAnswer: () => media.prepare(pc),
      onStuck: handlers.onDead,
      onError: (thrown) => this.#isClosed || console.error("negotiation failed", thrown),
    });
    this.#recovery = new Recovery({
      facts: () => this.#facts(),
      restart: () => void this.restart(),
      rebuild: handlers.onDead,
      onFailure: handlers.onFailure,
    });
    this.#watch();
    media.attach(pc);
    this.#openChannels();
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#isClosed;
  }

  /** Whether what is sent now may arrive. */
  get canSend(): boolean {
    return this.isOpen && this.isConnected && this.#pipes.ctl?.isOpen === true;
  }

  /** Whether a path carried it ever: then the peer knows of it. */
  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  /** Whether a path carries the connection now. */
  get isConnected(): boolean {
    return this.pc.connectionState === "connected";
  }

  async acceptOffer(sdp: string): Promise<void> {
    this.#markMs = performance.now();
    // The attempt begins with our answer: an offer that ours goes before is none, and must not
    // put off the moment when ours is sent again.
    await this.negotiation.acceptOffer(sdp);
  }

  async acceptAnswer(sdp: string): Promise<void> {
    this.phases.offerToAnswer ??= this.#lap();
    if (this.pc.signalingState === "have-local-offer") this.#attempt();
    await this.negotiation.acceptAnswer(sdp);
  }

  /** Renegotiating over a path that works is no attempt to find one. */
  #attempt(): void {
    if (!this.isConnected) this.#recovery.attempt();
  }

  /** Takes fresh ICE servers; they serve from the next restart on. */
  setIceServers(iceServers: RTCIceServer[]): void {
    try {
      this.pc.setConfiguration({ ...this.#options.configuration, iceServers });
    } catch {
      // An engine without setConfiguration goes on with the servers it has.
    }
  }

  /** Looks for a new path; the one there is serves on meanwhile. */
  async restart(): Promise<void> {
    this.#hadPath = false;
    await this.#options.handlers.freshenIceServers();
    if (this.#isClosed) return;
    if (this.pc.signalingState === "stable") this.pc.restartIce();
    // A wish that could not be sent before fires no second event (W3C WebRTC §4.7.3).
    this.negotiation.resume();
  }

  /** Sends a frame, best effort. */
  send(channel: FrameChannel, frame: Bytes): void {
    void this.#pipes[channel]?.send(frame);
  }

  /** Does and says nothing any more, not even farewell: the peer may still have to hear why. */
  leave(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const label of ORDERED) if (this.#orderedPipes[label]) this.#user(label)?.handleClosed();
    this.#recovery.stop();
    this.negotiation.stop();
  }

  close(): void {
    this.leave();
    this.pc.close();
  }

  #watch(): void {
    const { pc } = this;
    const changed = (): void => this.#changed();
    pc.addEventListener("iceconnectionstatechange", changed);
    pc.addEventListener("connectionstatechange", changed);
    pc.addEventListener("datachannel", ({ channel }) => this.#adopt(channel));
    pc.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate === null || candidate.candidate === "") return;
      this.#candidates.local += 1;
      if (candidate.type === "relay") this.#candidates.relay += 1;
    });
    pc.addEventListener("icecandidateerror", ({ errorCode, url }) => {
      if (/^turns?:/.test(url ?? "") && errorCode >= 400) this.#candidates.relayErrors += 1;
    });
  }

  #changed(): void {
    if (this.#isClosed) return;
    const { iceConnectionState: ice, connectionState: connection } = this.pc;
    if (ice === "connected" || ice === "completed") this.#hadPath = true;
    if (ice === "disconnected") this.#options.handlers.onQuiet();
    this.#wasConnected ||= connection === "connected";
    if (connection === "connected") this.phases.answerToConnected ??= this.#lap();
    this.#recovery.handle(ice, connection);
    this.#options.handlers.onChange();
  }

  #facts(): AttemptFacts {
    const { local, relay, relayErrors } = this.#candidates;
    return {
      localCandidates: local,
      remoteCandidates: this.negotiation.remoteCandidates,
      relayCandidates: relay,
      relayOnly: this.#options.configuration.iceTransportPolicy === "relay",
      relayErrors,
      iceConnected: this.#hadPath && this.pc.connectionState === "failed",
    };
  }

  /** Whoever offers first opens the channels; the other one waits for them. */
  #openChannels(): void {
    if (!this.#options.isFirst) return;
    for (const [label, init] of Object.entries(CHANNELS)) {
      if (label === "noise" && !this.#options.isSecured) continue;
      if (isOrdered(label) && this.#user(label) === null) continue;
      this.#adopt(this.pc.createDataChannel(label, init));
    }
  }

  #adopt(channel: RTCDataChannel): void {
    const { label } = channel;
    if (label === "noise") return void this.#prove(channel);
    if (isOrdered(label)) return this.#adoptOrdered(label, channel);
    const isKnown = label === "ctl" || label === "telemetry";
    if (!isKnown || this.#pipes[label] !== undefined) return channel.close();
    const { onFrame, onBroken } = this.#options.handlers;
    this.#pipes[label] = new FramePipe(
      channel,
      (frame) => this.#isClosed || onFrame(frame),
      (error) => this.#isClosed || onBroken(error),
    );
    channel.addEventListener("open", () => this.#checkOpen());
    channel.addEventListener("close", () => {
      if (!this.#isClosed) this.#options.handlers.onLeft();
    });
    if (!this.#options.isSecured) this.#pipes[label].unlock(null);
    else void this.#unlock(label);
    this.#checkOpen();
  }

  #user(label: OrderedChannel): ChannelUser | null {
    return this.#options.isSecured ? (this.#options.users[label] ?? null) : null;
  }

  /** For secured links only: there is no way to unlock these channels without keys. */
  #adoptOrdered(label: OrderedChannel, channel: RTCDataChannel): void {
    const user = this.#user(label);
    if (user === null || this.#orderedPipes[label] !== undefined) return channel.close();
    const pipe = new OrderedPipe(channel, {
      onOpen: () => user.handleOpened((frame) => pipe.send(frame)),
      onFrame: (frame) => this.#isClosed || user.handle(frame),
      onClose: () => this.#isClosed || user.handleClosed(),
      onBroken: (error) => this.#isClosed || this.#options.handlers.onBroken(error),
    });
    this.#orderedPipes[label] = pipe;
    void this.#unlock(label);
  }

  async #prove(channel: RTCDataChannel): Promise<void> {
    const { identity, pair, conversation, isSecured, handlers } = this.#options;
    // One handshake per connection: a second `noise` channel is nobody's business.
    if (!isSecured || this.#keys !== null) return channel.close();
    try {
      const proof = proveKeys(this.pc, channel, identity, pair, conversation);
      this.#keys = async (label) => SecureChannel.of((await proof).keys, label);
      this.#peerConversation = (await proof).peerConversation;
      await Promise.all(
        (["ctl", "telemetry", "file", "llm"] as const).map((label) => this.#unlock(label)),
      );
      this.#checkOpen();
    } catch (thrown) {
      if (!this.#isClosed) handlers.onBroken(asHelioError(thrown));
    }
  }

  readonly #unlocked = new Set<FrameChannel | OrderedChannel>();

  async #unlock(label: FrameChannel | OrderedChannel): Promise<void> {
    const pipe = isOrdered(label) ? this.#orderedPipes[label] : this.#pipes[label];
    if (this.#keys === null || pipe === undefined || this.#unlocked.has(label)) return;
    // Marked before waiting: a channel's nonces must start at 0 once only.
    this.#unlocked.add(label);
    try {
      pipe.unlock(await this.#keys(label));
      this.#checkOpen();
    } catch {
      // The failed proof is reported where it was run.
    }
  }

  #checkOpen(): void {
    if (this.#isOpen || this.#isClosed || this.#pipes.ctl?.isOpen !== true) return;
    this.#isOpen = true;
    this.phases.connectedToChannel ??= this.#lap();
    this.#options.handlers.onOpen(this.#peerConversation);
  }

  #lap(): number {
    const now = performance.now();
    const lapMs = Math.round(now - this.#markMs);
    this.#markMs = now;
    return lapMs;
  }
}
