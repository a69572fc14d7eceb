// What TURN servers answered (RFC 8656), each asked alone over one transport, and whether UDP
// passes at all.
import { milliseconds } from "./doctor_access";
import { untold, type Finding } from "./doctor_check";
import { ANSWER_LIMIT_MS, type Gathered } from "./doctor_gathering";
import { hasAnswered, hasHost, portOf } from "./doctor_mapping";

export type RelayTransport = "udp" | "tcp" | "tls";

/** A relay that was asked for an address. */
export interface Tried {
  server: RTCIceServer;
  url: string;
  transport: RelayTransport;
  gathered: Gathered;
}

/** Chromium's and Firefox's code for a server that was not reached. */
const NOT_REACHED = 701;

type Advice = Required<Pick<Finding, "cause" | "remedy">> & Pick<Finding, "line">;

/** What STUN error codes of an Allocate mean (RFC 8656 §20). */
const REFUSALS: Record<number, Advice> = {
  400: { cause: "the relay could not read the request", remedy: "Look into the relay's log." },
  401: {
    cause: "the relay does not accept the credentials that the server made",
    remedy: "Give server and relay the same secret, and set both clocks to automatic.",
    line: 'turn.secrets = ["the relay\'s secret"], or secret of [[turn.external]]',
  },
  403: { cause: "the relay forbids this device", remedy: "Look into the relay's rules." },
  486: {
    cause: "this device holds as many allocations as it may",
    remedy: "Close other tabs and programs, wait ten minutes, or raise the limit.",
    line: "limits.turn_allocations_per_device = 64",
  },
  508: { cause: "the relay is full", remedy: "Give the relay more ports, or wait." },
};

/** Whether an ICE URL is a relay over a transport (RFC 7065 §3.1). */
export function hasRelay(url: string, transport: RelayTransport): boolean {
  if (/^turns:/i.test(url)) return transport === "tls";
  if (!/^turn:/i.test(url)) return false;
  return transport === (/[?&]transport=tcp\b/i.test(url) ? "tcp" : "udp");
}

/** The URLs of `servers` that match, each once. */
export function urlsOf(servers: readonly RTCIceServer[], pattern: RegExp): string[] {
  const urls = servers.flatMap((server) => server.urls).filter((url) => pattern.test(url));
  return [...new Set(urls)];
}

/** Whether the relays of one transport gave an address, and if not, what they said. */
export function relayFinding(
  transport: RelayTransport,
  tried: readonly Tried[],
  ownHost: string,
): Finding {
  if (tried.length === 0) return unnamed(transport);
  const measured = tried.map(({ url, gathered }) => `${url}: ${outcome(gathered)}`);
  const failed = tried.find(({ gathered }) => gathered.relays === 0);
  if (failed === undefined) return { state: "good", measured };
  const state = tried.some(({ gathered }) => gathered.relays > 0) ? "note" : "bad";
  return { state, measured, ...advice(failed, ownHost) };
}

function unnamed(transport: RelayTransport): Finding {
  const why = `the server names no relay over ${transport.toUpperCase()}`;
  if (transport !== "tls") return untold(why);
  return untold(why, "It offers one with a certificate that browsers trust (http.tls).");
}

function outcome({ relays, errors, tookMs }: Gathered): string {
  if (relays > 0) return `gave an address in ${milliseconds(tookMs ?? 0)}`;
  const refusal = errors.find(({ code }) => code !== NOT_REACHED);
  if (refusal !== undefined) return `refused: ${refusal.code} ${refusal.text}`.trimEnd();
  const [error] = errors;
  if (error !== undefined) return `not reached: ${error.text || error.code}`;
  return `no answer in ${ANSWER_LIMIT_MS / 1000} s`;
}

function advice({ url, transport, gathered }: Tried, ownHost: string): Advice {
  const refusal = gathered.errors.find(({ code }) => code !== NOT_REACHED);
  if (refusal !== undefined) {
    const unknown = {
      cause: `the relay refused with ${refusal.code}`,
      remedy: "Look into the relay's log.",
    };
    return REFUSALS[refusal.code] ?? unknown;
  }
  const protocol = transport === "udp" ? "UDP" : "TCP";
  // Our own relay over TLS shares the port of the pages.
  const key = transport === "tls" ? "http.listen" : "turn.listen";
  return {
    cause: `nothing answers at ${url}`,
    remedy: `Start the relay, and let ${protocol} port ${portOf(url)} through to it.`,
    ...(hasHost(url, ownHost) && { line: `${key} = ["[::]:${portOf(url)}"]` }),
  };
}

/** Whether UDP passes: told only by servers that were asked over both. */
export function udpFinding(
  stun: readonly Gathered[],
  tried: readonly Tried[],
  isReachable: boolean,
): Finding {
  const relays = tried.filter(({ transport }) => transport === "udp");
  const asked = stun.length + relays.length;
  if (asked === 0) return untold("there is no server to ask over UDP");
  const answered = stun.filter((it) => hasAnswered(it) === true).length;
  const heard = answered + relays.filter(({ gathered }) => wasHeard(gathered)).length;
  const measured = [`${heard} of ${asked} servers answered over UDP`];
  if (heard > 0) return { state: "good", measured };
  const overTcp = tried.filter((it) => it.transport !== "udp" && wasHeard(it.gathered)).length;
  if (overTcp > 0) {
    return {
      state: "bad",
      measured: [...measured, `${overTcp} over TCP`],
      cause: "a relay that answers over TCP is silent over UDP: UDP is blocked on the way",
      remedy: "Let UDP through the firewalls on both ends; until then links go by TCP, and slower.",
    };
  }
  const rest = isReachable
    ? "the server itself answers over TCP"
    : "nothing answered over TCP either";
  return {
    state: isReachable ? "bad" : "untold",
    measured: [...measured, rest],
    cause: "UDP is blocked, or none of the servers listens; the two look alike from here",
    remedy: "See that the server listens on UDP, then let its ports through the firewall.",
    line: 'turn.listen = ["[::]:3478"]',
  };
}

/** A refusal is an answer too. */
function wasHeard({ relays, errors }: Gathered): boolean {
  return relays > 0 || errors.some(({ code }) => code !== NOT_REACHED);
}
