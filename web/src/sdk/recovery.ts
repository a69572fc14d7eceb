// Decides when a connection looks for a new path: after 2 s without one, after a failure, after
// an attempt that took too long. Says why when it gives an attempt up.
import { Backoff } from "./backoff";
import { classify, failure, type AttemptFacts, type LinkFailure } from "./failures";

/** A path may be quiet this long, in milliseconds. */
const QUIET_LIMIT_MS = 2000;
/** An attempt may take this long, in milliseconds. */
const ATTEMPT_LIMIT_MS = 15_000;

export interface RecoveryOptions {
  facts: () => AttemptFacts;
  /** Look for a new path on this connection. */
  restart: () => void;
  /** This connection cannot recover; make another. */
  rebuild: () => void;
  onFailure: (failure: LinkFailure) => void;
}

/** `calm` nothing to do · `attempting` a path is looked for · `pausing` before another attempt. */
type Mood = "calm" | "attempting" | "pausing";

/** Watches one connection. */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #backoff = new Backoff(1000, 15_000);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #mood: Mood = "calm";

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** An attempt begins: a description was sent or taken. */
  attempt(): void {
    if (this.#mood === "attempting") return;
    this.#mood = "attempting";
    this.#after(ATTEMPT_LIMIT_MS, () => this.#giveUp());
  }

  handle(ice: RTCIceConnectionState, connection: RTCPeerConnectionState): void {
    if (connection === "connected" && ice !== "disconnected") {
      this.#mood = "calm";
      this.#backoff.reset();
      clearTimeout(this.#timer);
    } else if (connection === "failed" || ice === "failed") {
      this.#giveUp();
    } else if (ice === "disconnected" && this.#mood === "calm") {
      this.#after(QUIET_LIMIT_MS, () => this.#restart());
    }
  }

  /** The attempt could not even be made: another one follows, the later the more there were. */
  postpone(): void {
    this.#mood = "pausing";
    this.#after(this.#backoff.nextMs(), () => this.#restart());
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #restart(): void {
    this.#mood = "calm";
    this.attempt();
    this.#options.restart();
  }

  #giveUp(): void {
    if (this.#mood === "pausing") return;
    this.#mood = "pausing";
    const cause = classify(this.#options.facts());
    this.#options.onFailure(failure(cause));
    const again = cause === "dtls-failed" ? this.#options.rebuild : () => this.#restart();
    this.#after(this.#backoff.nextMs(), again);
  }

  #after(waitMs: number, step: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(step, waitMs);
  }
}
