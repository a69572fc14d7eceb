// Publishing to or watching a stream of a gateway, by WHIP (RFC 9725) or WHEP
// (draft-ietf-wish-whep): one connection after another until it is closed. Offers without
// candidates, so that the gateway's ICE servers serve from the first on, and trickles them.
import { Backoff } from "./backoff";
import { Emitter } from "./emitter";
import { asHelioError, type HelioError } from "./errors";
import { afterRefusal, isPassing, lostPath } from "./gateway_refusal";
import { GatewayResource, type GatewayAccess, type Made } from "./gateway_resource";
import type { LinkStats } from "./link_stats";
import { onNetworkChange } from "./network";
import { Recovery } from "./recovery";
import { iceUfragOf } from "./sdp";
import { sectionsOf, unplayable } from "./counter_offer";
import { answerAfterRestart, writeFragment, type CandidateBatch } from "./sdp_fragment";
import { StatsPoller } from "./stats";
import { Trickle } from "./trickle";

/**
 * `asking` the gateway is asked · `waiting` nobody publishes yet, or somebody else does (409) ·
 * `retrying` the gateway does not answer or is busy · `connecting` a path is looked for ·
 * `open` media flows · `restarting` the path was lost · `refused` for good · `closed` by us.
 */
export type GatewayPhase =
  | "idle"
  | "asking"
  | "waiting"
  | "retrying"
  | "connecting"
  | "open"
  | "restarting"
  | "refused"
  | "closed";

export interface GatewayState {
  phase: GatewayPhase;
  /** Why it waits, tries again, or was refused; when open, why a part of it is missing. */
  error: HelioError | null;
}

export interface GatewayOptions extends GatewayAccess {
  /** Servers known before the gateway was asked; those of its reply take their place. */
  iceServers?: RTCIceServer[];
  iceTransportPolicy?: RTCIceTransportPolicy;
  /** For tests. */
  connect?: (configuration: RTCConfiguration) => RTCPeerConnection;
  /** For tests. */
  openEvents?: (url: string) => EventSource;
}

export interface GatewayEvents {
  state: GatewayState;
  stats: LinkStats;
}

/** What publishing and watching share. */
export abstract class GatewaySession extends Emitter<GatewayEvents> {
  protected readonly options: GatewayOptions;
  readonly #backoff = new Backoff(1000, 15_000);
  readonly #poller: StatsPoller;
  #state: GatewayState = { phase: "idle", error: null };
  #pc: RTCPeerConnection | null = null;
  #resource: GatewayResource | null = null;
  #recovery: Recovery | null = null;
  #trickle: Trickle | null = null;
  #answerSdp = "";
  /** What of the stream this browser cannot play. */
  #lack: HelioError | null = null;
  #candidates = { local: 0, relay: 0 };
  #hadPath = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopNetwork: (() => void) | null = null;

