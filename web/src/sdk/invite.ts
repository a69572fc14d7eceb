// Pairing links: https://HOST/p#1.<key>.<secret>.<rendezvous id>.<expiry>
// All of it sits after `#`: no server, log or link preview sees it.
import { fromBase64url, toBase64url, type Bytes } from "./bytes";
import { HelioError } from "./errors";

/** Longest life of an invite in seconds. */
export const INVITE_LIFETIME_S = 120;

/** What a pairing link says. */
export interface PairingLink {
  /** Origin of the link: part of the handshake's prologue on both sides. */
  origin: string;
  /** The inviter's static X25519 key. */
  key: Bytes;
  secret: Bytes;
  /** As written in the link. */
  rendezvousId: string;
  /** Unix seconds. */
  expiry: number;
}

function broken(what: string): HelioError {
  return new HelioError(
    "invite-broken",
    `the pairing link is incomplete: ${what}`,
    "Scan the code again, or copy the whole link.",
  );
}

/** The link as shown in the QR code. */
export function buildPairingLink(link: PairingLink): string {
  const parts = [
    "1",
    toBase64url(link.key),
    toBase64url(link.secret),
    link.rendezvousId,
    String(link.expiry),
  ];
  return `${link.origin}/p#${parts.join(".")}`;
}

function sized(text: string | undefined, lengthBytes: number, what: string): Bytes {
  let bytes: Bytes | undefined;
  try {
    bytes = fromBase64url(text ?? "");
  } catch {
    // Said below.
  }
  if (bytes?.length !== lengthBytes) throw broken(what);
  return bytes;
}

/**
 * Reads a pairing link.
 * @throws HelioError `invite-broken`, or `invite-version` for a link of another version.
 */
export function parsePairingLink(url: string): PairingLink {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw broken("it is no address");
  }
  const [version, key, secret, rendezvousId, expiry, ...rest] = parsed.hash.slice(1).split(".");
  if (key !== undefined && version !== "1") {
    throw new HelioError(
      "invite-version",
      `the pairing link has version ${version}, this page knows 1`,
      "Update the server and reload both pages.",
    );
  }
  sized(rendezvousId, 16, "rendezvous id");
  if (rest.length > 0 || !/^[0-9]{1,12}$/.test(expiry ?? "")) throw broken("expiry");
  return {
    origin: parsed.origin,
    key: sized(key, 32, "key"),
    secret: sized(secret, 16, "secret"),
    rendezvousId: rendezvousId ?? "",
    expiry: Number(expiry),
  };
}
