// The /api/signal socket of one pair: presence and relayed messages. It reconnects by itself with
// fresh tokens, renews them in band, and stops for good when replaced or revoked.
import type { Api, Token } from "./api";
import { Backoff } from "./backoff";
import { Emitter } from "./emitter";
import { ApiError, asHelioError, HelioError } from "./errors";
import type { IceGrant } from "./ice_servers";
import {
  CLOSE,
  offeredProtocols,
  openBrowserSocket,
  readJson,
  socketUrl,
  type Socket,
  type SocketFactory,
} from "./sockets";

/** A token is renewed when it has this long left, in milliseconds. */
const RENEW_BEFORE_MS = 60_000;
/** How long the server may take to answer a probe, in milliseconds. */
const PROBE_LIMIT_MS = 2000;
/** How long fresh ICE servers may take, in milliseconds. */
const RENEWAL_LIMIT_MS = 2000;
/** After too many messages, in milliseconds. */
const TOO_MANY_WAIT_MS = 60_000;

/** The server knows this socket. */
export interface Ready {
  polite: boolean;
  peerOnline: boolean;
  ice: IceGrant;
}

/** A message of the peer, as relayed. */
export interface PeerMessage {
  t: "offer" | "answer" | "ice" | "bye";
  from: string;
  [field: string]: unknown;
}

export interface SignallingEvents {
  ready: Ready;
  peerOnline: boolean;
  message: PeerMessage;
  /** Fresh ICE servers came with a renewed token. */
  ice: IceGrant;
  /** The socket is gone and will be opened again. */
  lost: HelioError;
  /** For good: another tab took over, or the pair is over. */
  ended: "replaced" | "revoked";
  /** The server refused a message. */
  refused: HelioError;
}

export interface SignallingOptions {
  api: Api;
  pairId: string;
  socket?: SocketFactory;
  random?: () => number;
}

const RELAYED = new Set(["offer", "answer", "ice", "bye"]);

