// The ICE servers of one link. Their credentials end: a path looked for with old ones finds no
// relay, so they are asked for anew before that.

/** Servers as the signalling server handed them out. */
export interface IceGrant {
  servers: RTCIceServer[];
  /** When their credentials end by this device's clock, Unix milliseconds. */
  expiresMs: number;
}

/** Looking for a path takes a while: credentials with less than this left are renewed before. */
const RENEW_BEFORE_MS = 30_000;

export interface IceServersOptions {
  /** Servers of the person's own, beside those granted; they are taken to serve for ever. */
  own: RTCIceServer[];
  /** Asks for another grant; resolves when `take` was called with it, or when none will come. */
  renew: () => Promise<void>;
  now?: () => number;
}

/** What connections gather candidates with. */
export class IceServers {
  readonly #options: IceServersOptions;
  readonly #now: () => number;
  #granted: RTCIceServer[] = [];
  #renewFromMs = Infinity;
  #renewal: Promise<void> | null = null;

  constructor(options: IceServersOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get current(): RTCIceServer[] {
    return [...this.#granted, ...this.#options.own];
  }

  take({ servers, expiresMs }: IceGrant): void {
    const leftMs = expiresMs - this.#now();
    this.#granted = servers;
    // Short-lived ones serve for the first half of their life.
    this.#renewFromMs = expiresMs - Math.min(RENEW_BEFORE_MS, leftMs / 2);
  }

  /** Resolves when `current` can be used: at once, or after a renewal was tried. */
  async freshen(): Promise<void> {
    if (this.#now() < this.#renewFromMs) return;
    this.#renewal ??= this.#options.renew().finally(() => (this.#renewal = null));
    await this.#renewal;
  }
}
