// The inviting side of a pairing: shows a link, checks who comes, lets the person choose.
import type { NewPair, PairStatement } from "./api";
import { toBase64url, type Bytes } from "./bytes";
import { Emitter } from "./emitter";
import { ApiError, asHelioError, type HelioError } from "./errors";
import { buildPairingLink, INVITE_LIFETIME_S, type PairingLink } from "./invite";
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
  type InviterState,
  type Introduction,
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
import { wordSets, wordsOfHandshake } from "./words";

/** The third failed attempt burns the invite. */
const ATTEMPTS = 3;

/** How long the joiner may take to fetch the last message, in milliseconds. */
const LINGER_MS = 2000;

/** What one attempt has come to. */
interface Attempt {
  handshake: Handshake;
  contribution: Bytes;
  peer: Introduction | null;
  transport: PairingTransport | null;
  rightIndex: number;
  statement: PairStatement | null;
}

/** Shows a link, checks who comes, and lets the person choose the right words. */
export class Inviter extends Emitter<{ state: InviterState }> {
  readonly #options: PairingOptions;
  readonly #serial = new Serial((thrown) => this.#failAttempt(asHelioError(thrown)));
  readonly #now: () => number;
  #state: InviterState = { step: "connecting" };
  #socket: Socket | null = null;
  #link: PairingLink | null = null;
  #attempt: Attempt | null = null;
  #failures = 0;
  #expiryTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PairingOptions) {
    super();
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  get state(): InviterState {
    return this.#state;
  }

  /** Opens the rendezvous and shows the link. Failures end in the state `failed`. */
  async start(): Promise<void> {
    try {
      await this.#open();
    } catch (thrown) {
      this.#end(asHelioError(thrown));
    }
  }

  /** The person's choice of `sets`; a wrong one burns the invite. */
  async choose(index: number): Promise<void> {
    if (this.#state.step !== "choosing" || this.#attempt === null) return;
    if (index !== this.#attempt.rightIndex) {
      this.#send({ t: "burn" });
      this.#end(
        pairingError(
          "wrong-words",
          "the words were not those of the other screen, so nothing was paired",
          "Make a new code. If the right words never show, somebody may be in between.",
        ),
      );
      return;
    }
    const attempt = this.#attempt;
    await this.#serial.run(() => this.#confirm(attempt));
  }

