// Candidates of one generation on their way to a gateway: those found together travel together,
// and none before the gateway knows the session or the restart that they belong to.
import type { CandidateBatch } from "./sdp_fragment";

/** Candidates found within this time share a request, in milliseconds. */
const TOGETHER_MS = 30;
/** A device with more addresses than this has enough of them. */
export const TRICKLE_LIMIT = 64;

/** The candidates of one connection. */
export class Trickle {
  readonly #send: (batch: CandidateBatch) => void;
  #waiting: string[] = [];
  #count = 0;
  #isLast = false;
  #isHeld = true;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (batch: CandidateBatch) => void) {
    this.#send = send;
  }

  /** A generation begins: what was found before is of no use to it. */
  begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
    this.#count = 0;
    this.#isLast = false;
    this.#isHeld = true;
  }

  /** A candidate as the browser writes it, null when there are no more. */
  add(candidate: string | null): void {
    if (candidate === null) this.#isLast = true;
    else if (this.#count < TRICKLE_LIMIT) {
      this.#count += 1;
      this.#waiting.push(candidate);
    }
    this.#schedule();
  }

  /** The gateway knows of this generation: what waited goes, and what comes follows. */
  release(): void {
    this.#isHeld = false;
    if (this.#waiting.length > 0 || this.#isLast) this.#schedule();
  }

  stop(): void {
    this.begin();
  }

  #schedule(): void {
    if (this.#isHeld || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#send({ candidates: this.#waiting.splice(0), isLast: this.#isLast });
    }, TOGETHER_MS);
  }
}
