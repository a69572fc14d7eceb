// What two devices compute together when they pair (docs/protocol.md, Identity).
import type { PairStatement } from "./api";
import {
  asciiLess,
  concat,
  fromBase64url,
  hkdf,
  sha256,
  toBase64url,
  utf8,
  type Bytes,
} from "./bytes";
import { encodeCbor } from "./cbor";
import { importHkdfKey } from "./noise_cipher";
import { importVerifyKey, type DeviceRecord } from "./record";

/** One side's part: its id and 32 random bytes. */
export interface Contribution {
  deviceId: string;
  bytes: Bytes;
}

/** Size of a contribution in bytes. */
export const CONTRIBUTION_BYTES = 32;

function ordered(one: Contribution, two: Contribution): [Contribution, Contribution] {
  return asciiLess(one.deviceId, two.deviceId) ? [one, two] : [two, one];
}

/** The pair's id: the same on both sides, unpredictable to each alone. */
export async function pairIdOf(one: Contribution, two: Contribution): Promise<string> {
  const [a, b] = ordered(one, two);
  const version = utf8("heliograph-pair-v1");
  return toBase64url(await sha256(version, utf8(a.deviceId), utf8(b.deviceId), a.bytes, b.bytes));
}

/** The pair secret as bytes; for vectors, pages use `pairSecretKey`. */
export async function pairSecret(
  one: Contribution,
  two: Contribution,
  pairId: string,
): Promise<Bytes> {
  const [a, b] = ordered(one, two);
  return hkdf(utf8("heliograph-pair-secret-v1"), concat(a.bytes, b.bytes), utf8(pairId), 32);
}

/** The pair secret as a key that scripts can use and not read. */
export async function pairSecretKey(
  one: Contribution,
  two: Contribution,
  pairId: string,
): Promise<CryptoKey> {
  return importHkdfKey(await pairSecret(one, two, pairId));
}

/** The statement both devices sign. */
export function pairStatement(
  pairId: string,
  one: string,
  two: string,
  time: number,
): PairStatement {
  const [a, b] = asciiLess(one, two) ? [one, two] : [two, one];
  return { pairId, a, b, time };
}

/** The bytes a statement's signatures cover. */
export function statementSigningInput({ pairId, a, b, time }: PairStatement): Bytes {
  return encodeCbor(["heliograph-pair-v1", pairId, a, b, time]);
}

/** Whether `sig` (base64url) is `record`'s device's signature of the statement. */
export async function verifyStatement(
  statement: PairStatement,
  sig: unknown,
  record: DeviceRecord,
): Promise<boolean> {
  if (typeof sig !== "string") return false;
  try {
    const key = await importVerifyKey(fromBase64url(record.key));
    const input = statementSigningInput(statement);
    return await crypto.subtle.verify("Ed25519", key, fromBase64url(sig), input);
  } catch {
    return false;
  }
}
