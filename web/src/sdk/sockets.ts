// WebSockets as the SDK opens them: tokens travel as a subprotocol, never in the address.

/** The part of `WebSocket` that the SDK uses; tests bring their own. */
export interface Socket {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

/** Opens a socket to an address with the offered subprotocols. */
export type SocketFactory = (url: string, protocols: string[]) => Socket;

/** Close codes of this server (docs/protocol.md, WebSockets). */
export const CLOSE = {
  tokenExpired: 4401,
  revoked: 4403,
  pairingGone: 4404,
  replaced: 4409,
  tooMany: 4429,
} as const;

const TOKEN_PROTOCOL = "base64url.bearer.authorization.heliograph.";

/** The subprotocols to offer, with a token or without. */
export function offeredProtocols(token?: string): string[] {
  return token === undefined ? ["heliograph.v1"] : ["heliograph.v1", TOKEN_PROTOCOL + token];
}

/** The WebSocket address of a path at an http(s) origin. */
export function socketUrl(origin: string, path: string): string {
  return origin.replace(/^http/, "ws") + path;
}

/** The browser's own sockets. */
export const openBrowserSocket: SocketFactory = (url, protocols) =>
  new WebSocket(url, protocols) as unknown as Socket;

/** The JSON object of a text frame, or null for anything else. */
export function readJson(data: unknown): Record<string, unknown> | null {
  if (typeof data !== "string") return null;
  try {
    const value: unknown = JSON.parse(data);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