  constructor(options: GatewayOptions) {
    super();
    this.options = options;
    this.#poller = new StatsPoller((stats) => {
      this.handleStats(stats);
      this.emit("stats", stats);
    });
  }

  /** Adds the media sections to a fresh connection. */
  protected abstract prepare(pc: RTCPeerConnection): void;

  /** Changes the gateway's answer for this browser's engine. */
  protected tune(answerSdp: string): string {
    return answerSdp;
  }

  /** The gateway has made a session for the connection that `prepare` was called with. */
  protected handleMade(_resource: GatewayResource): void {}

  /** The connection that `prepare` was called with is over. */
  protected abstract handleDropped(): void;

  /** The gateway has ended the session and said so. */
  protected handleFarewell(): void {
    this.reopen();
  }

  /** Figures of the connection, each second. */
  protected handleStats(_stats: LinkStats): void {}

  get state(): GatewayState {
    return this.#state;
  }

  /** The last two minutes of figures, oldest first. */
  get history(): readonly LinkStats[] {
    return this.#poller.history;
  }

  /** Asks the gateway, and again as often as it takes; nothing while it already does. */
  start(): void {
    if (!["idle", "refused", "closed"].includes(this.#state.phase)) return;
    this.#stopNetwork ??= onNetworkChange(() => void this.#restart());
    void this.#open("asking");
  }

  /** Ends the session at the gateway too, also while the page goes away. */
  close(): void {
    this.#end();
    this.tell("closed");
  }

  /** A view measured capture to screen. */
  noteLatency(mid: string, totalMs: number): void {
    this.#poller.noteLatency(mid, totalMs);
  }

  protected tell(phase: GatewayPhase, error: HelioError | null = null): void {
    this.#state = { phase, error: phase === "open" ? this.#lack : error };
    this.emit("state", this.#state);
  }

  /** Whether the gateway still has the session; true without one. */
  protected async isAlive(): Promise<boolean> {
    return (await this.#resource?.isAlive()) ?? true;
  }

  /** Begins anew with another connection. */
  protected reopen(): void {
    void this.#open("asking");
  }

  /** Ends for good, and says why. */
  protected refuse(error: HelioError): void {
    this.#end();
    this.tell("refused", error);
  }

  #end(): void {
    this.#stopNetwork?.();
    this.#stopNetwork = null;
    this.#drop();
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#poller.stop();
    this.#recovery?.stop();
    this.#trickle?.stop();
    this.#resource?.end();
    this.#resource = null;
    this.#lack = null;
    const pc = this.#pc;
    // First forgotten, then closed: what it says while closing is nobody's concern.
    this.#pc = null;
    pc?.close();
    if (pc !== null) this.handleDropped();
  }

  async #open(phase: GatewayPhase): Promise<void> {
    this.#drop();
    const { connect = (configuration) => new RTCPeerConnection(configuration) } = this.options;
    const pc = connect(this.#configuration(this.options.iceServers ?? []));
    this.#pc = pc;
    if (phase !== this.#state.phase) this.tell(phase);
    try {
      this.prepare(pc);
      const offer = await pc.createOffer();
      const made = await GatewayResource.make(this.options, offer.sdp ?? "");
      if (this.#pc !== pc) return made.resource.end();
      this.#resource = made.resource;
      this.handleMade(made.resource);
      await this.#take(pc, offer, made);
    } catch (thrown) {
      if (this.#pc === pc) this.#handleRefusal(asHelioError(thrown));
    }
  }

  #configuration(iceServers: RTCIceServer[]): RTCConfiguration {
    const { iceTransportPolicy = "all" } = this.options;
    return { iceServers, iceTransportPolicy, bundlePolicy: "max-bundle" };
  }

  async #take(pc: RTCPeerConnection, offer: RTCSessionDescriptionInit, made: Made): Promise<void> {
    const { iceServers, description } = made;
    if (iceServers.length > 0) pc.setConfiguration(this.#configuration(iceServers));
    const trickle = new Trickle((batch) => this.#tellCandidates(pc, batch));
    this.#trickle = trickle;
    this.#hadPath = false;
    this.#candidates = { local: 0, relay: 0 };
    this.#watch(pc, trickle);
    if (description.type === "offer") {
      await this.#answer(pc, made);
    } else {
      await pc.setLocalDescription(offer);
      await pc.setRemoteDescription({ type: "answer", sdp: this.tune(description.sdp) });
    }
    if (this.#pc !== pc) return;
    this.#answerSdp = description.sdp;
    this.#backoff.reset();
    this.tell("connecting");
    this.#recovery?.attempt();
    trickle.release();
    this.#poller.watch(pc);
    // The gateway's farewell comes by DTLS; the path looks well for half a minute after it.
    const transports = pc.getTransceivers().map(({ receiver }) => receiver.transport);
    const transport = transports.find((each) => each !== null);
    transport?.addEventListener("statechange", () => {
      if (this.#pc === pc && transport.state === "closed") this.handleFarewell();
    });
  }

  /** What is published comes in a codec that our offer lacks; the gateway offered it alone. */
  async #answer(pc: RTCPeerConnection, { resource, description }: Made): Promise<void> {
    await pc.setRemoteDescription({ type: "offer", sdp: this.tune(description.sdp) });
    const answer = await pc.createAnswer();
    const { accepted, refused } = sectionsOf(answer.sdp ?? "", description.sdp);
    if (accepted.length === 0) throw unplayable(refused);
    if (refused.length > 0) this.#lack = unplayable(refused);
    await pc.setLocalDescription(answer);
    await resource.answer(answer.sdp ?? "");
  }

  #watch(pc: RTCPeerConnection, trickle: Trickle): void {
    this.#recovery = new Recovery({
      facts: () => ({
        localCandidates: this.#candidates.local,
        remoteCandidates: 1,
        relayCandidates: this.#candidates.relay,
        relayOnly: this.options.iceTransportPolicy === "relay",
        relayErrors: 0,
        iceConnected: this.#hadPath && pc.connectionState === "failed",
      }),
      restart: () => void this.#restart(),
      rebuild: () => this.reopen(),
      onFailure: ({ cause }) => this.tell("restarting", lostPath(cause)),
    });
    const changed = (): void => this.#handleChange(pc);
    pc.addEventListener("iceconnectionstatechange", changed);
    pc.addEventListener("connectionstatechange", changed);
    pc.addEventListener("icecandidate", ({ candidate }) => {
      if (candidate === null) return trickle.add(null);
      // Firefox ends each generation by an empty one; with one bundle only the first section counts.
      if (candidate.candidate === "" || (candidate.sdpMLineIndex ?? 0) > 0) return;
      const { usernameFragment } = candidate;
      const isOld = usernameFragment && usernameFragment !== this.#ufragOf(pc);
      if (isOld) return;
      this.#candidates.local += 1;
      if (candidate.type === "relay") this.#candidates.relay += 1;
      trickle.add(candidate.candidate);
    });
  }

  #ufragOf(pc: RTCPeerConnection): string {
    return iceUfragOf(pc.localDescription?.sdp ?? "");
  }

  #handleChange(pc: RTCPeerConnection): void {
    if (this.#pc !== pc) return;
    const { iceConnectionState: ice, connectionState: connection } = pc;
    if (ice === "connected" || ice === "completed") this.#hadPath = true;
    this.#recovery?.handle(ice, connection);
    if (connection === "connected" && ice !== "disconnected") {
      if (this.#state.phase !== "open") this.tell("open");
    } else if (this.#state.phase === "open") {
      this.tell("restarting");
    }
  }

  #tellCandidates(pc: RTCPeerConnection, batch: CandidateBatch): void {
    const sdp = pc.localDescription?.sdp;
    if (this.#pc !== pc || sdp === undefined) return;
    // Not fatal: without them the path is found by those of the gateway, or not at all.
    this.#resource?.trickle(writeFragment(sdp, batch)).catch(() => undefined);
  }

  /** Looks for a new path on this connection, or makes another where the gateway knows it not. */
  async #restart(): Promise<void> {
    const pc = this.#pc;
    const resource = this.#resource;
    if (pc === null || resource === null || pc.signalingState !== "stable") return;
    if (!resource.restarts) return this.reopen();
    try {
      this.#trickle?.begin();
      this.#hadPath = false;
      const offer = await pc.createOffer({ iceRestart: true });
      await pc.setLocalDescription(offer);
      const asked = writeFragment(offer.sdp ?? "", { candidates: [], isLast: false });
      const fragment = await resource.restart(asked);
      if (this.#pc !== pc) return;
      this.#answerSdp = answerAfterRestart(this.#answerSdp, fragment);
      await pc.setRemoteDescription({ type: "answer", sdp: this.tune(this.#answerSdp) });
      this.#trickle?.release();
    } catch (thrown) {
      if (this.#pc !== pc) return;
      const error = asHelioError(thrown);
      if (!isPassing(error)) return this.reopen();
      // A gateway that cannot be asked now may be back soon, and know nothing of this session.
      await pc.setLocalDescription({ type: "rollback" });
      if (this.#pc !== pc) return;
      this.tell("restarting", error);
      this.#recovery?.postpone();
    }
  }

  #handleRefusal(error: HelioError): void {
    const later = afterRefusal(error, () => this.#backoff.nextMs());
    if (later === null) return this.refuse(error);
    this.#drop();
    this.tell(later.phase, error);
    this.#timer = setTimeout(() => void this.#open(later.phase), later.waitMs);
  }
}
