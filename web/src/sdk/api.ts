// Client of the server's HTTP API (docs/protocol.md, HTTP). Tokens are cached until shortly
// before they expire and asked for by a one-time assertion of the device key.
import { ApiError } from "./errors";
import type { Identity } from "./identity";
import { requestJson, type Call } from "./json_request";
import type { DeviceKind, DeviceRecord } from "./record";

/** A cached token is asked for anew when it has less than this left, in milliseconds. */
const RENEW_BEFORE_MS = 30_000;

export interface ServerInfo {
  name: string;
  version: string;
  origins: string[];
  /** Origin that invite links carry: one that a phone can reach. */
  inviteOrigin: string;
  /** The server's clock, Unix milliseconds. */
  now: number;
  /** Whether the first account exists. */
  setUp: boolean;
  openRooms: boolean;
}

export interface SetupReply {
  accountId: string;
  deviceId: string;
  role: Role;
}

export type Role = "admin" | "member";

/** A link or account token with the ICE servers it came with. */
export interface Token {
  token: string;
  expiresIn: number;
  iceServers: RTCIceServer[];
  /** By this device's clock, Unix milliseconds. */
  expiresMs: number;
}

export interface DeviceInfo {
  deviceId: string;
  name: string;
  label?: string;
  kind: DeviceKind;
  created: number;
  /** When it last proved itself to the server. */
  lastSeen?: number;
  online: boolean;
  /** Whether it is the device that asks. */
  self: boolean;
  role: Role;
}

export interface PairInfo {
  pairId: string;
  label?: string;
  verified: boolean;
  created: number;
  devices: { record: DeviceRecord; online: boolean }[];
}

export interface PairStatement {
  pairId: string;
  a: string;
  b: string;
  time: number;
}

export interface NewPair {
  statement: PairStatement;
  sigA: string;
  sigB: string;
  recordA: DeviceRecord;
  recordB: DeviceRecord;
}

export interface Invite {
  url: string;
  expiresMs: number;
}

export interface AuditEntry {
  time: number;
  action: string;
  account?: string;
  device?: string;
  pair?: string;
  /** The pair of the same two devices that took its place. */
  replacedBy?: string;
}

/** Where an `Api` speaks to and for whom. */
export interface ApiOptions {
  /** Origin of the server, for example `location.origin`. */
  origin: string;
  /** Needed for everything but `server()`. */
  identity?: Identity;
  fetch?: typeof fetch;
  now?: () => number;
}

/** What a token is asked for: pair ids have no colon, scopes have one. */
function grantOf(of: string): { pairId?: string; scope?: string } {
  if (of === "") return {};
  return of.includes(":") ? { scope: of } : { pairId: of };
}

/** The server's HTTP API. Every method throws `ApiError` with code, sentence and next step. */
export class Api {
  readonly origin: string;
  readonly #identity: Identity | undefined;
  readonly #fetch: typeof fetch;
  readonly #now: () => number;
  readonly #tokens = new Map<string, Promise<Token>>();
  /** Server clock minus ours: assertions carry the server's time, phones' clocks are off. */
  #clockOffsetMs: Promise<number> | undefined;

  constructor(options: ApiOptions) {
    this.origin = options.origin;
    this.#identity = options.identity;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#now = options.now ?? Date.now;
  }

  /** What the server says about itself. */
  async server(): Promise<ServerInfo> {
    return this.request("/api/server");
  }

  /** Redeems the secret of a setup or account link: this device gets an account. */
  async setup(secret: string): Promise<SetupReply> {
    const identity = this.#needIdentity();
    const assertion = await this.#assertion();
    const body = { secret, record: identity.record, assertion };
    return this.request("/api/setup", { method: "POST", body });
  }

