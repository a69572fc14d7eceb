// The joining side of a pairing: follows a link, shows the words, signs, keeps the pair.
import type { PairStatement } from "./api";
import { toBase64url, type Bytes } from "./bytes";
import { Emitter } from "./emitter";
import { ApiError, asHelioError, type HelioError } from "./errors";
import { parsePairingLink, type PairingLink } from "./invite";
import { Handshake } from "./noise";
import {
  CONTRIBUTION_BYTES,
  pairIdOf,
  pairSecretKey,
  pairStatement,
  statementSigningInput,
  verifyStatement,
} from "./pair_keys";
import {
  noiseData,
  pairingError,
  pairingPrologue,
  pairingPsk,
  PairingTransport,
  readIntroduction,
  staticKeysOf,
  writeIntroduction,
  type Introduction,
  type JoinerState,
  type PairingOptions,
} from "./pairing";
import { Serial } from "./serial";
import {
  CLOSE,
  offeredProtocols,
  openBrowserSocket,
  readJson,
  socketUrl,
  type Socket,
} from "./sockets";
import type { StoredPair } from "./store";
import { wordsOfHandshake } from "./words";

/** How long message 5 may take before the joiner asks the server, in milliseconds. */
const CONFIRMATION_LIMIT_MS = 10_000;

/** What helps a joiner whom the server or the inviter turned away. */
const ASK_AGAIN = "Ask for a new code on the other device.";
const NEXT_STEPS: Record<string, string> = {
  busy: "Only one device can use a code. If it was not yours, ask for a new one.",
  failed: "Open the link again. After three failed attempts the code is burnt.",
  draining: "Wait a moment, then ask for a new code on the other device.",
};

/** Follows a link. */
export class Joiner extends Emitter<{ state: JoinerState }> {
  readonly #options: PairingOptions & { link: string };
  readonly #serial = new Serial((thrown) => this.#end(asHelioError(thrown)));
  readonly #now: () => number;
  readonly #contribution = crypto.getRandomValues(new Uint8Array(CONTRIBUTION_BYTES));
  #state: JoinerState = { step: "connecting" };
  #socket: Socket | null = null;
  #handshake: Handshake | null = null;
  #peer: Introduction | null = null;
  #transport: PairingTransport | null = null;
  #kept: StoredPair | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PairingOptions & { link: string }) {
    super();
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get state(): JoinerState {
    return this.#state;
  }

  /** Connects and introduces this device. Failures end in the state `failed`. */
  async start(): Promise<void> {
    try {
      await this.#open(parsePairingLink(this.#options.link));
    } catch (thrown) {
      this.#end(asHelioError(thrown));
    }
  }

  cancel(): void {
    this.#end(pairingError("cancelled", "pairing was cancelled"));
  }

  async #open(link: PairingLink): Promise<void> {
    const { api, socket: open = openBrowserSocket } = this.#options;
    if (link.origin !== api.origin) {
      throw pairingError(
        "other-server",
        `the link belongs to ${link.origin}`,
        "Open the link itself in this browser.",
      );
    }
    // Both sides count by the server's clock: a phone's may be off.
    const serverNowMs = this.#now() + (await api.clockOffsetMs());
    if (link.expiry * 1000 < serverNowMs) {
      throw pairingError("invite-expired", "the pairing link is too old");
    }
    if (this.#isOver()) return;
    const url = socketUrl(api.origin, `/api/pairing/${link.rendezvousId}`);
    const socket = open(url, offeredProtocols());
    this.#socket = socket;
    socket.onopen = () => this.#become({ step: "waiting" });
    socket.onmessage = ({ data }) =>
      void this.#serial.run(() => this.#handle(link, readJson(data)));
    socket.onclose = ({ code }) => void this.#serial.run(() => this.#handleClose(code));
  }

  async #handle(link: PairingLink, message: Record<string, unknown> | null): Promise<void> {
    if (message === null || this.#isOver()) return;
    if (message["t"] === "joined") return this.#introduce(link);
    if (message["t"] === "error") {
      const code = String(message["code"]);
      throw pairingError(code, String(message["message"]), NEXT_STEPS[code] ?? ASK_AGAIN);
    }
    if (message["t"] !== "noise") return;
    const data = noiseData(message);
    if (this.#peer === null) return this.#meet(link, data);
    if (this.#kept === null) return this.#sign(this.#peer, data);
    return this.#conclude(this.#kept, data);
  }

  /** Message 1. */
  async #introduce(link: PairingLink): Promise<void> {
    if (this.#handshake !== null) return;
    const { identity } = this.#options;
    this.#handshake = await Handshake.start({
      pattern: "IKpsk1",
      initiator: true,
      prologue: pairingPrologue(link),
      staticKeys: staticKeysOf(identity),
      remoteStatic: link.key,
      psk: await pairingPsk(link.secret),
    });
    const payload = writeIntroduction(identity.record, this.#contribution);
    this.#send(await this.#handshake.write(payload));
  }

  /** Message 2 arrives: both know each other, the words are shown. */
  async #meet(link: PairingLink, data: Bytes): Promise<void> {
    const handshake = this.#handshake;
    if (handshake === null) throw pairingError("pairing-malformed", "a message came too early");
    const payload = await handshake.read(data);
    const { deviceId } = this.#options.identity;
    const peer = await readIntroduction(payload, link.key, deviceId);
    const result = await handshake.result();
    this.#transport = await PairingTransport.of(result);
    this.#peer = peer;
    const words = await wordsOfHandshake(result.hash);
    this.#become({ step: "showing", peer: peer.record, words });
  }

