// The media of a link: what this side sends (kept across connections) and what the peer sends.
import type { FrameMap } from "./control";
import { carryCaptureTime, preferredCodecs } from "./transceivers";

/** What a media section carries, as the `media` command says. */
export type MediaMode = "live" | "stills" | "off";

/** Media coming from the peer. */
export interface PeerMedia {
  mid: string;
  kind: "audio" | "video";
  mode: MediaMode;
  transceiver: RTCRtpTransceiver;
  track: MediaStreamTrack;
}

/** How a media section is to be sent. */
export interface MediaInit {
  mode: MediaMode;
  sendEncodings?: RTCRtpEncodingParameters[];
  /** Preferred codec's name, for example `H264`. */
  codec?: string;
  /** Kilobits per second to begin with. */
  startBitrateKbps?: number;
  /** Called with each connection's transceiver, before it is negotiated. */
  onAttach?: (transceiver: RTCRtpTransceiver) => void;
}

/** A track to send, or the kind of one that comes later. */
export type MediaSource = MediaStreamTrack | "audio" | "video";

/** Whatever sends media: a link, or a session that publishes. */
export interface MediaCarrier {
  addMedia(source: MediaSource, init: MediaInit): OutgoingMedia;
  /** Where a picture may be sent at several sizes: offers anew with another number of them. */
  renew?(): void;
}

type Announce = (args: FrameMap) => void;

/** `codec` of an encoding (W3C webrtc-extensions), where the browser knows it. */
interface Switchable {
  codec?: RTCRtpCodec;
}

/** One media section this side sends. */
export class OutgoingMedia {
  readonly kind: "audio" | "video";
  #track: MediaStreamTrack | null;
  #init: MediaInit;
  #transceiver: RTCRtpTransceiver | null = null;
  #isReleased = false;
  #ready: Promise<void> = Promise.resolve();
  /** What it was added for: live and stills want other encoders, and never share a section. */
  readonly #purpose: MediaMode;
  readonly #announce: (media: OutgoingMedia) => void;

  constructor(source: MediaSource, init: MediaInit, announce: (media: OutgoingMedia) => void) {
    this.#track = typeof source === "string" ? null : source;
    this.kind = typeof source === "string" ? source : (source.kind as "audio" | "video");
    this.#init = init;
    this.#purpose = init.mode;
    this.#announce = announce;
  }

  /** Resolves when the section sends as it was told to. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  get mode(): MediaMode {
    return this.#init.mode;
  }

  get startBitrateKbps(): number {
    return this.mode === "off" ? 0 : (this.#init.startBitrateKbps ?? 0);
  }

  /** The current connection's transceiver; null while there is no connection. */
  get transceiver(): RTCRtpTransceiver | null {
    return this.#transceiver;
  }

  /** Tells the peer what the section carries, now and after each reconnection. */
  setMode(mode: MediaMode): void {
    this.#init = { ...this.#init, mode };
    this.#announce(this);
  }

  /** Sends nothing any more and leaves the section to whoever adds its like next. */
  release(): void {
    this.setMode("off");
    this.#isReleased = true;
    void this.replaceTrack(null);
  }

  /** Takes over as if it were fresh, where it was released and serves the same purpose. */
  reuse(source: MediaSource, init: MediaInit): boolean {
    const kind = typeof source === "string" ? source : source.kind;
    if (!this.#isReleased || kind !== this.kind || init.mode !== this.#purpose) return false;
    this.#isReleased = false;
    this.#init = init;
    this.#ready = this.#takeOver(typeof source === "string" ? null : source);
    this.#announce(this);
    return true;
  }

  async #takeOver(track: MediaStreamTrack | null): Promise<void> {
    const { onAttach, sendEncodings = [], codec } = this.#init;
    if (this.#transceiver !== null) onAttach?.(this.#transceiver);
    await this.replaceTrack(track);
    if (sendEncodings.length > 0) await this.setEncodings(sendEncodings);
    if (codec !== undefined) await this.useCodec(codec);
  }

  /** Sends another track, or none, without renegotiating. */
  async replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    this.#track = track;
    await this.#transceiver?.sender.replaceTrack(track);
  }

  /**
   * Takes the place of all encodings, without renegotiating; false where their number is another
   * one than was negotiated, which the next connection then has.
   */
  async setEncodings(encodings: RTCRtpEncodingParameters[]): Promise<boolean> {
    this.#init = { ...this.#init, sendEncodings: encodings };
    const sender = this.#transceiver?.sender;
    if (sender === undefined) return true;
    const parameters = sender.getParameters();
    if (parameters.encodings.length !== encodings.length) return false;
    parameters.encodings.forEach((each, i) => Object.assign(each, encodings[i]));
    await sender.setParameters(parameters);
    return true;
  }

