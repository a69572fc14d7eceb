// Turns the server's problem documents (RFC 9457) into errors that say the next step.
import { ApiError } from "./errors";
import { retryAfterMs } from "./gateway_headers";

const NEXT_STEPS: Record<string, string> = {
  unauthorized: "Pair this device again, or open a setup link.",
  "unknown-device": "Pair this device again, or open a setup link.",
  "assertion-expired": "Check this device's clock, then try again.",
  "wrong-audience": "Open this page by one of the server's own addresses.",
  "wrong-pair": "Pair the devices again: the server does not know this pair.",
  "forbidden-origin": "Open this page by one of the server's own addresses.",
  "too-many-sockets": "Close other tabs of this site, then try again.",
  "name-invalid": "Choose another name.",
  "not-built": "Nothing to do: this server does not have that part yet.",
  unavailable: "Wait a moment, then try again.",
  "assertion-invalid": "Check this device's clock, then try again.",
  "assertion-used": "Try again.",
  "clock-skew": "Set this device's clock to automatic, then try again.",
  forbidden: "Ask an admin of this server to do it.",
  revoked: "Pair the devices again.",
  "not-found": "Reload the page: it may have been removed elsewhere.",
  "invite-unknown": "Ask for a new link: each works once and for a short time.",
  "invite-used": "Ask for a new link: each works once.",
  "invite-expired": "Ask for a new link: this one was too old.",
  "rate-limited": "Wait a moment, then try again.",
  conflict: "Reload the page.",
  "share-unknown": "Ask whoever shared the stream for another link.",
  "share-expired": "Ask whoever shared the stream for another link.",
  "share-revoked": "Ask whoever shared the stream for another link.",
  "limit-reached": "Remove what is no longer used, then try again.",
  "nothing-published": "Wait: it is asked for again by itself.",
  "offer-malformed": "Update this browser, or try another.",
  "offer-unsupported": "Try another browser: this one asks for what the server does not forward.",
  "restart-unsupported": "Nothing to do: the page opens another connection by itself.",
};

interface Problem {
  code?: unknown;
  title?: unknown;
  detail?: unknown;
  retryAfterMs?: unknown;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function nextStep(code: string, status: number): string {
  const known = NEXT_STEPS[code];
  if (known !== undefined) return known;
  if (status === 429) return "Wait a moment, then try again.";
  if (status >= 500) return "Try again; if it stays, read the server's log.";
  return "Reload the page and try again.";
}

/** The error that a refused response stands for; also when its body is no problem document. */
export async function apiErrorFrom(response: Response): Promise<ApiError> {
  let problem: Problem = {};
  try {
    problem = (await response.json()) as Problem;
  } catch {
    // A proxy in between answers with its own page; the status says enough.
  }
  const code = text(problem.code) ?? `http-${response.status}`;
  const message = text(problem.detail) ?? text(problem.title) ?? `status ${response.status}`;
  const told = typeof problem.retryAfterMs === "number" ? problem.retryAfterMs : 0;
  // Others' servers say it in the header field alone.
  const waitMs = told || (retryAfterMs(response.headers.get("retry-after"), Date.now()) ?? 0);
  return new ApiError(response.status, code, message, nextStep(code, response.status), waitMs);
}

/** The error for a server that did not answer at all. */
export function unreachable(origin: string): ApiError {
  return new ApiError(
    0,
    "unreachable",
    `${origin} does not answer`,
    "Check that this device is online and the server is running.",
  );
}
