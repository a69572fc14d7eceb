// Stills: a 600×400 key frame sent alone, as video, every few seconds.
import type { Link } from "./link";
import type { VideoCodec } from "./live";

export const STILL_WIDTH = 600;
export const STILL_HEIGHT = 400;
/** Largest still in bytes; larger ones are softened and encoded again. */
export const STILL_LIMIT_BYTES = 100_000;

export interface StillsOptions {
  link: Link;
  /** The canvas to send, made by the view; it is resized to 600×400. */
  canvas: HTMLCanvasElement;
  /** Paints the current picture; called at once before each still. */
  draw: (context: CanvasRenderingContext2D) => void;
  /** Default 3000. */
  intervalMs?: number;
  codec?: VideoCodec;
}

/** What became of a still, as the sender knows. */
export interface SentStill {
  seq: number;
  bytes: number;
  encodeMs: number;
  /** From drawing until the peer said it is on its screen; null when it never said so. */
  shownMs: number | null;
  /** How often it was softened and encoded again to fit the limit. */
  softened: number;
}

/** Sends stills over a link. */
declare class StillsSenderShape {
  constructor(options: StillsOptions);
  intervalMs: number;
  readonly isRunning: boolean;
  on(event: "sent", listener: (still: SentStill) => void): () => void;
  start(): Promise<void>;
  /** Sends one at once. */
  now(): void;
  stop(): void;
}

export type StillsSender = StillsSenderShape;
export const StillsSender = class {
  constructor() {
    throw new Error("StillsSender is under construction");
  }
} as unknown as typeof StillsSenderShape;
