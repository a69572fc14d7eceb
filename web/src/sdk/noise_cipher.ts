// Noise's symmetric half on WebCrypto: CipherState, SymmetricState (Noise specification §5.1, §5.2)
// with AESGCM and SHA256.
import { sha256, type Bytes } from "./bytes";

const EMPTY = new Uint8Array(0);

/** 96-bit IV of AESGCM: 4 zero bytes and the 64-bit nonce, big endian (§12.4). */
export function aesGcmIv(nonce: bigint): Bytes {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setBigUint64(4, nonce);
  return iv;
}

/** Imports an AES-256-GCM key. */
export function importAesKey(raw: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}

/** A key with a counting nonce. */
export class CipherState {
  readonly #key: CryptoKey;
  #nonce = 0n;

  private constructor(key: CryptoKey) {
    this.#key = key;
  }

  static async of(rawKey: Bytes): Promise<CipherState> {
    return new CipherState(await importAesKey(rawKey));
  }

  async encrypt(additionalData: Bytes, plaintext: Bytes): Promise<Bytes> {
    const params = { name: "AES-GCM", iv: aesGcmIv(this.#nonce), additionalData };
    this.#nonce += 1n;
    return new Uint8Array(await crypto.subtle.encrypt(params, this.#key, plaintext));
  }

  /** @throws OperationError when the ciphertext was changed. */
  async decrypt(additionalData: Bytes, ciphertext: Bytes): Promise<Bytes> {
    const params = { name: "AES-GCM", iv: aesGcmIv(this.#nonce), additionalData };
    const plaintext = new Uint8Array(await crypto.subtle.decrypt(params, this.#key, ciphertext));
    this.#nonce += 1n;
    return plaintext;
  }
}

/** Input key material that `HKDF` may use and nobody may read. */
export function importHkdfKey(raw: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", raw, "HKDF", false, ["deriveBits"]);
}

/** Noise's HKDF: RFC 5869 with salt = chaining key and empty info (§4.3). */
async function hkdfOutputs(chainingKey: Bytes, input: CryptoKey, count: 2 | 3): Promise<Bytes[]> {
  const params = { name: "HKDF", hash: "SHA-256", salt: chainingKey, info: EMPTY };
  const bytes = new Uint8Array(await crypto.subtle.deriveBits(params, input, count * 256));
  return Array.from({ length: count }, (_, index) => bytes.slice(index * 32, index * 32 + 32));
}

function output(outputs: Bytes[], index: number): Bytes {
  const found = outputs[index];
  if (found === undefined) throw new RangeError(`hkdf output ${index}`);
  return found;
}

/** Chaining key, hash and current key of a handshake. */
export class SymmetricState {
  #chainingKey: Bytes;
  #hash: Bytes;
  #cipher: CipherState | null = null;

  private constructor(hash: Bytes) {
    this.#hash = hash;
    this.#chainingKey = hash;
  }

  static async of(protocolName: Bytes): Promise<SymmetricState> {
    if (protocolName.length > 32) return new SymmetricState(await sha256(protocolName));
    const padded = new Uint8Array(32);
    padded.set(protocolName);
    return new SymmetricState(padded);
  }

  get hash(): Bytes {
    return this.#hash;
  }

  async mixHash(data: Bytes): Promise<void> {
    this.#hash = await sha256(this.#hash, data);
  }

  async mixKey(input: Bytes): Promise<void> {
    const outputs = await hkdfOutputs(this.#chainingKey, await importHkdfKey(input), 2);
    this.#chainingKey = output(outputs, 0);
    this.#cipher = await CipherState.of(output(outputs, 1));
  }

  /** The psk is a non-extractable HKDF key: it never becomes bytes here. */
  async mixKeyAndHash(psk: CryptoKey): Promise<void> {
    const outputs = await hkdfOutputs(this.#chainingKey, psk, 3);
    this.#chainingKey = output(outputs, 0);
    await this.mixHash(output(outputs, 1));
    this.#cipher = await CipherState.of(output(outputs, 2));
  }

  async encryptAndHash(plaintext: Bytes): Promise<Bytes> {
    const sealed = this.#cipher ? await this.#cipher.encrypt(this.#hash, plaintext) : plaintext;
    await this.mixHash(sealed);
    return sealed;
  }

  async decryptAndHash(sealed: Bytes): Promise<Bytes> {
    const plaintext = this.#cipher ? await this.#cipher.decrypt(this.#hash, sealed) : sealed;
    await this.mixHash(sealed);
    return plaintext;
  }

  /** The two transport keys, the initiator's first. */
  async split(): Promise<[Bytes, Bytes]> {
    const outputs = await hkdfOutputs(this.#chainingKey, await importHkdfKey(EMPTY), 2);
    return [output(outputs, 0), output(outputs, 1)];
  }
}
