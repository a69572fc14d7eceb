// Receives stills and shows each as it arrives, though a video element would hold it back.
import type { Link } from "./link";
import type { PeerMedia } from "./link_media";

export interface ReceivedStill {
  seq: number;
  /** Unix milliseconds of arrival, for the age. */
  at: number;
  bytes: number | null;
  width: number;
  height: number;
  /** From the sender's drawing to this screen, by both clocks' round trip; null if unknown. */
  latencyMs: number | null;
  /** The picture, for the gallery. */
  jpeg: Blob;
}

export interface StillsReceiverOptions {
  link: Link;
  media: PeerMedia;
  /** Draws on it at arrival. */
  canvas: HTMLCanvasElement;
  /** How many stills the gallery keeps; default 20. */
  keep?: number;
}

/** Shows the peer's stills on a canvas and keeps the last ones. */
declare class StillsReceiverShape {
  constructor(options: StillsReceiverOptions);
  /** Newest first. */
  readonly gallery: ReceivedStill[];
  on(event: "still", listener: (still: ReceivedStill) => void): () => void;
  start(): void;
  stop(): void;
}

export type StillsReceiver = StillsReceiverShape;
export const StillsReceiver = class {
  constructor() {
    throw new Error("StillsReceiver is under construction");
  }
} as unknown as typeof StillsReceiverShape;
