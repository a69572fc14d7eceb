// Failures as people read them: every thrown value becomes a title, a cause and a next step.
import { asHelioError } from "../../sdk";
import type { Failure } from "../../ui/notice";

/** Titles of the codes that pages meet; others are titled by the act that failed. */
const TITLES: Record<string, string> = {
  "insecure-context": "This connection is not private",
  "engine-too-old": "This browser is too old",
  storage: "This browser keeps no data",
  unreachable: "The server does not answer",
  "signalling-lost": "The server does not answer",
  "rate-limited": "Too many tries",
  revoked: "This device was revoked",
  "unknown-device": "The server does not know this device",
  unauthorized: "The server does not know this device",
  "clock-skew": "The clocks differ too much",
  "invite-broken": "This link is not complete",
  "invite-expired": "This invitation has run out",
  "invite-used": "This link was used already",
  "invite-gone": "This invitation has ended",
  "invite-burnt": "This invitation was burnt",
  burnt: "This invitation was burnt",
  busy: "Another device uses this code",
  "unknown-invite": "This invitation has ended",
  expired: "This invitation has run out",
  failed: "The keys did not match",
  "wrong-words": "Those were not the words",
  "peer-left": "The other device left",
  "signature-refused": "A false signature",
  "no-device": "This browser may not publish",
  "not-yours": "This is not your stream",
  "ended-by-server": "Publishing was ended",
  "screen-denied": "Nothing to show",
  "screen-ended": "The screen is no longer shared",
  "camera-denied": "No camera without permission",
  "camera-missing": "No such camera",
  "camera-busy": "The camera is in use",
};

/** The failure of `act` ("Setting up"), told from what was thrown. */
export function failureOf(act: string, thrown: unknown): Failure {
  const error = asHelioError(thrown);
  return {
    title: TITLES[error.code] ?? `${act} did not work`,
    cause: sentence(error.message),
    next: error.nextStep,
    code: error.code,
  };
}

/** Error messages are lower case and without a full stop; people read sentences. */
export function sentence(message: string): string {
  const text = message.trim();
  if (text === "") return "No reason was given.";
  const isAddress = /^[a-z]+:/.test(text);
  const upper = isAddress ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}
