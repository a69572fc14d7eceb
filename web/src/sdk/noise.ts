// The two Noise handshakes Heliograph runs (Noise specification, revision 34), on WebCrypto:
// IKpsk1 for pairing, KKpsk2 for links. Only what they need: 25519, AESGCM, SHA256.
import { concat, utf8, type Bytes } from "./bytes";
import { HelioError } from "./errors";
import { SymmetricState } from "./noise_cipher";

export type NoisePattern = "IKpsk1" | "KKpsk2";

type Token = "e" | "s" | "ee" | "es" | "se" | "ss" | "psk";

const MESSAGES: Record<NoisePattern, [Token[], Token[]]> = {
  IKpsk1: [
    ["e", "es", "s", "ss", "psk"],
    ["e", "ee", "se"],
  ],
  KKpsk2: [
    ["e", "es", "ss"],
    ["e", "ee", "se", "psk"],
  ],
};

const KEY_BYTES = 32;
const TAG_BYTES = 16;

/** An X25519 key pair; the private half need not be extractable. */
export interface DhKeys {
  privateKey: CryptoKey;
  publicKey: Bytes;
}

export interface HandshakeOptions {
  pattern: NoisePattern;
  initiator: boolean;
  prologue: Bytes;
  staticKeys: DhKeys;
  /** The peer's static key; the responder of IKpsk1 learns it from message 1. */
  remoteStatic?: Bytes;
  /** HKDF key of 32 secret bytes. */
  psk: CryptoKey;
  /** Only for test vectors. */
  ephemeral?: DhKeys;
}

/** What a finished handshake leaves. */
export interface HandshakeResult {
  /** Handshake hash: names this run, for channel binding. */
  hash: Bytes;
  sendKey: Bytes;
  receiveKey: Bytes;
}

function failed(what: string): HelioError {
  return new HelioError("noise-failed", `key proof: ${what}`, "Reload both pages and try again.");
}

/** Makes a fresh X25519 pair. */
export async function generateDhKeys(): Promise<DhKeys> {
  const pair = (await crypto.subtle.generateKey("X25519", false, ["deriveBits"])) as CryptoKeyPair;
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { privateKey: pair.privateKey, publicKey };
}

/** X25519. An all-zero result is refused (RFC 7748 §6.1): the peer sent a low-order point. */
async function dh(privateKey: CryptoKey, remotePublic: Bytes): Promise<Bytes> {
  let shared: Bytes;
  try {
    const remote = await crypto.subtle.importKey("raw", remotePublic, "X25519", false, []);
    const params = { name: "X25519", public: remote };
    shared = new Uint8Array(await crypto.subtle.deriveBits(params, privateKey, 256));
  } catch {
    throw failed("the peer's key is unusable");
  }
  if (shared.every((byte) => byte === 0)) throw failed("the peer's key is unusable");
  return shared;
}

/** One run of a handshake: two messages, then `result`. */
export class Handshake {
  readonly #options: HandshakeOptions;
  readonly #symmetric: SymmetricState;
  #ephemeral: DhKeys | null = null;
  #remoteEphemeral: Bytes | null = null;
  #remoteStatic: Bytes | null;
  #step = 0;

  private constructor(options: HandshakeOptions, symmetric: SymmetricState) {
    this.#options = options;
    this.#symmetric = symmetric;
    this.#remoteStatic = options.remoteStatic ?? null;
  }

  static async start(options: HandshakeOptions): Promise<Handshake> {
    const { pattern, initiator, staticKeys, remoteStatic } = options;
    const name = utf8(`Noise_${pattern}_25519_AESGCM_SHA256`);
    const symmetric = await SymmetricState.of(name);
    await symmetric.mixHash(options.prologue);
    const initiatorStatic = initiator ? staticKeys.publicKey : remoteStatic;
    const responderStatic = initiator ? remoteStatic : staticKeys.publicKey;
    if (pattern === "KKpsk2" && initiatorStatic) await symmetric.mixHash(initiatorStatic);
    if (responderStatic === undefined) throw new RangeError("the responder's static key is needed");
    await symmetric.mixHash(responderStatic);
    return new Handshake(options, symmetric);
  }

