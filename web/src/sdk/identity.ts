// This device's identity: an Ed25519 key that signs and an X25519 key for Noise, both
// non-extractable WebCrypto keys kept in IndexedDB.
import { toBase64url, utf8, type Bytes } from "./bytes";
import { HelioError } from "./errors";
import {
  FEATURES,
  isDeviceName,
  NAME_LIMIT,
  recordSigningInput,
  thumbprint,
  type DeviceKind,
  type DeviceRecord,
} from "./record";
import type { Store, StoredIdentity } from "./store";

/** Lifetime of an assertion in seconds (docs/protocol.md: at most 60). */
const ASSERTION_LIFETIME_S = 60;

/** How a device introduces itself. */
export interface DeviceProfile {
  name: string;
  kind: DeviceKind;
}

/**
 * Whether this browser can hold an identity.
 * @returns null, or the error to show: `insecure-context` or `engine-too-old`.
 */
export async function unsupportedReason(): Promise<HelioError | null> {
  if (globalThis.crypto?.subtle === undefined) {
    return new HelioError(
      "insecure-context",
      "this page was not opened over https, so the browser offers no keys",
      "Open it by its https:// address (or on this machine by http://localhost).",
    );
  }
  try {
    await crypto.subtle.generateKey("Ed25519", false, ["sign"]);
    await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
    return null;
  } catch {
    return new HelioError(
      "engine-too-old",
      "this browser does not know Ed25519 and X25519 keys",
      "Update it: Chrome 137, Firefox 130 and Safari 18.4 or newer have them.",
    );
  }
}

function checkedName(name: string): string {
  const trimmed = name.trim();
  if (isDeviceName(trimmed)) return trimmed;
  throw new HelioError(
    "bad-name",
    `a device name has 1 to ${NAME_LIMIT} characters and no control characters`,
    "Choose another name.",
  );
}

/** The device's keys and its signed record. */
export class Identity {
  readonly #store: Store;
  #stored: StoredIdentity;

  private constructor(store: Store, stored: StoredIdentity) {
    this.#store = store;
    this.#stored = stored;
  }

  /** The identity this browser keeps, or null before the first one is made. */
  static async load(store: Store): Promise<Identity | null> {
    const stored = await store.identity();
    return stored === null ? null : new Identity(store, stored);
  }

  /**
   * The identity this browser keeps, or a new one.
   * @throws HelioError `insecure-context`, `engine-too-old`, `bad-name` or `storage`.
   */
  static async loadOrCreate(store: Store, profile: DeviceProfile): Promise<Identity> {
    const kept = await Identity.load(store);
    if (kept !== null) return kept;
    const reason = await unsupportedReason();
    if (reason !== null) throw reason;
    const stored = await generate(profile);
    if (!(await store.addIdentity(stored))) {
      const winner = await Identity.load(store);
      if (winner !== null) return winner;
    }
    // Not awaited: Firefox asks the person first. Refusal only means that the browser may clear
    // the site under pressure.
    void globalThis.navigator?.storage?.persist?.().catch(() => false);
    return new Identity(store, stored);
  }

  get deviceId(): string {
    return this.#stored.record.deviceId;
  }

  get record(): DeviceRecord {
    return this.#stored.record;
  }

  /** Static private key of the Noise handshakes. */
  get x25519Key(): CryptoKey {
    return this.#stored.x25519Key;
  }

  /** Ed25519 signature. */
  async sign(message: Bytes): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.sign("Ed25519", this.#stored.signKey, message));
  }

  /** Signs the record anew under another name or kind. @throws HelioError `bad-name`. */
  async change(profile: Partial<DeviceProfile>, nowMs = Date.now()): Promise<DeviceRecord> {
    const unsigned = {
      ...this.#stored.record,
      name: checkedName(profile.name ?? this.record.name),
      kind: profile.kind ?? this.record.kind,
      features: [...FEATURES],
      created: Math.max(nowMs, this.record.created + 1),
    };
    const record = { ...unsigned, sig: toBase64url(await this.sign(recordSigningInput(unsigned))) };
    this.#stored = { ...this.#stored, record };
    await this.#store.putIdentity(this.#stored);
    return record;
  }

  /** A one-time JWT by which the device proves itself to `audience`, a server origin. */
  async assertion(audience: string, nowMs: number): Promise<string> {
    const iat = Math.floor(nowMs / 1000);
    const claims = {
      iss: this.deviceId,
      sub: this.deviceId,
      aud: audience,
      iat,
      exp: iat + ASSERTION_LIFETIME_S,
      jti: toBase64url(crypto.getRandomValues(new Uint8Array(16))),
    };
    const header = toBase64url(utf8(JSON.stringify({ alg: "EdDSA", typ: "JWT" })));
    const body = `${header}.${toBase64url(utf8(JSON.stringify(claims)))}`;
    return `${body}.${toBase64url(await this.sign(utf8(body)))}`;
  }
}

async function generate(profile: DeviceProfile): Promise<StoredIdentity> {
  const name = checkedName(profile.name);
  const signPair = (await crypto.subtle.generateKey("Ed25519", false, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  const noisePair = (await crypto.subtle.generateKey("X25519", false, [
    "deriveBits",
  ])) as CryptoKeyPair;
  const key = new Uint8Array(await crypto.subtle.exportKey("raw", signPair.publicKey));
  const x25519 = new Uint8Array(await crypto.subtle.exportKey("raw", noisePair.publicKey));
  const unsigned = {
    deviceId: await thumbprint(key),
    key: toBase64url(key),
    x25519: toBase64url(x25519),
    name,
    kind: profile.kind,
    features: [...FEATURES],
    created: Date.now(),
  };
  const input = recordSigningInput(unsigned);
  const sig = new Uint8Array(await crypto.subtle.sign("Ed25519", signPair.privateKey, input));
  const record: DeviceRecord = { ...unsigned, sig: toBase64url(sig) };
  return { record, signKey: signPair.privateKey, x25519Key: noisePair.privateKey };
}
