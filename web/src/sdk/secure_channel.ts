// Control frames inside AES-256-GCM on an unordered channel (docs/protocol.md, channels):
// 8-byte nonce ‖ sealed frame, additional data = label, a replay window at the receiver.
import { concat, hkdf, utf8, type Bytes } from "./bytes";
import { HelioError } from "./errors";
import type { HandshakeResult } from "./noise";
import { aesGcmIv, importAesKey } from "./noise_cipher";

/** How far behind the newest frame one may still come. */
export const REPLAY_WINDOW = 1024;

const NONCE_BYTES = 8;

/** Remembers which of the last nonces were seen (as RFC 4303 §3.4.3 does). */
export class ReplayWindow {
  #newest = -1n;
  readonly #seen = new Set<bigint>();

  /** Whether a nonce is new; does not remember it. */
  isFresh(nonce: bigint): boolean {
    return !this.isForgotten(nonce) && !this.#seen.has(nonce);
  }

  /** Whether a nonce is so far behind that nobody knows if it was seen. */
  isForgotten(nonce: bigint): boolean {
    return nonce <= this.#newest - BigInt(REPLAY_WINDOW);
  }

  /** Remembers a nonce; false when it was seen or is too old. */
  accept(nonce: bigint): boolean {
    if (!this.isFresh(nonce)) return false;
    this.#seen.add(nonce);
    if (nonce > this.#newest) this.#forget(nonce);
    return true;
  }

  #forget(newest: bigint): void {
    this.#newest = newest;
    const oldest = newest - BigInt(REPLAY_WINDOW);
    for (const nonce of this.#seen) if (nonce <= oldest) this.#seen.delete(nonce);
  }
}

/** Seals and opens the frames of one channel. */
export class SecureChannel {
  readonly #sendKey: CryptoKey;
  readonly #receiveKey: CryptoKey;
  readonly #label: Bytes;
  readonly #window = new ReplayWindow();
  #nextNonce = 0n;
  /** Frames that came twice or too late, dropped. */
  replays = 0;

  private constructor(sendKey: CryptoKey, receiveKey: CryptoKey, label: Bytes) {
    this.#sendKey = sendKey;
    this.#receiveKey = receiveKey;
    this.#label = label;
  }

  /** The channel of a label, keyed from the handshake by label and direction. */
  static async of(handshake: HandshakeResult, label: string): Promise<SecureChannel> {
    const info = utf8(`heliograph-channel-v1:${label}`);
    const derive = async (transportKey: Bytes): Promise<CryptoKey> =>
      importAesKey(await hkdf(handshake.hash, transportKey, info, 32));
    const [sendKey, receiveKey] = [
      await derive(handshake.sendKey),
      await derive(handshake.receiveKey),
    ];
    return new SecureChannel(sendKey, receiveKey, utf8(label));
  }

  /** The bytes to send. */
  async seal(frame: Bytes): Promise<Bytes> {
    const nonce = this.#nextNonce;
    this.#nextNonce += 1n;
    const params = { name: "AES-GCM", iv: aesGcmIv(nonce), additionalData: this.#label };
    const sealed = await crypto.subtle.encrypt(params, this.#sendKey, frame);
    return concat(aesGcmIv(nonce).subarray(4), new Uint8Array(sealed));
  }

  /**
   * The frame, or null for one that came twice or too late.
   * @throws HelioError `aead-failed`: somebody changed it, so the link must close.
   */
  async open(message: Bytes): Promise<Bytes | null> {
    if (message.length < NONCE_BYTES) throw tampered();
    const nonce = new DataView(message.buffer, message.byteOffset).getBigUint64(0);
    if (!this.#window.isFresh(nonce)) return this.#replayed();
    const params = { name: "AES-GCM", iv: aesGcmIv(nonce), additionalData: this.#label };
    let frame: Bytes;
    try {
      const sealed = message.subarray(NONCE_BYTES);
      frame = new Uint8Array(await crypto.subtle.decrypt(params, this.#receiveKey, sealed));
    } catch {
      throw tampered();
    }
    // Only a frame that opens moves the window; its double may have been opened meanwhile.
    return this.#window.accept(nonce) ? frame : this.#replayed();
  }

  #replayed(): null {
    this.replays += 1;
    return null;
  }
}

function tampered(): HelioError {
  return new HelioError(
    "aead-failed",
    "a message on the link was changed on its way",
    "Reload both pages. If it stays, remove the pair and pair again.",
  );
}
