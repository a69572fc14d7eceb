// One WHIP or WHEP session as HTTP knows it (RFC 9725 §4, draft-ietf-wish-whep): made by POST,
// told of candidates and restarts by PATCH, ended by DELETE. Knows no RTCPeerConnection.
import { HelioError } from "./errors";
import { extensionOf, iceServersOf } from "./gateway_headers";
import { apiErrorFrom, unreachable } from "./problem";
import { readFragment, SDP_FRAGMENT, type IceFragment } from "./sdp_fragment";

/** A gateway may take this long to answer, in milliseconds. */
const REPLY_LIMIT_MS = 10_000;

/** Where and as whom. */
export interface GatewayAccess {
  /** Address of the WHIP or WHEP endpoint, for example `https://host/cam0/whep`. */
  endpoint: string;
  /** The token to show, null for none. Asked before each request, so that it may be renewed. */
  bearer: () => Promise<string | null>;
  fetch?: typeof fetch;
}

/** A session that was made, and what the gateway said to it. */
export interface Made {
  resource: GatewayResource;
  /** An answer; or, where ours was not acceptable (406), an offer that waits for an answer. */
  description: { type: "answer" | "offer"; sdp: string };
  iceServers: RTCIceServer[];
}

interface Call {
  method: "POST" | "PATCH" | "DELETE" | "GET";
  url: string;
  token: string | null;
  headers?: Record<string, string>;
  body?: string;
}

function bearing(token: string | null): Record<string, string> {
  return token === null ? {} : { authorization: `Bearer ${token}` };
}

async function reply(access: GatewayAccess, call: Call): Promise<Response> {
  const { method, url, token, body } = call;
  const headers = { ...call.headers, ...bearing(token) };
  const abort = new AbortController();
  const limit = setTimeout(() => abort.abort(), REPLY_LIMIT_MS);
  let response: Response;
  try {
    const ask = access.fetch ?? globalThis.fetch.bind(globalThis);
    const init = { method, headers, cache: "no-store" as const, signal: abort.signal };
    response = await ask(url, body === undefined ? init : { ...init, body });
  } catch {
    throw unreachable(new URL(url).origin);
  } finally {
    clearTimeout(limit);
  }
  if (!response.ok && !isCounterOffer(response)) throw await apiErrorFrom(response);
  return response;
}

function isSdp(response: Response): boolean {
  return /^application\/sdp\b/i.test(response.headers.get("content-type") ?? "");
}

function isCounterOffer(response: Response): boolean {
  return response.status === 406 && isSdp(response);
}

function malformed(what: string): HelioError {
  const step = "Look whether the address is that of a WHIP or WHEP endpoint.";
  return new HelioError("gateway-malformed", what, step);
}

/** A session at the gateway. */
export class GatewayResource {
  readonly url: string;
  readonly #access: GatewayAccess;
  readonly #links: string | null;
  #token: string | null;
  #etag: string | null;
  /** The gateway made the offer. */
  readonly #isOffered: boolean;

  private constructor(access: GatewayAccess, url: string, token: string | null, reply: Response) {
    this.#access = access;
    this.url = url;
    this.#token = token;
    this.#etag = reply.headers.get("etag");
    this.#links = reply.headers.get("link");
    this.#isOffered = isCounterOffer(reply);
  }

  /**
   * Makes a session by an offer.
   * @throws ApiError the gateway's refusal; HelioError `gateway-malformed`.
   */
  static async make(access: GatewayAccess, offerSdp: string): Promise<Made> {
    const token = await access.bearer();
    const headers = { "content-type": "application/sdp" };
    const call = { method: "POST" as const, url: access.endpoint, token, headers, body: offerSdp };
    const response = await reply(access, call);
    const location = response.headers.get("location");
    if (location === null) throw malformed("the gateway did not name the session it made");
    if (!isSdp(response)) throw malformed("the gateway's answer is no SDP");
    // What was redirected (307) is relative to where it arrived.
    const base = response.url === "" ? access.endpoint : response.url;
    const resource = new GatewayResource(access, new URL(location, base).href, token, response);
    const iceServers = iceServersOf(response.headers.get("link"));
    const type = isCounterOffer(response) ? "offer" : "answer";
    const description = { type, sdp: await response.text() } as const;
    return { resource, description, iceServers };
  }

  /** Answers the gateway's offer. @throws ApiError. */
  async answer(sdp: string): Promise<void> {
    const headers = { "content-type": "application/sdp" };
    await this.#call({ method: "PATCH", headers, body: sdp });
  }

  /**
   * Whether ICE can be restarted: a gateway that cannot gives no entity tag, and what the gateway
   * offered is not ours to restart.
   */
  get restarts(): boolean {
    return this.#etag !== null && !this.#isOffered;
  }

  /** Tells candidates. @throws ApiError, with status 412 when ICE has restarted since. */
  async trickle(fragment: string): Promise<void> {
    if (this.#etag !== null) await this.#patch(fragment, this.#etag);
  }

  /** Restarts ICE; the session keeps running where it fails. @throws ApiError, HelioError. */
  async restart(fragment: string): Promise<IceFragment> {
    const response = await this.#patch(fragment, "*");
    const answer = readFragment(await response.text());
    if (answer === null) throw malformed("the gateway's restart names no credentials");
    this.#etag = response.headers.get("etag");
    return answer;
  }

  /** The address of an extension that the gateway offers for this session, null for none. */
  extension(relation: string): string | null {
    const target = extensionOf(this.#links, relation);
    return target === null ? null : new URL(target, this.url).href;
  }

  /** Asks an extension, by its address. @throws ApiError, HelioError. */
  ask(url: string): Promise<Response> {
    return this.#call({ method: "GET" }, url);
  }

  /** Tells an extension something. @throws ApiError, HelioError. */
  tell(url: string, told: unknown): Promise<Response> {
    const headers = { "content-type": "application/json" };
    return this.#call({ method: "POST", headers, body: JSON.stringify(told) }, url);
  }

  /** Whether the gateway still has the session; a gateway that cannot be asked may have it. */
  async isAlive(): Promise<boolean> {
    try {
      await this.#call({ method: "GET" });
      return true;
    } catch (thrown) {
      const { status = 0 } = thrown as { status?: number };
      return status !== 404 && status !== 410;
    }
  }

  /** Ends the session, also while the page goes away: nothing is waited for before it is sent. */
  end(): void {
    const headers = bearing(this.#token);
    const ask = this.#access.fetch ?? globalThis.fetch.bind(globalThis);
    // Where it does not arrive, lost consent ends the session half a minute later (RFC 7675).
    ask(this.url, { method: "DELETE", headers, keepalive: true }).catch(() => undefined);
  }

  #patch(fragment: string, match: string): Promise<Response> {
    const headers = { "content-type": SDP_FRAGMENT, "if-match": match };
    return this.#call({ method: "PATCH", headers, body: fragment });
  }

  async #call(call: Omit<Call, "url" | "token">, url = this.url): Promise<Response> {
    this.#token = await this.#access.bearer();
    return reply(this.#access, { ...call, url, token: this.#token });
  }
}