  /** Burns the invite. */
  cancel(): void {
    if (this.#isOver()) return;
    this.#send({ t: "burn" });
    this.#end(pairingError("cancelled", "pairing was cancelled"));
  }

  async #open(): Promise<void> {
    const { api, identity, socket: open = openBrowserSocket } = this.#options;
    const [info, token, offsetMs] = await Promise.all([
      api.server(),
      api.accountToken(),
      api.clockOffsetMs(),
    ]);
    if (this.#isOver()) return;
    const link: PairingLink = {
      origin: info.inviteOrigin,
      key: staticKeysOf(identity).publicKey,
      secret: crypto.getRandomValues(new Uint8Array(16)),
      rendezvousId: toBase64url(crypto.getRandomValues(new Uint8Array(16))),
      expiry: Math.floor((this.#now() + offsetMs) / 1000) + INVITE_LIFETIME_S,
    };
    this.#link = link;
    const url = socketUrl(api.origin, `/api/pairing/${link.rendezvousId}`);
    const socket = open(url, offeredProtocols(token));
    this.#socket = socket;
    socket.onopen = () => this.#showLink(null);
    socket.onmessage = ({ data }) => void this.#serial.run(() => this.#handle(readJson(data)));
    socket.onclose = ({ code }) => this.#handleClose(code);
    const expired = (): void =>
      this.#end(pairingError("invite-expired", "nobody opened the link in time"));
    this.#expiryTimer = setTimeout(expired, INVITE_LIFETIME_S * 1000);
  }

  #linkShown(): { url: string; expiresMs: number } {
    const link = this.#link;
    return link === null
      ? { url: "", expiresMs: 0 }
      : { url: buildPairingLink(link), expiresMs: link.expiry * 1000 };
  }

  #showLink(retrying: HelioError | null): void {
    this.#attempt = null;
    this.#become({ step: "waiting", ...this.#linkShown(), retrying });
  }

  async #handle(message: Record<string, unknown> | null): Promise<void> {
    if (message === null || this.#isOver()) return;
    if (message["t"] === "joined") return this.#begin();
    if (message["t"] === "left") {
      // After a failed attempt the server lets the joiner go: the failure says why, this does not.
      if (this.#attempt === null) return;
      const left = pairingError("peer-left", "the other device left", "Open the link there again.");
      return this.#showLink(left);
    }
    if (message["t"] === "error") {
      const code = String(message["code"]);
      return this.#end(pairingError(code, String(message["message"])));
    }
    if (message["t"] !== "noise" || this.#attempt === null) return;
    const data = noiseData(message);
    if (this.#attempt.peer === null) return this.#meet(this.#attempt, data);
    if (this.#attempt.statement !== null) return this.#store(this.#attempt, data);
    throw pairingError("pairing-malformed", "the other device spoke out of turn");
  }

  async #begin(): Promise<void> {
    const link = this.#link;
    if (link === null) return;
    const handshake = await Handshake.start({
      pattern: "IKpsk1",
      initiator: false,
      prologue: pairingPrologue(link),
      staticKeys: staticKeysOf(this.#options.identity),
      psk: await pairingPsk(link.secret),
    });
    const contribution = crypto.getRandomValues(new Uint8Array(CONTRIBUTION_BYTES));
    const rest = { peer: null, transport: null, rightIndex: -1, statement: null };
    this.#attempt = { handshake, contribution, ...rest };
    this.#become({ step: "joining", ...this.#linkShown() });
  }

  /** Message 1 arrives, message 2 leaves, the words are shown. */
  async #meet(attempt: Attempt, data: Bytes): Promise<void> {
    const { identity } = this.#options;
    const { handshake } = attempt;
    const payload = await handshake.read(data);
    attempt.peer = await readIntroduction(payload, handshake.remoteStatic, identity.deviceId);
    const reply = await handshake.write(writeIntroduction(identity.record, attempt.contribution));
    const result = await handshake.result();
    attempt.transport = await PairingTransport.of(result);
    const { sets, rightIndex } = wordSets(await wordsOfHandshake(result.hash));
    attempt.rightIndex = rightIndex;
    this.#send({ t: "noise", data: toBase64url(reply) });
    this.#become({ step: "choosing", peer: attempt.peer.record, sets });
  }

  #contributions(attempt: Attempt, peer: Introduction) {
    return [
      { deviceId: this.#options.identity.deviceId, bytes: attempt.contribution },
      { deviceId: peer.record.deviceId, bytes: peer.contribution },
    ] as const;
  }

  /** Message 3: the signed statement, after the person chose the right words. */
  async #confirm(attempt: Attempt): Promise<void> {
    const { peer, transport } = attempt;
    if (attempt !== this.#attempt || peer === null || transport === null) return;
    const { identity } = this.#options;
    const pairId = await pairIdOf(...this.#contributions(attempt, peer));
    const { deviceId } = peer.record;
    const statement = pairStatement(pairId, identity.deviceId, deviceId, this.#now());
    const sig = toBase64url(await identity.sign(statementSigningInput(statement)));
    attempt.statement = statement;
    this.#become({ step: "confirming", peer: peer.record });
    const sealed = await transport.seal({ t: "confirmed", statement, sig });
    this.#send({ t: "noise", data: toBase64url(sealed) });
  }

  /** Message 4 arrives: both signed, so the server stores the pair; message 5 says so. */
  async #store(attempt: Attempt, data: Bytes): Promise<void> {
    const { peer, transport, statement } = attempt;
    if (peer === null || transport === null || statement === null) return;
    const { sig } = await transport.open(data);
    if (!(await verifyStatement(statement, sig, peer.record))) {
      throw pairingError("signature-refused", "the other device's signature does not verify");
    }
    const pair = {
      pairId: statement.pairId,
      peer: peer.record,
      secret: await pairSecretKey(...this.#contributions(attempt, peer), statement.pairId),
      verified: true,
      created: statement.time,
    };
    const { api, store } = this.#options;
    await store.putPair(pair);
    try {
      await api.addPair(await this.#newPair(statement, peer.record, String(sig)));
    } catch (thrown) {
      // A lost reply says nothing: the pair then stays, and shows once the server lists it.
      const refused = thrown instanceof ApiError && thrown.status >= 400 && thrown.status < 500;
      if (refused) await store.deletePair(pair.pairId);
      throw thrown;
    }
    const sealed = await transport.seal({ t: "paired" });
    this.#send({ t: "noise", data: toBase64url(sealed) });
    this.#become({ step: "paired", pair });
    clearTimeout(this.#expiryTimer);
    // Closing ends the rendezvous: let the last message pass first.
    setTimeout(() => this.#socket?.close(), LINGER_MS);
  }

  async #newPair(statement: PairStatement, peer: Introduction["record"], peerSig: string) {
    const { identity } = this.#options;
    const sig = toBase64url(await identity.sign(statementSigningInput(statement)));
    const self = identity.record;
    const pair: NewPair =
      statement.a === identity.deviceId
        ? { statement, sigA: sig, sigB: peerSig, recordA: self, recordB: peer }
        : { statement, sigA: peerSig, sigB: sig, recordA: peer, recordB: self };
    return pair;
  }

  #failAttempt(error: HelioError): void {
    if (this.#isOver() || this.#attempt === null) return;
    this.#failures += 1;
    this.#send({ t: "failed" });
    if (this.#failures >= ATTEMPTS) {
      this.#end(
        pairingError("invite-burnt", `${ATTEMPTS} attempts failed, the last: ${error.message}`),
      );
    } else {
      this.#showLink(error);
    }
  }

  #handleClose(code: number): void {
    if (this.#isOver()) return;
    this.#end(
      code === CLOSE.pairingGone
        ? pairingError("invite-gone", "the server no longer knows this code")
        : pairingError("signalling-lost", "the connection to the server broke"),
    );
  }

  #send(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #isOver(): boolean {
    return this.#state.step === "paired" || this.#state.step === "failed";
  }

  #end(error: HelioError): void {
    if (this.#isOver()) return;
    clearTimeout(this.#expiryTimer);
    this.#attempt = null;
    this.#become({ step: "failed", error });
    this.#socket?.close();
  }

  #become(state: InviterState): void {
    this.#state = state;
    this.emit("state", state);
  }
}
