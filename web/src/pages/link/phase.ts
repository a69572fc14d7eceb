// A link's state in words.
import type { LinkPath, LinkState } from "../../sdk";
import { isRelayed } from "../figures/pathWords";

/** How a state is told. */
export interface Told {
  /** One or two words for the bar. */
  short: string;
  /** A sentence for the stage. */
  long: string;
  /** A spinner belongs beside it. */
  isWaiting: boolean;
}

/** Tells the state of a link to `peer`. */
export function tell(state: LinkState, peer: string): Told {
  switch (state.phase) {
    case "idle":
    case "signalling":
      return waiting("Reaching the server", "Reaching the server.");
    case "waiting":
      return waiting(
        "Waiting",
        `${peer} is not there yet. The link opens by itself when it opens Heliograph.`,
      );
    case "connecting":
      return waiting("Connecting", `Looking for a path to ${peer}.`);
    case "securing":
      return waiting("Proving keys", "A path is found. Both devices prove their keys.");
    case "reconnecting":
      return waiting("Reconnecting", "The path broke. Looking for another one.");
    case "open":
      return { short: openWord(state.path), long: "", isWaiting: false };
    case "ended":
      return ended(state, peer);
  }
}

function waiting(short: string, long: string): Told {
  return { short, long, isWaiting: true };
}

function openWord(path: LinkPath | null): string {
  if (!path) return "Linked";
  return isRelayed(path) ? "Linked over a relay" : "Linked directly";
}

function ended(state: LinkState, peer: string): Told {
  const told = (short: string, long: string): Told => ({ short, long, isWaiting: false });
  switch (state.endedBy) {
    case "replaced":
      return told(
        "In another tab",
        "This link was opened in another tab or window of this device.",
      );
    case "revoked":
      return told("Revoked", revokedSentence(state, peer));
    case "refused":
      return told("Refused", `${peer} did not prove its key, so the link was closed.`);
    case "closed":
    case null:
      return told("Closed", "The link is closed.");
  }
}

function revokedSentence({ serverKnows }: LinkState, peer: string): string {
  const pairAgain = `The pair with ${peer} was revoked. Pair the devices again to link.`;
  if (serverKnows) return pairAgain;
  return `${pairAgain} The server does not answer: it is told as soon as it does, by this page or the next one that you open here.`;
}
