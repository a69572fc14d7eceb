// Why a link failed: one class of cause, a sentence for people, and the next step.

/** Reason classes, as reported in telemetry (docs/protocol.md, Telemetry). */
export type FailureCause =
  | "no-candidates"
  | "checks-failed"
  | "relay-refused"
  | "dtls-failed"
  | "signature-refused"
  | "noise-failed"
  | "signalling-lost";

/** A failed attempt, told to people. */
export interface LinkFailure {
  cause: FailureCause;
  message: string;
  nextStep: string;
}

/** What was seen of an attempt that did not connect. */
export interface AttemptFacts {
  localCandidates: number;
  remoteCandidates: number;
  relayCandidates: number;
  /** Whether the attempt may use relays only. */
  relayOnly: boolean;
  /** Whether a relay answered 401, 403, 486 or 508. */
  relayErrors: number;
  /** Whether ICE found a path. */
  iceConnected: boolean;
}

const SENTENCES: Record<FailureCause, [message: string, nextStep: string]> = {
  "no-candidates": [
    "this device found no network address it may use",
    "Check that it is online, and in a browser that it may use WebRTC.",
  ],
  "checks-failed": [
    "the two devices found no path to each other",
    "Put them on one network, or add a relay (TURN) to the server.",
  ],
  "relay-refused": [
    "the relay did not take this device",
    "Check the server's relay settings and limits, then try again.",
  ],
  "dtls-failed": [
    "a path was found, but the encrypted connection did not start",
    "Try again; if it stays, update both devices.",
  ],
  "signature-refused": [
    "a message that was not signed by your other device was refused",
    "Somebody may be interfering with the server. Pair again if your own device was reset.",
  ],
  "noise-failed": [
    "your other device did not prove its key on this connection",
    "Begin the link anew on both. If it stays, remove the pair and pair again.",
  ],
  "signalling-lost": [
    "the server cannot be reached",
    "Check that this device is online and the server is running.",
  ],
};

/** The failure of a cause, with `detail` after the sentence when there is one. */
export function failure(cause: FailureCause, detail?: string): LinkFailure {
  const [message, nextStep] = SENTENCES[cause];
  return { cause, message: detail === undefined ? message : `${message} (${detail})`, nextStep };
}

/** Tells the class of an attempt that ended without a connection. */
export function classify(facts: AttemptFacts): FailureCause {
  if (facts.iceConnected) return "dtls-failed";
  if (facts.relayCandidates === 0 && (facts.relayOnly || facts.relayErrors > 0)) {
    return "relay-refused";
  }
  if (facts.localCandidates === 0) return "no-candidates";
  return "checks-failed";
}
