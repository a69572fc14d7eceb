// What a link tells views: its phase, its end, its messages.
import type { HelioError } from "./errors";
import type { LinkFailure } from "./failures";
import type { PeerMedia } from "./link_media";
import type { LinkPath, LinkStats } from "./link_stats";

/**
 * Where a link is:
 * `idle` not started · `signalling` reaching the server · `waiting` the peer is offline ·
 * `connecting` looking for a path · `securing` proving keys · `open` · `reconnecting` the path
 * broke and a new one is looked for · `ended` for good, see `endedBy`.
 */
export type LinkPhase =
  "idle" | "signalling" | "waiting" | "connecting" | "securing" | "open" | "reconnecting" | "ended";

/**
 * Why a link ended: `closed` here, `replaced` by another tab, `revoked`, or `refused` because a
 * key proof failed.
 */
export type EndedBy = "closed" | "replaced" | "revoked" | "refused";

/** All a view needs to draw a link's state. */
export interface LinkState {
  phase: LinkPhase;
  /** False on pairs whose people compared no words: show "peer not verified". */
  verified: boolean;
  /** Whether control frames run inside Noise. */
  secured: boolean;
  peerOnline: boolean;
  path: LinkPath | null;
  /** The last failure; cleared when the link opens. */
  failure: LinkFailure | null;
  endedBy: EndedBy | null;
  /** False from a revocation on this device until its server knows of it. */
  serverKnows: boolean;
}

/** The state of a link that was not started. */
export function initialState(verified: boolean): LinkState {
  return {
    phase: "idle",
    verified,
    secured: false,
    peerOnline: false,
    path: null,
    failure: null,
    endedBy: null,
    serverKnows: true,
  };
}

/** What decides a phase beside the state itself. */
export interface PhaseFacts {
  /** The connection there is. */
  connection: { isOpen: boolean; isConnected: boolean } | null;
  /** Whether the server is reached. */
  isReady: boolean;
  /** Whether the link was open before, and is being opened again. */
  wasOpen: boolean;
}

/** Where a link that was started is. */
export function phaseOf(
  { phase, endedBy, peerOnline }: LinkState,
  { connection, isReady, wasOpen }: PhaseFacts,
): LinkPhase {
  if (endedBy !== null) return "ended";
  if (connection === null) {
    if (phase === "idle") return "idle";
    if (wasOpen) return "reconnecting";
    if (!isReady) return "signalling";
    return peerOnline ? "connecting" : "waiting";
  }
  if (connection.isOpen) return connection.isConnected ? "open" : "reconnecting";
  if (connection.isConnected) return "securing";
  return wasOpen && peerOnline ? "reconnecting" : "connecting";
}

/** A text message from the peer. */
export interface ReceivedText {
  id: number;
  text: string;
  /** Unix milliseconds of arrival. */
  at: number;
}

/** A command from the peer. */
export interface ReceivedCommand {
  name: string;
  args: Record<string, unknown>;
}

export interface LinkEvents {
  state: LinkState;
  text: ReceivedText;
  command: ReceivedCommand;
  /** The peer's media began, changed its mode, or went `off`. */
  media: PeerMedia;
  /** Each second while connected. */
  stats: LinkStats;
  /** The peer's own figures, every 2 s. */
  peerStats: Record<string, unknown>;
  /** Something was refused that does not end the link, for example a forged offer. */
  refused: HelioError;
}
