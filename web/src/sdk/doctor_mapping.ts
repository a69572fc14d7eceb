// What STUN and this device's own candidates tell of its addresses and of the NAT before them
// (RFC 5780 §4.3, as far as two ports of one address go).
import { milliseconds } from "./doctor_access";
import { untold, type Finding } from "./doctor_check";
import { ANSWER_LIMIT_MS, type Gathered } from "./doctor_gathering";

/** A STUN server, and what it brought when it was the only one. */
export interface StunAnswer {
  url: string;
  gathered: Gathered;
}

/** Whether a server answered; `null` where the browser does not let one know. */
export function hasAnswered({ srflx, hosts, isComplete, errors }: Gathered): boolean | null {
  if (srflx.length > 0) return true;
  if (!isComplete || errors.length > 0) return false;
  // Done without a fault and without an address beside the ones it shows: the same was seen.
  const areShown = hosts.length > 0 && !hosts.some(isHidden);
  return areShown ? true : null;
}

/** Which address the STUN servers see; `ownHost` is the server's, whose configuration we know. */
export function stunFinding(answers: readonly StunAnswer[], ownHost: string): Finding {
  if (answers.length === 0) {
    return {
      state: "bad",
      measured: ["the server named no STUN server"],
      cause: "it has none of its own on UDP, and none of others is configured",
      remedy: "Let the server listen on UDP, or name a STUN server.",
      line: 'turn.listen = ["[::]:3478"]',
    };
  }
  const measured = answers.map(({ url, gathered }) => `${url}: ${seen(gathered)}`);
  const heard = answers.map(({ gathered }) => hasAnswered(gathered));
  if (heard.every((it) => it === true)) return { state: "good", measured };
  if (!heard.includes(false)) return { state: "untold", measured };
  const silent = answers[heard.indexOf(false)]?.url ?? "";
  return {
    state: heard.includes(true) ? "note" : "bad",
    measured,
    cause: `${silent} did not answer over UDP`,
    remedy: `Let UDP port ${portOf(silent)} through to the server, and see that it listens there.`,
    ...(hasHost(silent, ownHost) && { line: `turn.listen = ["[::]:${portOf(silent)}"]` }),
  };
}

function seen(gathered: Gathered): string {
  const { srflx, tookMs } = gathered;
  if (srflx.length > 0) return `${srflx.join(", ")} in ${milliseconds(tookMs ?? 0)}`;
  const heard = hasAnswered(gathered);
  if (heard === true) return "the address this device has itself: no NAT in between";
  if (heard === null) return "no address, and the browser does not say why";
  return `no answer in ${ANSWER_LIMIT_MS / 1000} s`;
}

/**
 * The first two servers that gave as many addresses of each family, or fewer than two: where one
 * is reached by a network or a family that the other is not, more addresses prove nothing.
 */
export function comparable(answers: readonly StunAnswer[]): StunAnswer[] {
  const answering = answers.filter(({ gathered }) => gathered.srflx.length > 0);
  for (const [index, first] of answering.entries()) {
    const second = answering.slice(index + 1).find((it) => families(it) === families(first));
    if (second !== undefined) return [first, second];
  }
  return answering.slice(0, 1);
}

function families({ gathered: { srflx } }: StunAnswer): string {
  const ipv6 = srflx.filter((address) => address.startsWith("[")).length;
  return `${srflx.length - ipv6} ${ipv6}`;
}

/** Whether a server saw the very address that this device has, and none saw another. */
export function hasNoNat(answers: readonly StunAnswer[]): boolean {
  const isTranslated = answers.some(({ gathered }) => gathered.srflx.length > 0);
  return !isTranslated && answers.some(({ gathered }) => hasAnswered(gathered) === true);
}

/** The finding where there is none. */
export const noNat: Finding = {
  state: "good",
  measured: ["no NAT: the server sees an address of this device"],
};

/** `answering` are servers that gave an address alone; `both` is one socket asking two of them. */
export function mappingFinding(answering: readonly StunAnswer[], both: Gathered | null): Finding {
  const [first, second] = answering;
  if (first === undefined || second === undefined || both === null) {
    const why = `it takes comparable answers from two ports, there are ${answering.length}`;
    return untold(
      why,
      "Add a second STUN server (ice.stun_urls), or open both ports of the server.",
    );
  }
  const measured = [`${first.url} and ${second.url} saw one socket as ${both.srflx.join(", ")}`];
  const filtering = "filtering: not told, it takes a server with a second address";
  const wanted = first.gathered.srflx.length;
  if (!both.isComplete || both.srflx.length < wanted) {
    return { state: "untold", measured: [...measured, "not both answered together"] };
  }
  if (both.srflx.length === wanted) {
    const kind = "the mapping is endpoint-independent, or there is no NAT";
    return { state: "good", measured: [...measured, kind, filtering] };
  }
  return {
    state: "note",
    measured: [...measured, "the mapping depends on address or port (symmetric NAT)", filtering],
    cause: "this network gives a socket another port for each destination",
    remedy: "Direct links work with peers on easier networks; else they need the relay below.",
  };
}

/** Whether this device has an IPv6 address that others could use. */
export function ipv6Finding(gatherings: readonly Gathered[]): Finding {
  const hosts = [...new Set(gatherings.flatMap(({ hosts }) => hosts))];
  const mapped = gatherings.flatMap(({ srflx }) => srflx).filter((it) => it.startsWith("["));
  const own = hosts.filter((host) => host.includes(":") && !/^fe[89ab]/i.test(host));
  const found = [...new Set([...own, ...mapped])];
  if (found.length > 0) return { state: "good", measured: [found.join(", ")] };
  if (hosts.some(isHidden)) {
    return untold("the browser hides this device's addresses, and no STUN server saw an IPv6 one");
  }
  return { state: "note", measured: ["no IPv6 address; IPv4 serves alone"] };
}

/** Whether the browser shows this device's addresses to peers. */
export function hiddenFinding({ hosts }: Gathered): Finding {
  const hidden = hosts.filter(isHidden).length;
  if (hosts.length === 0) {
    return {
      state: "bad",
      measured: ["this device has no address that peers may be told"],
      cause: "it has no network, or a setting or an extension forbids WebRTC",
      remedy: "Check the connection, and in a browser its WebRTC settings.",
    };
  }
  if (hidden === 0) return { state: "good", measured: [`shown to peers: ${hosts.join(", ")}`] };
  return {
    state: "note",
    measured: [`${hidden} of ${hosts.length} hidden behind mDNS names (.local)`],
    cause: "browsers hide addresses from pages that may not use the camera",
    remedy:
      "Devices on one network then need multicast DNS to link directly; guest Wi-Fi drops it.",
  };
}

function isHidden(host: string): boolean {
  return host.endsWith(".local");
}

/** Whether an ICE URL (RFC 7064, 7065) names a host; IPv6 ones stand in brackets. */
export function hasHost(url: string, host: string): boolean {
  return url.replace(/^(stun|turn)s?:/i, "").replace(/(:\d+)?(\?.*)?$/, "") === host;
}

/** The port that an ICE URL names. */
export function portOf(url: string): string {
  const standard = /^(stun|turn)s:/i.test(url) ? "5349" : "3478";
  return /:(\d+)(\?|$)/.exec(url)?.[1] ?? standard;
}
