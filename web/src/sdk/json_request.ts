// One request to the server's HTTP API: JSON in, JSON out, problems as `ApiError`.
import { apiErrorFrom, unreachable } from "./problem";

/**
 * How long the server may take to answer, in milliseconds. What was asked over a network that is
 * gone is answered by nobody, and browsers wait for minutes.
 */
const REPLY_LIMIT_MS = 6000;

/** What is asked. */
export interface Call {
  method?: string;
  body?: unknown;
  token?: string;
  keepalive?: boolean;
}

/** Asks `origin` for `path`. @throws ApiError with code, sentence and next step. */
export async function requestJson<Reply>(
  ask: typeof fetch,
  origin: string,
  path: string,
  call: Call = {},
): Promise<Reply> {
  const headers: Record<string, string> = {};
  if (call.body !== undefined) headers["content-type"] = "application/json";
  if (call.token !== undefined) headers["authorization"] = `Bearer ${call.token}`;
  const init: RequestInit = { method: call.method ?? "GET", headers, cache: "no-store" };
  if (call.body !== undefined) init.body = JSON.stringify(call.body);
  if (call.keepalive === true) init.keepalive = true;
  const abort = new AbortController();
  const limit = setTimeout(() => abort.abort(), REPLY_LIMIT_MS);
  let response: Response;
  let text = "";
  try {
    response = await ask(origin + path, { ...init, signal: abort.signal });
    if (response.ok) text = await response.text();
  } catch {
    throw unreachable(origin);
  } finally {
    clearTimeout(limit);
  }
  if (!response.ok) throw await apiErrorFrom(response);
  return (text === "" ? undefined : JSON.parse(text)) as Reply;
}
