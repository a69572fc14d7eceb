// Client of the sender and receiver dialect at /ws (docs/protocol.md), for sender.html and
// receiver.html. Links made by it are not verified: pages say so.
import type { HelioError } from "./errors";

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
}

/** One remote end: the receiver has one, a sender one per receiver. */
export interface RegisterPeer {
  /** Id given by the server; empty where it gives none. */
  id: string;
  connection: RTCPeerConnection;
  state: RTCPeerConnectionState;
  /** What the peer sends. */
  stream: MediaStream | null;
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

/** One page's place in a room. */
declare class RegisterClientShape {
  constructor(options: RegisterOptions);
  readonly phase: RegisterPhase;
  readonly peers: RegisterPeer[];
  on<Name extends keyof RegisterEvents>(
    name: Name,
    listener: (value: RegisterEvents[Name]) => void,
  ): () => void;
  start(): void;
  /** Replaces what a sender sends, without renegotiating where kinds stay the same. */
  setStream(stream: MediaStream): Promise<void>;
  close(): void;
}

export type RegisterClient = RegisterClientShape;
export const RegisterClient = class {
  constructor() {
    throw new Error("RegisterClient is under construction");
  }
} as unknown as typeof RegisterClientShape;
