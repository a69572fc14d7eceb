// Failures as people read them: every thrown value becomes a title, a cause and a next step.
import { asHelioError } from "../../sdk";
import type { Failure } from "../../ui/notice";

/** Titles of the codes that pages meet; others keep the page's own title. */
const TITLES: Record<string, string> = {
  "insecure-context": "This connection is not private",
  "unsupported-browser": "This browser is too old",
  "setup-invalid": "This setup link does not work",
  "server-unreachable": "The server does not answer",
  "rate-limited": "Too many tries",
  revoked: "This device was revoked",
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
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}
