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

/** Watches one connection. */
export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #backoff = new Backoff(1000, 15_000);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAttempting = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** An attempt begins: first descriptions were exchanged, or a restart was asked for. */
  attempt(): void {
    if (this.#isAttempting) return;
    this.#isAttempting = true;
    this.#after(ATTEMPT_LIMIT_MS, () => this.#giveUp());
  }

  handle(ice: RTCIceConnectionState, connection: RTCPeerConnectionState): void {
    if (connection === "connected") {
      this.#isAttempting = false;
      this.#backoff.reset();
      clearTimeout(this.#timer);
    } else if (connection === "failed" || ice === "failed") {
      this.#giveUp();
    } else if (ice === "disconnected") {
      this.#isAttempting = false;
      this.#after(QUIET_LIMIT_MS, () => this.#restart());
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #restart(): void {
    this.#options.restart();
    this.#isAttempting = false;
    this.attempt();
  }

  #giveUp(): void {
    const cause = classify(this.#options.facts());
    this.#options.onFailure(failure(cause));
    this.#isAttempting = true;
    const again = cause === "dtls-failed" ? this.#options.rebuild : () => this.#restart();
    this.#after(this.#backoff.nextMs(), again);
  }

  #after(waitMs: number, step: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(step, waitMs);
  }
}