  /** Encodes with another negotiated codec, where the browser can switch without renegotiating. */
  async useCodec(name: string): Promise<void> {
    this.#init = { ...this.#init, codec: name };
    const sender = this.#transceiver?.sender;
    const parameters = sender?.getParameters();
    const wanted = `${this.kind}/${name}`.toLowerCase();
    const isWanted = ({ mimeType }: RTCRtpCodec): boolean => mimeType.toLowerCase() === wanted;
    const codec = parameters?.codecs?.find(isWanted);
    if (sender === undefined || parameters === undefined) return;
    if (codec === undefined || parameters.codecs[0] === codec) return;
    for (const each of parameters.encodings as Switchable[]) each.codec = codec;
    try {
      await sender.setParameters(parameters);
    } catch {
      // The preference then takes effect with the next connection.
    }
  }

  /** Puts the section on a fresh connection. */
  attach(pc: RTCPeerConnection): void {
    const { sendEncodings, codec, onAttach } = this.#init;
    const init: RTCRtpTransceiverInit = { direction: "sendonly" };
    if (sendEncodings !== undefined)
      init.sendEncodings = sendEncodings.map((each) => ({ ...each }));
    this.#transceiver = pc.addTransceiver(this.#track ?? this.kind, init);
    carryCaptureTime(this.#transceiver);
    onAttach?.(this.#transceiver);
    if (codec === undefined) return;
    try {
      this.#transceiver.setCodecPreferences(preferredCodecs(this.kind, codec));
    } catch {
      // An engine that refuses the list negotiates its own order.
    }
  }

  detach(): void {
    this.#transceiver = null;
  }
}

/** All media of a link. */
export class LinkMedia {
  readonly incoming: PeerMedia[] = [];
  readonly #outgoing: OutgoingMedia[] = [];
  /** Modes that were told before their track came. */
  readonly #modes = new Map<string, MediaMode>();
  readonly #onChange: (media: PeerMedia) => void;
  #announce: Announce | null = null;
  #pc: RTCPeerConnection | null = null;

  constructor(onChange: (media: PeerMedia) => void) {
    this.#onChange = onChange;
  }

  /** Where videos of this side begin, null for the browser's own. */
  get startBitrateKbps(): number | null {
    const highest = Math.max(0, ...this.#outgoing.map((media) => media.startBitrateKbps));
    return highest === 0 ? null : highest;
  }

  /**
   * Adds a section that this side sends, on this connection and those after it. One that was
   * released is used again: descriptions never lose a section, so each one more would stay.
   */
  add(source: MediaSource, init: MediaInit): OutgoingMedia {
    const released = this.#outgoing.find((each) => each.reuse(source, init));
    if (released !== undefined) return released;
    const media = new OutgoingMedia(source, init, (changed) => this.#tell(changed));
    this.#outgoing.push(media);
    if (this.#pc !== null) media.attach(this.#pc);
    return media;
  }

  /** Puts all sections on a fresh connection. */
  attach(pc: RTCPeerConnection): void {
    this.#pc = pc;
    pc.addEventListener("track", ({ transceiver }) => this.#arrive(transceiver));
    // A section gets its mid with the offer: its mode travels beside it, not with the next repeat.
    pc.addEventListener("signalingstatechange", () => this.repeat());
    for (const media of this.#outgoing) media.attach(pc);
  }

  /** Prepares the sections of an offer before it is answered. */
  prepare(pc: RTCPeerConnection): void {
    for (const transceiver of pc.getTransceivers()) carryCaptureTime(transceiver);
  }

  /** The connection is gone: its tracks are over. */
  detach(): void {
    this.#pc = null;
    this.#announce = null;
    this.#modes.clear();
    for (const media of this.#outgoing) media.detach();
    for (const media of this.incoming.splice(0)) this.#onChange({ ...media, mode: "off" });
  }

  /** Commands can be sent: tells all modes, now and at each `repeat`. */
  open(announce: Announce): void {
    this.#announce = announce;
    this.repeat();
  }

  /** Tells all modes again: commands may get lost. */
  repeat(): void {
    for (const media of this.#outgoing) this.#tell(media);
  }

  /** The peer's `media` command. */
  handleCommand(args: FrameMap): void {
    const { mid, mode } = args;
    if (typeof mid !== "string" || mid.length > 16 || this.#modes.size > 64) return;
    if (mode !== "live" && mode !== "stills" && mode !== "off") return;
    this.#modes.set(mid, mode);
    const media = this.incoming.find((each) => each.mid === mid);
    if (media === undefined || media.mode === mode) return;
    media.mode = mode;
    this.#onChange(media);
  }

  #tell(media: OutgoingMedia): void {
    const mid = media.transceiver?.mid;
    if (typeof mid === "string") this.#announce?.({ mid, mode: media.mode });
  }

  #arrive(transceiver: RTCRtpTransceiver): void {
    const { mid, receiver } = transceiver;
    if (mid === null || this.incoming.some((each) => each.mid === mid)) return;
    const { track } = receiver;
    const kind = track.kind as "audio" | "video";
    const mode = this.#modes.get(mid) ?? "live";
    const media: PeerMedia = { mid, kind, mode, transceiver, track };
    this.incoming.push(media);
    this.#onChange(media);
  }
}
