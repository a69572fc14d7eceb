// One remote end of the sender and receiver dialect: a connection without identity, so pages say
// "peer not verified".
import { Serial } from "./serial";

/** One remote end: a receiver has one, a sender one per receiver. */
export interface RegisterPeer {
  /** Id given by the server; empty where it gives none. */
  readonly id: string;
  readonly connection: RTCPeerConnection;
  readonly state: RTCPeerConnectionState;
  /** What the peer sends. */
  readonly stream: MediaStream | null;
}

export interface RegisterPeerHandlers {
  send: (message: Record<string, unknown>) => void;
  onChange: () => void;
}

/** Ceilings of a video; without them the browser's own. */
export type VideoEncoding = Pick<RTCRtpEncodingParameters, "maxBitrate" | "maxFramerate">;

async function encode(sender: RTCRtpSender, encoding: VideoEncoding): Promise<void> {
  const parameters = sender.getParameters();
  // Firefox has no encodings before the first description is set.
  if (parameters.encodings.length === 0) parameters.encodings = [{}];
  for (const each of parameters.encodings) Object.assign(each, encoding);
  try {
    await sender.setParameters(parameters);
  } catch {
    // An engine that takes no ceiling sends as it likes, which is better than nothing.
  }
}

/** A description as either form of the dialect writes it. */
function sdpOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  const { sdp } = (value ?? {}) as { sdp?: unknown };
  return typeof sdp === "string" ? sdp : null;
}

/** The engine's half of a `RegisterPeer`. */
export class DialectPeer implements RegisterPeer {
  readonly id: string;
  readonly connection: RTCPeerConnection;
  stream: MediaStream | null = null;
  readonly #handlers: RegisterPeerHandlers;
  readonly #steps = new Serial(() => undefined);
  #waiting: RTCIceCandidateInit[] = [];

  constructor(id: string, iceServers: RTCIceServer[], handlers: RegisterPeerHandlers) {
    this.id = id;
    this.#handlers = handlers;
    this.connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    const { connection } = this;
    connection.onicecandidate = ({ candidate }) => {
      if (candidate === null) return;
      const { candidate: line, sdpMid, sdpMLineIndex } = candidate;
      this.#send({ type: "ice-candidate", candidate: { candidate: line, sdpMid, sdpMLineIndex } });
    };
    connection.onconnectionstatechange = () => handlers.onChange();
    connection.ontrack = ({ track }) => {
      this.stream ??= new MediaStream();
      this.stream.addTrack(track);
      handlers.onChange();
    };
  }

  get state(): RTCPeerConnectionState {
    return this.connection.connectionState;
  }

  /**
   * Sends the stream's tracks: in the places of those there are, else in new ones; videos as
   * `encoding` says.
   */
  async setStream(stream: MediaStream, encoding: VideoEncoding): Promise<void> {
    const free = this.connection.getSenders();
    for (const track of stream.getTracks()) {
      const place = free.findIndex((sender) => sender.track?.kind === track.kind);
      const [sender] = place < 0 ? [] : free.splice(place, 1);
      if (sender === undefined) this.connection.addTrack(track, stream);
      else await sender.replaceTrack(track);
    }
    for (const sender of free) await sender.replaceTrack(null);
    for (const sender of this.connection.getSenders()) {
      if (sender.track?.kind === "video") await encode(sender, encoding);
    }
  }

  /** The sender makes the offers; `restart` looks for a new path. */
  offer(restart = false): void {
    void this.#steps.run(async () => {
      const { connection } = this;
      if (connection.signalingState !== "stable") return;
      await connection.setLocalDescription(await connection.createOffer({ iceRestart: restart }));
      this.#send({ type: "offer", sdp: connection.localDescription?.sdp });
    });
  }

  handle(message: Record<string, unknown>): void {
    void this.#steps.run(() => this.#handle(message));
  }

  close(): void {
    this.connection.onconnectionstatechange = null;
    this.connection.close();
  }

  async #handle(message: Record<string, unknown>): Promise<void> {
    if (message["type"] === "ice-candidate") {
      return this.#addCandidate(message["candidate"] as RTCIceCandidateInit | null);
    }
    const sdp = sdpOf(message["sdp"]);
    const type = message["type"];
    if (sdp === null || (type !== "offer" && type !== "answer")) return;
    await this.connection.setRemoteDescription({ type, sdp });
    for (const candidate of this.#waiting.splice(0)) await this.#addCandidate(candidate);
    if (type !== "offer") return;
    await this.connection.setLocalDescription();
    this.#send({ type: "answer", sdp: this.connection.localDescription?.sdp });
  }

  async #addCandidate(candidate: RTCIceCandidateInit | null): Promise<void> {
    if (candidate === null) return;
    if (this.connection.remoteDescription === null) {
      if (this.#waiting.length < 128) this.#waiting.push(candidate);
      return;
    }
    try {
      await this.connection.addIceCandidate(candidate);
    } catch {
      // One candidate this browser cannot use must not end the others.
    }
  }

  #send(message: Record<string, unknown>): void {
    this.#handlers.send(this.id === "" ? message : { ...message, id: this.id });
  }
}
