// What follows when a gateway refuses a request (wait, try again, or give up), and the words for a
// path to it that was lost.
import { ApiError, HelioError } from "./errors";
import { failure, type FailureCause } from "./failures";

/** A gateway that says "later" without a time is asked again after this long, in milliseconds. */
const WAIT_MS = 4000;
/** The shortest and longest wait that a gateway may ask for, in milliseconds. */
const WAIT_BOUNDS_MS = { least: 500, most: 60_000 };

export interface Later {
  /** `waiting` for a publisher to come or to leave (409) · `retrying` for the server. */
  phase: "waiting" | "retrying";
  waitMs: number;
}

/** Whether the same request may be answered later: unreachable, too many, or the server's fault. */
export function isPassing(error: HelioError): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

/** When to ask again; null when asking again would not help. */
export function afterRefusal(error: HelioError, nextBackoffMs: () => number): Later | null {
  const isTaken = error instanceof ApiError && error.status === 409;
  if (!isTaken && !isPassing(error)) return null;
  const asked = error instanceof ApiError ? error.retryAfterMs : 0;
  const waitMs = asked || (isTaken ? WAIT_MS : nextBackoffMs());
  const { least, most } = WAIT_BOUNDS_MS;
  const phase = isTaken ? "waiting" : "retrying";
  return { phase, waitMs: Math.min(most, Math.max(least, waitMs)) };
}

/** Why no path carries the session; the causes of a link, where they are the same. */
export function lostPath(cause: FailureCause): HelioError {
  if (cause !== "checks-failed") {
    const { message, nextStep } = failure(cause);
    return new HelioError(cause, message, nextStep);
  }
  const message = "no path to the server's media was found";
  const step = "Check that its port is reachable by UDP or TCP; a strict network needs a relay.";
  return new HelioError(cause, message, step);
}
