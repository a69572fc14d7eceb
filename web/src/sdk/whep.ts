// Watches a stream of a gateway (WHEP, draft-ietf-wish-whep).
import { GatewaySession } from "./gateway_session";
import type { LinkStats } from "./link_stats";
import { carryCaptureTime } from "./transceivers";

/** Nothing received for this long is more than a gap between two pictures, in milliseconds. */
export const SILENCE_MS = 3000;

/** Tells whether anything arrives. */
export class Silence {
  #packets = -1;
  #sinceMs = 0;

  /** Notes how many packets have come; true when none has for `SILENCE_MS`. */
  note(packets: number, atMs: number): boolean {
    if (packets !== this.#packets) {
      this.#packets = packets;
      this.#sinceMs = atMs;
    }
    return atMs - this.#sinceMs >= SILENCE_MS;
  }
}

/** One viewer. `state` is also emitted when `stream` or `isQuiet` changed. */
export class WhepSession extends GatewaySession {
  #stream: MediaStream | null = null;
  #silence = new Silence();
  #isQuiet = false;

  /** What is published: another object with each connection, null without one. */
  get stream(): MediaStream | null {
    return this.#stream;
  }

  /** Whether the connection stands and nothing comes over it: the publisher paused or is gone. */
  get isQuiet(): boolean {
    return this.#isQuiet;
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
    this.#stream = null;
    this.#silence = new Silence();
    this.#isQuiet = false;
  }

  protected override handleStats(stats: LinkStats): void {
    const packets = stats.inbound.reduce((sum, each) => sum + each.packets, 0);
    const isQuiet = this.#silence.note(packets, stats.at);
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
