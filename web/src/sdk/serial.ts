// Runs asynchronous steps one after another: messages are handled in the order they came.

/** A queue of steps; a step that fails is reported and does not stop the next. */
export class Serial {
  #last: Promise<void> = Promise.resolve();
  readonly #onError: (thrown: unknown) => void;

  constructor(onError: (thrown: unknown) => void) {
    this.#onError = onError;
  }

  /** Adds a step; the promise settles after it ran. */
  run(step: () => Promise<void> | void): Promise<void> {
    this.#last = this.#last.then(step).catch(this.#onError);
    return this.#last;
  }
}