/** One pair's signalling. */
export class Signalling extends Emitter<SignallingEvents> {
  readonly #options: SignallingOptions;
  readonly #backoff: Backoff;
  #socket: Socket | null = null;
  #isReady = false;
  #isStopped = true;
  /** How often a socket was tried; what comes of any but the latest is of the network before. */
  #attempts = 0;
  /** Whether a socket was tried before: then the token may be why it ended. */
  #isAnew = false;
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  /** Server clock minus ours. */
  #clockOffsetMs = 0;
  /** How long a grant serves, as `ready` told: `auth-ok` does not. */
  #iceLifetimeMs = 0;
  #renewTimer: ReturnType<typeof setTimeout> | undefined;
  #probeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: SignallingOptions) {
    super();
    this.#options = options;
    this.#backoff = new Backoff(500, 30_000, options.random);
  }

  /** Whether messages reach the server. */
  get isReady(): boolean {
    return this.#isReady;
  }

  start(): void {
    if (!this.#isStopped) return;
    this.#isStopped = false;
    void this.#connect();
  }

  /** Closes for good (until `start`). */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#reconnectTimer);
    this.#drop();
  }

  /** Sends a message to the peer; false when there is no connection (nothing is queued). */
  send(message: Record<string, unknown>): boolean {
    if (!this.#isReady) return false;
    this.#socket?.send(JSON.stringify({ ...message, pairId: this.#options.pairId }));
    return true;
  }

  /** The network changed: a socket over the one of before is worth nothing. */
  reconnect(): void {
    if (this.#isStopped) return;
    // What failed over the network before says nothing of this one.
    this.#backoff.reset();
    this.#drop();
    this.#reconnectAfter(0);
  }

  /** The peer is silent, and the network may be why: a socket that does not answer is replaced. */
  probe(): void {
    if (this.#isStopped || !this.#isReady) return;
    const socket = this.#socket;
    const replace = (): void => {
      if (this.#socket === socket) this.reconnect();
    };
    clearTimeout(this.#probeTimer);
    this.#probeTimer = setTimeout(replace, PROBE_LIMIT_MS);
    // Where not even a token can be asked for, a socket of the network before is dead too.
    void this.#renew().then((isAsked) => isAsked || replace());
  }

  /** Asks for fresh ICE servers; resolves after `ice`, or when none come soon. */
  async renew(): Promise<void> {
    if (!this.#isReady) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(limit);
        forget();
        resolve();
      };
      const limit = setTimeout(done, RENEWAL_LIMIT_MS);
      const forget = this.on("ice", done);
      void this.#renew().then((isAsked) => isAsked || done());
    });
  }

  async #connect(): Promise<void> {
    const { api, pairId, socket: open = openBrowserSocket } = this.#options;
    this.#attempts += 1;
    const attempt = this.#attempts;
    let token: Token;
    try {
      token = await api.linkToken(pairId, { fresh: this.#isAnew });
      this.#clockOffsetMs = await api.clockOffsetMs();
    } catch (thrown) {
      if (attempt === this.#attempts) this.#tokenRefused(thrown);
      return;
    }
    if (this.#isStopped || attempt !== this.#attempts) return;
    const socket = open(socketUrl(api.origin, "/api/signal"), offeredProtocols(token.token));
    this.#socket = socket;
    this.#isAnew = true;
    socket.onmessage = ({ data }) => this.#handle(readJson(data));
    socket.onclose = ({ code }) => {
      if (this.#socket === socket) this.#handleClose(code);
    };
    this.#renewLater(token);
  }

  #tokenRefused(thrown: unknown): void {
    if (this.#isStopped) return;
    if (thrown instanceof ApiError && thrown.code === "revoked") {
      this.#end("revoked");
      return;
    }
    this.emit("lost", asHelioError(thrown));
    const retryAfterMs = thrown instanceof ApiError ? thrown.retryAfterMs : 0;
    this.#reconnectAfter(Math.max(retryAfterMs, this.#backoff.nextMs()));
  }

  #handle(message: Record<string, unknown> | null): void {
    if (message === null) return;
    const type = String(message["t"]);
    if (type === "ready") this.#ready(message);
    else if (type === "peer") this.emit("peerOnline", message["online"] === true);
    else if (type === "auth-ok") this.#renewed(message);
    else if (type === "error") this.#refused(message);
    else if (RELAYED.has(type)) this.emit("message", message as PeerMessage);
  }

  #ready(message: Record<string, unknown>): void {
    this.#isReady = true;
    this.#backoff.reset();
    const peer = message["peer"] as { online?: unknown } | undefined;
    const expS = message["iceServersExp"];
    const serverNowMs = Date.now() + this.#clockOffsetMs;
    this.#iceLifetimeMs = typeof expS === "number" ? expS * 1000 - serverNowMs : Infinity;
    this.emit("ready", {
      polite: message["polite"] === true,
      peerOnline: peer?.online === true,
      ice: this.#grant(message),
    });
  }

  #grant(message: Record<string, unknown>): IceGrant {
    const servers = (message["iceServers"] as RTCIceServer[] | undefined) ?? [];
    return { servers, expiresMs: Date.now() + this.#iceLifetimeMs };
  }

  #renewed(message: Record<string, unknown>): void {
    clearTimeout(this.#probeTimer);
    if (message["iceServers"] !== undefined) this.emit("ice", this.#grant(message));
  }

  #refused(message: Record<string, unknown>): void {
    const code = String(message["code"]);
    if (code === "peer-offline") this.emit("peerOnline", false);
    this.emit("refused", new HelioError(code, String(message["message"]), "Wait a moment."));
  }

  #renewLater(token: Token): void {
    clearTimeout(this.#renewTimer);
    const waitMs = Math.max(1000, token.expiresMs - Date.now() - RENEW_BEFORE_MS);
    this.#renewTimer = setTimeout(() => void this.#renew(), waitMs);
  }

  /** Whether a fresh token was sent. */
  async #renew(): Promise<boolean> {
    const socket = this.#socket;
    try {
      const token = await this.#options.api.linkToken(this.#options.pairId, { fresh: true });
      if (this.#socket !== socket || !this.#isReady) return false;
      socket?.send(JSON.stringify({ t: "auth", token: token.token }));
      this.#renewLater(token);
      return true;
    } catch {
      // The server closes with 4401 when the token runs out; connecting again asks anew.
      return false;
    }
  }

  #handleClose(code: number): void {
    this.#drop();
    if (this.#isStopped) return;
    if (code === CLOSE.replaced) return this.#end("replaced");
    if (code === CLOSE.revoked) return this.#end("revoked");
    const step = "It connects again by itself.";
    const lost = new HelioError(
      "signalling-lost",
      `connection to the server ended (${code})`,
      step,
    );
    this.emit("lost", lost);
    const waitMs = code === CLOSE.tooMany ? TOO_MANY_WAIT_MS : this.#backoff.nextMs();
    this.#reconnectAfter(waitMs);
  }

  #reconnectAfter(waitMs: number): void {
    clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = setTimeout(() => void this.#connect(), waitMs);
  }

  #end(reason: "replaced" | "revoked"): void {
    this.stop();
    this.emit("ended", reason);
  }

  #drop(): void {
    this.#isReady = false;
    clearTimeout(this.#renewTimer);
    clearTimeout(this.#probeTimer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