  /** Message 3 arrives: the inviter chose the right words. Keep the pair, then message 4. */
  async #sign(peer: Introduction, data: Bytes): Promise<void> {
    const { identity, store } = this.#options;
    const message = await this.#opened(data);
    if (message["t"] !== "confirmed") {
      throw pairingError("pairing-malformed", "the other device did not confirm");
    }
    const statement = await this.#checkedStatement(peer, message);
    const sig = toBase64url(await identity.sign(statementSigningInput(statement)));
    const pair: StoredPair = {
      pairId: statement.pairId,
      peer: peer.record,
      secret: await pairSecretKey(...this.#contributions(peer), statement.pairId),
      verified: true,
      created: statement.time,
    };
    await store.putPair(pair);
    this.#kept = pair;
    this.#become({ step: "confirming", peer: peer.record });
    const sealed = await this.#transport?.seal({ sig });
    if (sealed !== undefined) this.#send(sealed);
    const ask = (): Promise<void> => this.#serial.run(() => this.#askServer(pair));
    this.#timer = setTimeout(() => void ask(), CONFIRMATION_LIMIT_MS);
  }

  #contributions(peer: Introduction) {
    return [
      { deviceId: this.#options.identity.deviceId, bytes: this.#contribution },
      { deviceId: peer.record.deviceId, bytes: peer.contribution },
    ] as const;
  }

  async #checkedStatement(
    peer: Introduction,
    message: Record<string, unknown>,
  ): Promise<PairStatement> {
    const offered = message["statement"] as Partial<PairStatement> | null | undefined;
    const time = offered?.time;
    if (typeof time !== "number" || !Number.isSafeInteger(time) || time < 0) {
      throw pairingError("pairing-malformed", "the pair statement has no time");
    }
    const pairId = await pairIdOf(...this.#contributions(peer));
    const { deviceId } = this.#options.identity;
    // Only the time is the inviter's to say: the rest this side computed itself.
    const statement = pairStatement(pairId, deviceId, peer.record.deviceId, time);
    const same = (["pairId", "a", "b"] as const).every((key) => offered?.[key] === statement[key]);
    if (!same || !(await verifyStatement(statement, message["sig"], peer.record))) {
      throw pairingError("signature-refused", "the other device signed something else");
    }
    return statement;
  }

  async #opened(data: Bytes): Promise<Record<string, unknown>> {
    if (this.#transport === null) throw pairingError("pairing-malformed", "too early");
    return this.#transport.open(data);
  }

  async #conclude(pair: StoredPair, data: Bytes): Promise<void> {
    const message = await this.#opened(data);
    if (message["t"] === "paired") this.#paired(pair);
  }

  /** Message 5 did not come. The server knows whether the pair exists: it gives a token, or not. */
  async #askServer(pair: StoredPair): Promise<void> {
    if (this.#isOver()) return;
    const { api, store } = this.#options;
    try {
      await api.linkToken(pair.pairId, { fresh: true });
    } catch (thrown) {
      // Unreachable says nothing about the pair: it stays, and shows once the server lists it.
      const isKnown = thrown instanceof ApiError && thrown.status >= 400 && thrown.status < 500;
      if (isKnown && thrown.status !== 429) await store.deletePair(pair.pairId);
      throw thrown;
    }
    this.#paired(pair);
  }

  async #handleClose(code: number): Promise<void> {
    if (this.#isOver()) return;
    if (this.#kept !== null) return this.#askServer(this.#kept);
    if (code === CLOSE.pairingGone) {
      const cause = "the code was used, expired, or ended on the other screen";
      throw pairingError("invite-gone", cause, ASK_AGAIN);
    }
    throw pairingError("signalling-lost", "the connection to the server broke");
  }

  #paired(pair: StoredPair): void {
    clearTimeout(this.#timer);
    this.#become({ step: "paired", pair });
    this.#socket?.close();
  }

  #send(data: Bytes): void {
    this.#socket?.send(JSON.stringify({ t: "noise", data: toBase64url(data) }));
  }

  #isOver(): boolean {
    return this.#state.step === "paired" || this.#state.step === "failed";
  }

  #end(error: HelioError): void {
    if (this.#isOver()) return;
    clearTimeout(this.#timer);
    this.#become({ step: "failed", error });
    this.#socket?.close();
  }

  #become(state: JoinerState): void {
    this.#state = state;
    this.emit("state", state);
  }
}
