// Client of the sender and receiver dialect at /ws (docs/protocol.md), for sender.html and
// receiver.html. Links made by it are not verified: pages say so.
import { Backoff } from "./backoff";
import { toBase64url } from "./bytes";
import { Emitter } from "./emitter";
import { HelioError } from "./errors";
import { DialectPeer, type RegisterPeer, type VideoEncoding } from "./register_peer";
import {
  offeredProtocols,
  openBrowserSocket,
  readJson,
  socketUrl,
  type Socket,
  type SocketFactory,
} from "./sockets";

export type { RegisterPeer };
export type RegisterRole = "sender" | "receiver";

export interface RegisterOptions {
  /** Origin of the server. */
  origin: string;
  role: RegisterRole;
  /** Names the room where rooms are open; without one it is `default`. */
  room?: string;
  /** Share token, where rooms are not open. */
  token?: string;
  /** The sender's tracks. */
  stream?: MediaStream;
  /** Ceilings of the sender's video. */
  encoding?: VideoEncoding;
  /** Only for tests. */
  socket?: SocketFactory;
}

export type RegisterPhase =
  "idle" | "connecting" | "registered" | "reconnecting" | "refused" | "closed";

export interface RegisterEvents {
  phase: RegisterPhase;
  /** A peer came, changed or brought media. */
  peer: RegisterPeer;
  /** A peer left. */
  gone: RegisterPeer;
  error: HelioError;
}

/** Sockets that end this often before they register are refused, not unlucky. */
const REFUSALS = 3;

/** One page's place in a room. */
export class RegisterClient extends Emitter<RegisterEvents> {
  readonly #options: RegisterOptions;
  readonly #peers = new Map<string, DialectPeer>();
  readonly #backoff = new Backoff(500, 30_000);
  /** By this the server knows a sender that comes back. */
  readonly #participant = toBase64url(crypto.getRandomValues(new Uint8Array(16)));
  #phase: RegisterPhase = "idle";
  #stream: MediaStream | null;
  #encoding: VideoEncoding;
  #socket: Socket | null = null;
  #iceServers: RTCIceServer[] = [];
  #refusals = 0;
  #hasEntered = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RegisterOptions) {
    super();
    this.#options = options;
    this.#stream = options.stream ?? null;
    this.#encoding = options.encoding ?? {};
  }

  get phase(): RegisterPhase {
    return this.#phase;
  }

  /** The remote ends, in the order they came. */
  get peers(): RegisterPeer[] {
    return [...this.#peers.values()];
  }

  start(): void {
    if (this.#socket !== null) return;
    this.#become("connecting");
    this.#connect();
  }

  /** Replaces what a sender sends, without renegotiating where kinds stay the same. */
  async setStream(stream: MediaStream, encoding: VideoEncoding = {}): Promise<void> {
    this.#stream = stream;
    this.#encoding = encoding;
    for (const peer of this.#peers.values()) {
      const before = peer.connection.getSenders().length;
      await peer.setStream(stream, encoding);
      if (peer.connection.getSenders().length !== before) peer.offer();
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#become("closed");
    this.#dropPeers();
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #connect(): void {
    const { origin, room, token, socket: open = openBrowserSocket } = this.#options;
    const query = room === undefined ? "" : `?room=${encodeURIComponent(room)}`;
    const socket = open(socketUrl(origin, `/ws${query}`), offeredProtocols(token));
    this.#socket = socket;
    socket.onopen = () =>
      this.#send({
        type: "register",
        role: this.#options.role,
        participant: this.#participant,
      });
    socket.onmessage = ({ data }) => {
      const message = readJson(data);
      if (message !== null && this.#socket === socket) this.#handle(message);
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#lost();
    };
  }

  #handle(message: Record<string, unknown>): void {
    const id = typeof message["id"] === "string" ? message["id"] : "";
    switch (message["type"]) {
      case "registered":
        return this.#registered(message);
      case "peer-connected":
        return this.#peerConnected(id);
      case "peer-disconnected":
        return this.#dropPeer(id);
      case "error":
        this.emit("error", refused(String(message["message"])));
        return;
      case "offer":
        this.#peerForOffer(id).handle(message);
        return;
      default:
        this.#find(id)?.handle(message);
    }
  }

  #registered(message: Record<string, unknown>): void {
    const config = message["turnConfig"] as { iceServers?: RTCIceServer[] } | undefined;
    this.#iceServers = config?.iceServers ?? [];
    this.#hasEntered = true;
    this.#backoff.reset();
    // Who is there is announced anew; ids of before mean nothing.
    this.#dropPeers();
    this.#become("registered");
  }

  #peerConnected(id: string): void {
    if (this.#options.role === "receiver") return;
    const peer = this.#addPeer(id);
    const stream = this.#stream;
    if (stream === null) return peer.offer();
    void peer.setStream(stream, this.#encoding).then(() => peer.offer());
  }

  /** A sender that restarted offers from another connection; else it renegotiates. */
  #peerForOffer(id: string): DialectPeer {
    const peer = this.#find(id);
    const isUsable = peer !== undefined && !["failed", "closed"].includes(peer.state);
    return isUsable ? peer : this.#addPeer(id);
  }

  /** With exactly one peer its id may be left out. */
  #find(id: string): DialectPeer | undefined {
    const exact = this.#peers.get(id);
    if (exact !== undefined || this.#peers.size !== 1) return exact;
    return this.#peers.values().next().value;
  }

  #addPeer(id: string): DialectPeer {
    // A receiver has one sender; a sender's new receiver replaces only its own namesake.
    if (this.#options.role === "receiver" || this.#peers.has(id)) this.#dropPeer(id);
    const peer = new DialectPeer(id, this.#iceServers, {
      send: (message) => this.#send(message),
      onChange: () => this.#changed(peer),
    });
    this.#peers.set(id, peer);
    this.emit("peer", peer);
    return peer;
  }

  #changed(peer: DialectPeer): void {
    if (this.#peers.get(peer.id) !== peer) return;
    if (peer.state === "failed" && this.#options.role === "sender") peer.offer(true);
    this.emit("peer", peer);
  }

  #dropPeer(id: string): void {
    const peer = this.#find(id);
    if (peer === undefined) return;
    this.#peers.delete(peer.id);
    peer.close();
    this.emit("gone", peer);
  }

  #dropPeers(): void {
    for (const id of this.#peers.keys()) this.#dropPeer(id);
  }

  #lost(): void {
    this.#socket = null;
    // Whoever was let in before waits for a server that is away, however long.
    if (!this.#hasEntered) this.#refusals += 1;
    if (this.#refusals >= REFUSALS) {
      this.#become("refused");
      this.emit("error", refused("the server does not let this page into the room"));
      return;
    }
    // Media flows on without the server; it is offered anew after it is back.
    this.#become("reconnecting");
    this.#timer = setTimeout(() => this.#connect(), this.#backoff.nextMs());
  }

  #send(message: Record<string, unknown>): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #become(phase: RegisterPhase): void {
    if (this.#phase === phase) return;
    this.#phase = phase;
    this.emit("phase", phase);
  }
}

function refused(message: string): HelioError {
  return new HelioError("refused", message, "Ask who runs the server for a share link.");
}
