// One link to one paired device: signalling, connection, keys, control and media in one object.
import type { Api } from "./api";
import { Emitter } from "./emitter";
import type { HelioError } from "./errors";
import type { LinkFailure } from "./failures";
import type { Identity } from "./identity";
import type { LinkPath, LinkStats } from "./link_stats";
import type { Store, StoredPair } from "./store";

/**
 * Where a link is:
 * `idle` not started · `signalling` reaching the server · `waiting` the peer is offline ·
 * `connecting` looking for a path · `securing` proving keys · `open` · `reconnecting` the path
 * broke and a new one is looked for · `ended` for good, see `endedBy`.
 */
export type LinkPhase =
  "idle" | "signalling" | "waiting" | "connecting" | "securing" | "open" | "reconnecting" | "ended";

/**
 * Why a link ended: `closed` here, `replaced` by another tab, `revoked`, or `refused` because a
 * key proof failed.
 */
export type EndedBy = "closed" | "replaced" | "revoked" | "refused";

/** All a view needs to draw a link's state. */
export interface LinkState {
  phase: LinkPhase;
  /** False on pairs whose people compared no words: show "peer not verified". */
  verified: boolean;
  /** Whether control frames run inside Noise. */
  secured: boolean;
  peerOnline: boolean;
  path: LinkPath | null;
  /** The last failure; cleared when the link opens. */
  failure: LinkFailure | null;
  endedBy: EndedBy | null;
}

/** What a media section of the peer carries, as its `media` command says. */
export type MediaMode = "live" | "stills" | "off";

/** Media coming from the peer. */
export interface PeerMedia {
  mid: string;
  kind: "audio" | "video";
  mode: MediaMode;
  transceiver: RTCRtpTransceiver;
  track: MediaStreamTrack;
}

/** A text message from the peer. */
export interface ReceivedText {
  id: number;
  text: string;
  /** Unix milliseconds of arrival. */
  at: number;
}

/** A command from the peer. */
export interface ReceivedCommand {
  name: string;
  args: Record<string, unknown>;
}

export interface LinkEvents {
  state: LinkState;
  text: ReceivedText;
  command: ReceivedCommand;
  /** The peer's media began, changed its mode, or went `off`. */
  media: PeerMedia;
  /** Each second while connected. */
  stats: LinkStats;
  /** The peer's own figures, every 2 s. */
  peerStats: Record<string, unknown>;
  /** Something was refused that does not end the link, for example a forged offer. */
  refused: HelioError;
}

export interface LinkOptions {
  api: Api;
  identity: Identity;
  store: Store;
  pair: StoredPair;
  /** `relay` uses relays only. Default `all`. */
  iceTransportPolicy?: RTCIceTransportPolicy;
}

/** Outgoing media on a link. */
export interface OutgoingMedia {
  transceiver: RTCRtpTransceiver;
  /** Tells the peer what the section carries, now and after each reconnection. */
  setMode(mode: MediaMode): void;
}

/** One link to one paired device. */
declare class LinkShape extends Emitter<LinkEvents> {
  constructor(options: LinkOptions);
  readonly state: LinkState;
  readonly pair: StoredPair;
  /** The peer's media, in order of appearance. */
  readonly media: PeerMedia[];
  /** The last two minutes, oldest first. */
  readonly history: LinkStats[];
  /** Starts; the link then keeps itself up until `close`. */
  start(): void;
  /** Takes the device back after `replaced`. */
  takeOver(): void;
  /** Ends the link and tells the peer why. */
  close(reason?: string): Promise<void>;
  /** Looks for a new path now. */
  restart(): void;
  /** Ends the pair: tells the peer over the link and the server, then forgets it here. */
  revoke(): Promise<void>;
  /**
   * Sends a text of at most 2000 characters (Unicode scalar values).
   * Resolves when the peer acknowledged it.
   * @throws HelioError `text-too-long`, `not-connected` or `not-delivered` (after 3 s).
   */
  sendText(text: string): Promise<void>;
  /** Sends a command, best effort. */
  sendCommand(name: string, args?: Record<string, unknown>): void;
  /** Adds a track; survives reconnections. */
  addMedia(
    track: MediaStreamTrack,
    init: { mode: MediaMode; stream?: MediaStream; sendEncodings?: RTCRtpEncodingParameters[] },
  ): OutgoingMedia;
}

export type Link = LinkShape;
export const Link = class {
  constructor() {
    throw new Error("Link is under construction");
  }
} as unknown as typeof LinkShape;
