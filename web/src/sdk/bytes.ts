// Bytes and text: base64url (RFC 4648 §5, unpadded), concatenation, length prefixes.

/** Byte arrays that WebCrypto accepts (never backed by shared memory). */
export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/** The UTF-8 bytes of a text. */
export function utf8(text: string): Bytes {
  return encoder.encode(text) as Bytes;
}

/** One array holding all parts one after another. */
export function concat(...parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Each part preceded by its length as two bytes, big endian. */
export function lengthPrefixed(...parts: Uint8Array[]): Bytes {
  return concat(
    ...parts.flatMap((part) => {
      if (part.length > 0xffff) throw new RangeError(`part of ${part.length} bytes, limit 65535`);
      return [Uint8Array.of(part.length >> 8, part.length & 0xff), part];
    }),
  );
}

/** Unpadded base64url. */
export function toBase64url(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * The bytes of an unpadded base64url text.
 * @throws RangeError when a character is foreign, or bits are left over (not canonical).
 */
export function fromBase64url(text: string): Bytes {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) {
    throw new RangeError("not unpadded base64url");
  }
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  if (toBase64url(bytes) !== text) throw new RangeError("base64url with bits left over");
  return bytes;
}

/** Compares two arrays; the time depends on their lengths only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index += 1) {
    difference |= (a[index] ?? 0) ^ (b[index] ?? 0);
  }
  return difference === 0;
}

/** Orders two ASCII texts by their bytes (not by locale). */
export function asciiLess(a: string, b: string): boolean {
  return a < b;
}

/** SHA-256 of the parts one after another. */
export async function sha256(...parts: Uint8Array[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}

/** HKDF-SHA256 (RFC 5869). */
export async function hkdf(
  salt: Bytes,
  input: Bytes,
  info: Bytes,
  lengthBytes: number,
): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", input, "HKDF", false, ["deriveBits"]);
  const params = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(await crypto.subtle.deriveBits(params, key, lengthBytes * 8));
}
