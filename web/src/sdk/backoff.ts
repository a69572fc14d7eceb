// When to try again: exponential with jitter, so that a restarted server is not met by all at once.

/** Waits grow from `firstMs` to `longestMs`; each is drawn between half of it and all of it. */
export class Backoff {
  #attempts = 0;
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #random: () => number;

  constructor(firstMs: number, longestMs: number, random: () => number = Math.random) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#random = random;
  }

  /** The next wait in milliseconds. */
  nextMs(): number {
    const ceilingMs = Math.min(this.#longestMs, this.#firstMs * 2 ** this.#attempts);
    this.#attempts += 1;
    return ceilingMs * (0.5 + this.#random() / 2);
  }

  reset(): void {
    this.#attempts = 0;
  }
}
