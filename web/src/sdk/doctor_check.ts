// One check of the doctor and what it found.

export type CheckId =
  | "keys"
  | "server"
  | "token"
  | "websocket"
  | "stun"
  | "mapping"
  | "udp"
  | `relay-${"udp" | "tcp" | "tls"}`
  | "ipv6"
  | "mdns"
  | "link-direct"
  | `link-${"udp" | "tcp" | "tls"}`;

/**
 * `good` and `bad` are measured; `note` is measured, works, and is worth knowing; `untold` could
 * not be measured here.
 */
export type CheckState = "pending" | "good" | "note" | "bad" | "untold";

/** What a check found. */
export interface Finding {
  state: CheckState;
  /** What was measured, a line per thing that was tried; where nothing was, why. */
  measured: readonly string[];
  /** Why it is so, as far as the measurement goes. */
  cause?: string;
  /** What to do; a whole sentence. */
  remedy?: string;
  /** The line of the server's configuration that it is about. */
  line?: string;
}

/** A check with its latest finding. */
export interface Check {
  id: CheckId;
  title: string;
  finding: Finding;
}

/** Before a check has run. */
export const pending: Finding = { state: "pending", measured: [] };

/** The finding of a check that could not measure anything, with the reason. */
export function untold(why: string, remedy?: string): Finding {
  return { state: "untold", measured: [why], ...(remedy !== undefined && { remedy }) };
}