  /** A token for this API, cached. */
  async accountToken(): Promise<string> {
    return (await this.#token("")).token;
  }

  /** An account token in any case asked for anew, with the ICE servers that come with it. */
  async freshAccountToken(): Promise<Token> {
    this.#tokens.delete("");
    return this.#token("");
  }

  /** A token for one pair's signalling, cached; `fresh` asks the server in any case. */
  async linkToken(pairId: string, options: { fresh?: boolean } = {}): Promise<Token> {
    if (options.fresh === true) this.#tokens.delete(pairId);
    return this.#token(pairId);
  }

  /** A token of another scope, for example `view:cam0`; cached. */
  async scopedToken(scope: string): Promise<Token> {
    return this.#token(scope);
  }

  async devices(): Promise<DeviceInfo[]> {
    return (await this.account<{ devices: DeviceInfo[] }>("/api/devices")).devices;
  }

  async labelDevice(deviceId: string, label: string): Promise<DeviceInfo> {
    return this.account(`/api/devices/${deviceId}`, { method: "PATCH", body: { label } });
  }

  /** Publishes this device's record, after a rename. */
  async putRecord(record: DeviceRecord): Promise<DeviceInfo> {
    const path = `/api/devices/${record.deviceId}/record`;
    return this.account(path, { method: "PUT", body: record });
  }

  /** Revokes a device at once. */
  async revokeDevice(deviceId: string): Promise<void> {
    await this.account(`/api/devices/${deviceId}`, { method: "DELETE" });
  }

  async pairs(): Promise<PairInfo[]> {
    return (await this.account<{ pairs: PairInfo[] }>("/api/pairs")).pairs;
  }

  async addPair(pair: NewPair): Promise<PairInfo> {
    return this.account("/api/pairs", { method: "POST", body: pair });
  }

  async labelPair(pairId: string, label: string): Promise<PairInfo> {
    return this.account(`/api/pairs/${pairId}`, { method: "PATCH", body: { label } });
  }

  /** Revokes a pair at once. */
  async revokePair(pairId: string): Promise<void> {
    await this.account(`/api/pairs/${pairId}`, { method: "DELETE" });
  }

  /** Makes an account link; admins only. */
  async invite(): Promise<Invite> {
    return this.account("/api/invites", { method: "POST", body: {} });
  }

  /** What was done on this server, newest first; admins only. */
  async audit(): Promise<AuditEntry[]> {
    return (await this.account<{ entries: AuditEntry[] }>("/api/audit")).entries;
  }

  /** Reports a link's life and figures. */
  async telemetry(pairId: string, body: object): Promise<void> {
    const { token } = await this.linkToken(pairId);
    await this.request("/api/telemetry", { method: "POST", body, token, keepalive: true });
  }

  /** A request with the account's token. */
  async account<Reply>(path: string, call: Call = {}): Promise<Reply> {
    const { token } = await this.#token("");
    try {
      return await this.request(path, { ...call, token });
    } catch (thrown) {
      // The server may have turned its keys; the next call then asks for a fresh token.
      if (thrown instanceof ApiError && thrown.status === 401) this.#tokens.delete("");
      throw thrown;
    }
  }

  /** Server clock minus this device's, in milliseconds, from the first answer. */
  async clockOffsetMs(): Promise<number> {
    this.#clockOffsetMs ??= this.server().then((info) => info.now - this.#now());
    try {
      return await this.#clockOffsetMs;
    } catch (thrown) {
      this.#clockOffsetMs = undefined;
      throw thrown;
    }
  }

  /** The cached token of a pair or of a scope, or of the account when `of` is empty. */
  async #token(of: string): Promise<Token> {
    const cached = this.#tokens.get(of);
    if (cached !== undefined) {
      const token = await cached.catch(() => null);
      if (token !== null && token.expiresMs - RENEW_BEFORE_MS > this.#now()) return token;
      if (this.#tokens.get(of) !== cached) return this.#token(of);
    }
    const asked = this.#askToken(of);
    this.#tokens.set(of, asked);
    asked.catch(() => this.#tokens.get(of) === asked && this.#tokens.delete(of));
    return asked;
  }

  async #askToken(of: string): Promise<Token> {
    const assertion = await this.#assertion();
    const asked = this.#now();
    const body = { assertion, ...grantOf(of) };
    const reply = await this.request<Omit<Token, "expiresMs">>("/api/auth/webrtc-token", {
      method: "POST",
      body,
    });
    return { ...reply, expiresMs: asked + reply.expiresIn * 1000 };
  }

  async #assertion(): Promise<string> {
    // The audience is the origin we speak to, never one the server names: else a false server
    // could collect assertions for another.
    const now = this.#now() + (await this.clockOffsetMs());
    return this.#needIdentity().assertion(this.origin, now);
  }

  #needIdentity(): Identity {
    if (this.#identity !== undefined) return this.#identity;
    throw new ApiError(
      401,
      "unauthorized",
      "this browser is no device of an account yet",
      "Open a setup link, or pair it with one of your devices.",
    );
  }

  /** A request as it is: `account` brings the account's token. */
  async request<Reply>(path: string, call: Call = {}): Promise<Reply> {
    return requestJson(this.#fetch, this.origin, path, call);
  }
}