  /** The peer's static key, once known. */
  get remoteStatic(): Bytes {
    if (this.#remoteStatic === null) throw failed("the peer's key is not known yet");
    return this.#remoteStatic;
  }

  /** Writes this side's message. */
  async write(payload: Bytes): Promise<Bytes> {
    const parts: Bytes[] = [];
    for (const token of this.#nextTokens(true)) parts.push(await this.#writeToken(token));
    parts.push(await this.#symmetric.encryptAndHash(payload));
    return concat(...parts);
  }

  /** Reads the peer's message. @throws HelioError `noise-failed`. */
  async read(message: Bytes): Promise<Bytes> {
    let rest = message;
    try {
      for (const token of this.#nextTokens(false)) rest = await this.#readToken(token, rest);
      return await this.#symmetric.decryptAndHash(rest);
    } catch (thrown) {
      if (thrown instanceof HelioError) throw thrown;
      throw failed("the peer used other keys, or the message was changed");
    }
  }

  /** Keys and hash, after both messages. */
  async result(): Promise<HandshakeResult> {
    if (this.#step !== 2) throw failed("the handshake is not finished");
    const [first, second] = await this.#symmetric.split();
    const { hash } = this.#symmetric;
    return this.#options.initiator
      ? { hash, sendKey: first, receiveKey: second }
      : { hash, sendKey: second, receiveKey: first };
  }

  #nextTokens(writing: boolean): Token[] {
    const tokens = MESSAGES[this.#options.pattern][this.#step];
    const ours = this.#options.initiator === (this.#step === 0);
    if (tokens === undefined || ours !== writing) throw failed("a message came out of turn");
    this.#step += 1;
    return tokens;
  }

  async #writeToken(token: Token): Promise<Bytes> {
    if (token === "e") {
      this.#ephemeral = this.#options.ephemeral ?? (await generateDhKeys());
      await this.#mixEphemeral(this.#ephemeral.publicKey);
      return this.#ephemeral.publicKey;
    }
    if (token === "s") return this.#symmetric.encryptAndHash(this.#options.staticKeys.publicKey);
    await this.#mixToken(token);
    return new Uint8Array(0);
  }

  async #readToken(token: Token, rest: Bytes): Promise<Bytes> {
    const length = token === "e" ? KEY_BYTES : token === "s" ? KEY_BYTES + TAG_BYTES : 0;
    if (rest.length < length) throw failed("a message is too short");
    const part = rest.slice(0, length);
    if (token === "e") {
      this.#remoteEphemeral = part;
      await this.#mixEphemeral(part);
    } else if (token === "s") {
      this.#remoteStatic = await this.#symmetric.decryptAndHash(part);
    } else {
      await this.#mixToken(token);
    }
    return rest.slice(length);
  }

  /** With a psk, `e` is mixed into the key too (§9.2). */
  async #mixEphemeral(publicKey: Bytes): Promise<void> {
    await this.#symmetric.mixHash(publicKey);
    await this.#symmetric.mixKey(publicKey);
  }

  async #mixToken(token: Token): Promise<void> {
    if (token === "psk") return this.#symmetric.mixKeyAndHash(this.#options.psk);
    // The first letter is the initiator's key, the second the responder's.
    const ours = this.#options.initiator ? token[0] : token[1];
    const theirs = this.#options.initiator ? token[1] : token[0];
    const privateKey = ours === "e" ? this.#ephemeral : this.#options.staticKeys;
    const publicKey = theirs === "e" ? this.#remoteEphemeral : this.#remoteStatic;
    if (privateKey === null || publicKey === null) throw failed("a key is missing");
    await this.#symmetric.mixKey(await dh(privateKey.privateKey, publicKey));
  }
}
