// Receives stills and shows each as it arrives, though a video element would hold it back until
// the next one.
import { Emitter } from "./emitter";
import type { Link } from "./link";
import type { PeerMedia } from "./link_media";
import { tapFrames, type FrameTap } from "./still_frames";
import { framesOf, type FrameSource, type Picture } from "./still_pictures";

const DEFAULT_KEEP = 20;
const JPEG_QUALITY = 0.9;
/** A frame and its announcement travel apart; this far apart they still belong together. */
const TOGETHER_MS = 700;
/** An announced still that did not come is asked for again. */
const MISSING_AFTER_MS = 250;

export interface ReceivedStill {
  seq: number;
  /** Unix milliseconds of arrival, for the age. */
  at: number;
  bytes: number | null;
  width: number;
  height: number;
  /** From the sender's drawing to this screen, as far as known; null if unknown. */
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

/** A `still` command. */
interface Announced {
  seq: number;
  bytes: number | null;
  encodeMs: number;
  atMs: number;
}

/** Shows the peer's stills on a canvas and keeps the last ones. */
export class StillsReceiver extends Emitter<{ still: ReceivedStill }> {
  /** Newest first. */
  readonly gallery: ReceivedStill[] = [];
  readonly #options: StillsReceiverOptions;
  #source: FrameSource | null = null;
  #tap: FrameTap | null = null;
  #announced: Announced | null = null;
  #lastSeq = -1;
  /** When a frame came that no announcement explains yet. */
  #unclaimedMs: number | null = null;
  #missingTimer: ReturnType<typeof setTimeout> | undefined;
  #forgetCommands: (() => void) | null = null;
  #keyBytes: number | null = null;

  constructor(options: StillsReceiverOptions) {
    super();
    this.#options = options;
  }

  start(): void {
    if (this.#source !== null) return;
    const { link, media, canvas } = this.#options;
    this.#forgetCommands = link.on("command", ({ name, args }) => {
      if (name === "still") this.#announce(args);
    });
    this.#tap = tapFrames("receiver", media.transceiver.receiver, ({ bytes, isKey }) => {
      if (isKey) this.#keyBytes = bytes;
    });
    this.#source = framesOf(media.track, canvas, (picture) => this.#show(picture));
  }

  stop(): void {
    clearTimeout(this.#missingTimer);
    this.#forgetCommands?.();
    this.#source?.stop();
    this.#source = null;
    this.#tap?.close();
  }

  #announce(args: Record<string, unknown>): void {
    const { seq, bytes, encodeMs } = args;
    if (typeof seq !== "number" || !Number.isInteger(seq)) return;
    if (seq === this.#lastSeq) {
      // The sender missed our word.
      this.#tellShown(seq, 0);
      return;
    }
    if (seq === this.#announced?.seq) return;
    const known = typeof bytes === "number" && bytes > 0 ? bytes : null;
    const encoding = typeof encodeMs === "number" ? encodeMs : 0;
    const atMs = performance.now();
    this.#announced = { seq, bytes: known, encodeMs: encoding, atMs };
    const isHere = this.#unclaimedMs !== null && atMs - this.#unclaimedMs < TOGETHER_MS;
    if (isHere) this.#claim(this.#announced);
    else this.#awaitFrame();
  }

  #awaitFrame(): void {
    clearTimeout(this.#missingTimer);
    this.#missingTimer = setTimeout(() => this.#tap?.send({ t: "key" }), MISSING_AFTER_MS);
  }

  #show({ image, width, height }: Picture): void {
    const { canvas } = this.#options;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    canvas.getContext("2d")?.drawImage(image, 0, 0, width, height);
    if (this.#announced !== null) this.#claim(this.#announced);
    else this.#unclaimedMs = performance.now();
  }

  /** The picture on the canvas is the announced still. */
  #claim(announced: Announced): void {
    clearTimeout(this.#missingTimer);
    this.#announced = null;
    this.#unclaimedMs = null;
    this.#lastSeq = announced.seq;
    const waitedMs = Math.max(0, performance.now() - announced.atMs);
    this.#tellShown(announced.seq, Math.round(waitedMs));
    void this.#keep(announced, waitedMs);
  }

  #tellShown(seq: number, ms: number): void {
    this.#options.link.sendCommand("still-shown", { seq, ms });
  }

  async #keep({ seq, bytes, encodeMs }: Announced, waitedMs: number): Promise<void> {
    const { canvas, link, keep = DEFAULT_KEEP } = this.#options;
    const { width, height } = canvas;
    const at = Date.now();
    const jpeg = await new Promise<Blob | null>((resolve) =>
      canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY),
    );
    if (jpeg === null) return;
    const rttMs = link.history.at(-1)?.channelRttMs?.p50;
    const latencyMs = rttMs === undefined ? null : Math.round(encodeMs + rttMs / 2 + waitedMs);
    const size = bytes ?? this.#keyBytes;
    const still: ReceivedStill = { seq, at, bytes: size, width, height, latencyMs, jpeg };
    this.gallery.unshift(still);
    this.gallery.length = Math.min(this.gallery.length, keep);
    this.emit("still", still);
  }
}
