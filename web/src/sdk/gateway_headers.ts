// Header fields of a gateway's replies: the ICE servers it hands out (`Link`, RFC 8288, with
// `rel="ice-server"`, RFC 9725 §4.6), the extensions it knows (§4.9), and when to come back (`Retry-After`, RFC 9110 §10.2.3).

/** So many ICE servers are taken of one reply: browsers slow down with more, and need two. */
export const ICE_SERVER_LIMIT = 8;

/** One value of a `Link` field. */
interface LinkValue {
  target: string;
  parameters: Map<string, string>;
}

const TARGET = /\s*,*\s*<([^>]*)>/y;
/** `name=token`, `name="quoted \"string\""` or a bare name. */
const PARAMETER = /\s*;\s*([^\s=;,"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/y;

/** The values of a field that `fetch` has joined; what cannot be read ends the list. */
function readLinks(field: string): LinkValue[] {
  const links: LinkValue[] = [];
  let at = 0;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(field);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  for (let target = next(TARGET); target !== null; target = next(TARGET)) {
    const parameters = new Map<string, string>();
    for (let found = next(PARAMETER); found !== null; found = next(PARAMETER)) {
      const [, name = "", quoted, token = ""] = found;
      const key = name.toLowerCase();
      // The first of two equal ones counts (RFC 8288 §3).
      if (!parameters.has(key)) parameters.set(key, quoted?.replace(/\\(.)/g, "$1") ?? token);
    }
    links.push({ target: target[1] ?? "", parameters });
  }
  return links;
}

/** The ICE servers of a reply's `Link` field. */
export function iceServersOf(field: string | null): RTCIceServer[] {
  const servers = readLinks(field ?? "").flatMap(({ target, parameters }): RTCIceServer[] => {
    const relations = parameters.get("rel")?.split(/\s+/) ?? [];
    if (!relations.includes("ice-server") || !/^(stun|turn)s?:/.test(target)) return [];
    const username = parameters.get("username");
    const credential = parameters.get("credential");
    if (target.startsWith("stun")) return [{ urls: target }];
    // A browser refuses the whole list for one relay without name and password.
    return username === undefined || credential === undefined
      ? []
      : [{ urls: target, username, credential }];
  });
  return servers.slice(0, ICE_SERVER_LIMIT);
}

/** Where an extension of a session is, by its relation; null where the reply does not offer it. */
export function extensionOf(field: string | null, relation: string): string | null {
  const offers = ({ parameters }: LinkValue): boolean =>
    parameters.get("rel")?.split(/\s+/).includes(relation) ?? false;
  return readLinks(field ?? "").find(offers)?.target ?? null;
}

/** Milliseconds until a reply may be asked for again; null where the field says nothing. */
export function retryAfterMs(field: string | null, nowMs: number): number | null {
  const text = field?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // A date begins with the day's name; `Date.parse` would read much else as one.
  const date = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs);
}
