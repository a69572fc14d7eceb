// Failures that people read: a stable code, what happened, and what to do next.

/** A failure with a stable code, a sentence for people, and the next step. */
export class HelioError extends Error {
  constructor(
    /** Stable, lower case with hyphens, for example `clock-skew`. */
    readonly code: string,
    message: string,
    /** What the person can do about it; a whole sentence. */
    readonly nextStep: string,
  ) {
    super(message);
    this.name = "HelioError";
  }
}

/** The server refused a request: RFC 9457 `application/problem+json`. */
export class ApiError extends HelioError {
  constructor(
    /** The HTTP status, or 0 when the server could not be reached. */
    readonly status: number,
    code: string,
    message: string,
    nextStep: string,
    readonly retryAfterMs = 0,
  ) {
    super(code, message, nextStep);
    this.name = "ApiError";
  }
}

/** Any thrown value as a `HelioError`; unknown ones become `internal`. */
export function asHelioError(thrown: unknown): HelioError {
  if (thrown instanceof HelioError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new HelioError("internal", message, "Reload the page and try again.");
}
