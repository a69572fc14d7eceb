// Watches a stream of a gateway (WHEP, draft-ietf-wish-whep).
import { GatewaySession } from "./gateway_session";
import type { GatewayResource } from "./gateway_resource";
import type { LinkStats } from "./link_stats";
import { carryCaptureTime } from "./transceivers";
import { NO_LAYERS, ViewerLayers, type Layers } from "./viewer_layers";

/** Nothing received for this long is more than a gap between two pictures, in milliseconds. */
export const SILENCE_MS = 3000;

/** Tells whether anything arrives. */
export class Silence {
  #received = -1;
  #sinceMs = 0;

  /** Notes how much has come; true when nothing has for `SILENCE_MS`. */
  note(received: number, atMs: number): boolean {
    if (received !== this.#received) {
      this.#received = received;
      this.#sinceMs = atMs;
    }
    return atMs - this.#sinceMs >= SILENCE_MS;
  }
}

/** One viewer. `state` is also emitted when `stream`, `isQuiet` or `layers` changed. */
export class WhepSession extends GatewaySession {
  #stream: MediaStream | null = null;
  #silence = new Silence();
  #isQuiet = false;
  #layers: ViewerLayers | null = null;

  /** What is published: another object with each connection, null without one. */
  get stream(): MediaStream | null {
    return this.#stream;
  }

  /** Whether the connection stands and nothing comes over it: the publisher paused or is gone. */
  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  /** The sizes that the picture may be had in. */
  get layers(): Layers {
    return this.#layers?.state ?? NO_LAYERS;
  }

  /** Asks for one of them by its id, whatever it costs; with null for the best that arrives. */
  async chooseLayer(id: string | null): Promise<void> {
    await this.#layers?.choose(id);
  }

  protected override handleMade(resource: GatewayResource): void {
    this.#layers = new ViewerLayers(resource, {
      openEvents: this.options.openEvents,
      onChange: () => this.#repeat(),
      onReconnect: () => this.state.phase === "open" && this.reopen(),
    });
    void this.#layers.start();
  }

  protected override prepare(pc: RTCPeerConnection): void {
    for (const kind of ["video", "audio"]) {
      carryCaptureTime(pc.addTransceiver(kind, { direction: "recvonly" }));
    }
    pc.addEventListener("track", ({ track }) => {
      this.#stream = new MediaStream([...(this.#stream?.getTracks() ?? []), track]);
      this.#repeat();
    });
  }

  protected override handleDropped(): void {
    this.#layers?.stop();
    this.#layers = null;
    this.#stream = null;
    this.#silence = new Silence();
    this.#isQuiet = false;
  }

  protected override handleStats(stats: LinkStats): void {
    // Packets come over a video track also without a picture: they probe what the path carries.
    const received = stats.inbound.map((each) =>
      each.kind === "video" ? each.framesDecoded : each.packets,
    );
    const total = received.reduce((sum, each) => sum + each, 0);
    const isQuiet = this.#silence.note(total, stats.at);
    if (isQuiet === this.#isQuiet) return;
    this.#isQuiet = isQuiet;
    this.#repeat();
    // A gateway may end a session without a word that arrives.
    if (isQuiet) void this.isAlive().then((alive) => alive || this.reopen());
  }

  #repeat(): void {
    this.tell(this.state.phase, this.state.error);
  }
}
