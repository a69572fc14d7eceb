// The doctor's checks of the way to the server: keys, HTTP, token, WebSocket.
import type { Api } from "./api";
import { toBase64url } from "./bytes";
import { untold, type Finding } from "./doctor_check";
import { asHelioError } from "./errors";
import { unsupportedReason, type Identity } from "./identity";
import { offeredProtocols, socketUrl, type SocketFactory } from "./sockets";

/** The first request opens the connection, the others tell the round trip. */
const REQUESTS = 4;
/** Between devices the server tolerates this much, in milliseconds (docs/protocol.md). */
const CLOCK_NOTE_MS = 30_000;
const SOCKET_LIMIT_MS = 5000;
/** Bytes behind the 22 characters of a rendezvous id. */
const RENDEZVOUS_BYTES = 16;

/** Whether this page can hold keys. */
export async function checkKeys(): Promise<Finding> {
  const reason = await unsupportedReason();
  if (reason !== null) return failed(reason);
  return { state: "good", measured: ["a secure page; Ed25519 and X25519 keys can be made"] };
}

/** Whether the server answers, how soon, and how far its clock is from ours. */
export async function checkServer(api: Api): Promise<Finding> {
  let roundTripMs = Infinity;
  let offsetMs = 0;
  let version = "";
  try {
    for (let request = 0; request < REQUESTS; request += 1) {
      const startMs = performance.now();
      const info = await api.server();
      const tookMs = performance.now() - startMs;
      if (tookMs >= roundTripMs) continue;
      roundTripMs = tookMs;
      // The server read its clock half a round trip ago.
      offsetMs = info.now - (Date.now() - tookMs / 2);
      version = info.version;
    }
  } catch (thrown) {
    return failed(thrown);
  }
  return serverFinding({ version, roundTripMs, requests: REQUESTS, offsetMs });
}

/** How the server answered. */
export interface ServerReply {
  version: string;
  /** The best round trip. */
  roundTripMs: number;
  /** Of how many requests. */
  requests: number;
  /** The server's clock minus ours. */
  offsetMs: number;
}

/** How soon the server answers, and how far its clock is from ours. */
export function serverFinding({ version, roundTripMs, requests, offsetMs }: ServerReply): Finding {
  const measured = [
    `version ${version} answered in ${milliseconds(roundTripMs)}, the best of ${requests}`,
    `its clock is ${milliseconds(Math.abs(offsetMs))} ${offsetMs < 0 ? "behind" : "ahead"}`,
  ];
  if (Math.abs(offsetMs) < CLOCK_NOTE_MS) return { state: "good", measured };
  return {
    state: "note",
    measured,
    cause: "the clocks of this device and the server differ by more than 30 s",
    remedy: "Set both clocks to automatic.",
  };
}

/** Whether the server takes this device's assertion, and the ICE servers that it hands out. */
export async function checkAccess(
  api: Api,
  identity: Identity | null,
  isReachable: boolean,
): Promise<{ finding: Finding; servers: RTCIceServer[] }> {
  if (identity === null) {
    const why = "this browser is no device of an account, so there is nothing to ask a token with";
    return { finding: untold(why, "Open a setup link, or pair this browser."), servers: [] };
  }
  if (!isReachable) return { finding: untold("the server does not answer"), servers: [] };
  try {
    const startMs = performance.now();
    const { iceServers, expiresIn } = await api.freshAccountToken();
    const tookMs = performance.now() - startMs;
    const urls = iceServers.flatMap((server) => server.urls);
    return { finding: tokenFinding({ tookMs, expiresIn, urls }), servers: iceServers };
  } catch (thrown) {
    return { finding: failed(thrown), servers: [] };
  }
}

/** What came with a token. */
export interface TokenGrant {
  tookMs: number;
  /** In seconds. */
  expiresIn: number;
  /** Of STUN and TURN servers. */
  urls: readonly string[];
}

/** The server took this device's assertion. */
export function tokenFinding({ tookMs, expiresIn, urls }: TokenGrant): Finding {
  const took = milliseconds(tookMs);
  const measured = [
    `the device's assertion was taken in ${took}; the token serves ${expiresIn} s`,
    urls.length === 0 ? "no STUN or TURN server came with it" : `with it: ${urls.join(", ")}`,
  ];
  return { state: "good", measured };
}

/**
 * Whether WebSockets reach the server. `/api/signal` is left alone: a socket of this device there
 * would end the one of an open link, and its peer would start to connect.
 */
export async function checkWebSocket(
  origin: string,
  isReachable: boolean,
  open: SocketFactory,
): Promise<Finding> {
  if (!isReachable) return untold("the server does not answer");
  const id = toBase64url(crypto.getRandomValues(new Uint8Array(RENDEZVOUS_BYTES)));
  const startMs = performance.now();
  const end = await new Promise<SocketEnd>((resolve) => {
    const socket = open(socketUrl(origin, `/api/pairing/${id}`), offeredProtocols());
    const limit = setTimeout(() => done("silent"), SOCKET_LIMIT_MS);
    const done = (how: SocketEnd): void => {
      clearTimeout(limit);
      resolve(how);
      socket.close();
    };
    socket.onopen = () => done("open");
    socket.onclose = ({ code }) => done(code);
  });
  return socketFinding({ origin, end, tookMs: performance.now() - startMs });
}

/** It opened, nothing came in time, or it closed before with a code (RFC 6455 §7.4). */
type SocketEnd = "open" | "silent" | number;

/** An attempt to open a WebSocket. */
export interface SocketAttempt {
  origin: string;
  end: SocketEnd;
  tookMs: number;
}

/** Whether WebSockets pass, where requests do. */
export function socketFinding({ origin, end, tookMs }: SocketAttempt): Finding {
  const took = milliseconds(tookMs);
  if (end === "open") return { state: "good", measured: [`opened in ${took}`] };
  const how = end === "silent" ? "nothing came back" : `it closed with ${end}`;
  return {
    state: "bad",
    measured: [`not opened: ${how} after ${took}`],
    cause: "requests reach the server and WebSockets do not",
    remedy:
      "A proxy in between must pass upgrades, and the server must know the address that it is reached by.",
    line: `http.public_origins = ["${origin}"]`,
  };
}

/** A figure as the findings write it. */
export function milliseconds(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

function failed(thrown: unknown): Finding {
  const error = asHelioError(thrown);
  return { state: "bad", measured: [error.message], cause: error.code, remedy: error.nextStep };
}
