// Device records: what a device says about itself, signed by its key (docs/protocol.md, Identity).
import { encodeCbor } from "./cbor";
import { fromBase64url, sha256, toBase64url, utf8, type Bytes } from "./bytes";
import { HelioError } from "./errors";

/** The kinds of device people tell apart. */
export const DEVICE_KINDS = ["phone", "tablet", "laptop", "desktop", "box"] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

/** The device speaks `ctl` and `telemetry` inside Noise. */
export const FEATURE_CTL_NOISE = "ctl-noise";
/** The device sends and takes files. */
export const FEATURE_FILE = "file";
/** All that this SDK speaks, as its records list it. */
export const FEATURES: readonly string[] = [FEATURE_CTL_NOISE, FEATURE_FILE];

/** Most characters (Unicode scalar values) of a device name. */
export const NAME_LIMIT = 64;

/** A device's public half, signed by itself. */
export interface DeviceRecord {
  deviceId: string;
  /** Ed25519 public key, base64url. */
  key: string;
  /** X25519 public key, base64url. */
  x25519: string;
  name: string;
  kind: DeviceKind;
  features: string[];
  /** Unix milliseconds at which this record was signed. */
  created: number;
  /** Ed25519 signature, base64url. */
  sig: string;
}

function invalid(what: string): HelioError {
  return new HelioError("record-invalid", `device record: ${what}`, "Pair the devices again.");
}

/** RFC 7638 thumbprint of an Ed25519 public key: the deviceId. */
export async function thumbprint(publicKey: Uint8Array): Promise<string> {
  const jwk = `{"crv":"Ed25519","kty":"OKP","x":"${toBase64url(publicKey)}"}`;
  return toBase64url(await sha256(utf8(jwk)));
}

/** Whether a text may be a device's name: 1 to 64 scalar values, no control characters. */
export function isDeviceName(name: string): boolean {
  const length = [...name].length;
  return length >= 1 && length <= NAME_LIMIT && !/\p{Cc}|\p{Cs}/u.test(name);
}

/** The bytes a record's signature covers. */
export function recordSigningInput(record: Omit<DeviceRecord, "sig">): Bytes {
  return encodeCbor([
    "heliograph-device-v1",
    record.deviceId,
    fromBase64url(record.key),
    fromBase64url(record.x25519),
    record.name,
    record.kind,
    record.features,
    record.created,
  ]);
}

/** Imports an Ed25519 public key for verification. */
export function importVerifyKey(publicKey: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
}

function key32(value: unknown, what: string): Bytes {
  if (typeof value !== "string") throw invalid(`${what} is missing`);
  let bytes: Bytes;
  try {
    bytes = fromBase64url(value);
  } catch {
    throw invalid(`${what} is not base64url`);
  }
  if (bytes.length !== 32) throw invalid(`${what} has ${bytes.length} bytes, not 32`);
  return bytes;
}

function shape(value: unknown): DeviceRecord {
  if (typeof value !== "object" || value === null) throw invalid("not an object");
  const record = value as Partial<DeviceRecord>;
  const { deviceId, key, x25519, name, kind, features, created, sig } = record;
  if (typeof deviceId !== "string" || typeof sig !== "string") throw invalid("fields are missing");
  if (typeof name !== "string" || !isDeviceName(name))
    throw invalid("name is not 1 to 64 characters");
  if (!DEVICE_KINDS.includes(kind as DeviceKind)) throw invalid("kind is unknown");
  if (!Array.isArray(features) || features.length > 16) throw invalid("more than 16 features");
  if (
    !features.every((feature) => typeof feature === "string" && /^[\x20-\x7e]{1,32}$/.test(feature))
  ) {
    throw invalid("a feature is not 1 to 32 ASCII characters");
  }
  if (!Number.isSafeInteger(created) || (created as number) < 0)
    throw invalid("created is no time");
  key32(key, "key");
  key32(x25519, "x25519");
  return {
    deviceId,
    key,
    x25519,
    name,
    kind,
    features: [...features],
    created,
    sig,
  } as DeviceRecord;
}

/**
 * The record, once its shape, its thumbprint and its signature are right.
 * @throws HelioError `record-invalid`, which says what is wrong.
 */
export async function verifyRecord(value: unknown): Promise<DeviceRecord> {
  const record = shape(value);
  const publicKey = key32(record.key, "key");
  if ((await thumbprint(publicKey)) !== record.deviceId) {
    throw invalid("deviceId is not the thumbprint of its key");
  }
  let sig: Bytes;
  try {
    sig = fromBase64url(record.sig);
  } catch {
    throw invalid("sig is not base64url");
  }
  const key = await importVerifyKey(publicKey);
  if (!(await crypto.subtle.verify("Ed25519", key, sig, recordSigningInput(record)))) {
    throw invalid("signature does not verify");
  }
  return record;
}
