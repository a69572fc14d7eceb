// Revocations that this device decided and the server has yet to learn of. Each is kept before
// anything else happens, and told until it went through: by this page or by the next one.
import type { Api } from "./api";
import { Backoff } from "./backoff";
import { Emitter } from "./emitter";
import { ApiError } from "./errors";
import { onNetworkChange } from "./network";
import { Serial } from "./serial";
import type { Store } from "./store";

/** Refusals after which there is nothing left to revoke. */
const OVER = new Set(["not-found", "revoked", "unknown-device"]);

/** Tells the server, however long it takes. One per page. */
export class Revocations extends Emitter<{
  /** The server knows that this pair is over. */
  settled: string;
}> {
  readonly #api: Pick<Api, "revokePair">;
  readonly #store: Store;
  readonly #backoff: Backoff;
  readonly #rounds = new Serial((thrown) => console.error("revoking failed", thrown));
  #timer: ReturnType<typeof setTimeout> | undefined;
  #forgetNetwork: (() => void) | null = null;

  constructor(api: Pick<Api, "revokePair">, store: Store, random?: () => number) {
    super();
    this.#api = api;
    this.#store = store;
    this.#backoff = new Backoff(1000, 60_000, random);
  }

  /** Forgets the pair here and keeps that the server has to. @throws HelioError `storage`. */
  async keep(pairId: string): Promise<void> {
    await this.#store.revokePair(pairId);
  }

  /** Tells the server what it does not know yet; goes on by itself until it knows all. */
  settle(): Promise<void> {
    return this.#rounds.run(() => this.#round());
  }

  /** Stops trying; what is left stays for the next page. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#forgetNetwork?.();
    this.#forgetNetwork = null;
  }

  async #round(): Promise<void> {
    clearTimeout(this.#timer);
    let left = 0;
    for (const pairId of await this.#store.revokedPairs()) {
      if (!(await this.#tell(pairId))) left += 1;
    }
    if (left === 0) {
      this.#backoff.reset();
      this.stop();
      return;
    }
    this.#forgetNetwork ??= onNetworkChange(() => void this.settle());
    this.#timer = setTimeout(() => void this.settle(), this.#backoff.nextMs());
  }

  async #tell(pairId: string): Promise<boolean> {
    try {
      await this.#api.revokePair(pairId);
    } catch (thrown) {
      if (!(thrown instanceof ApiError) || !OVER.has(thrown.code)) return false;
    }
    await this.#store.forgetRevocation(pairId);
    this.emit("settled", pairId);
    return true;
  }
}
