// Stills: a 600×400 key frame sent alone, as video, every few seconds. Browsers lose every second
// rare frame by default; each step here is what made none get lost (docs of the measurements).
import { Emitter } from "./emitter";
import type { Link } from "./link";
import type { OutgoingMedia } from "./link_media";
import type { VideoCodec } from "./live";
import { tapFrames, type FrameTap, type FromWorker } from "./still_frames";

export const STILL_WIDTH = 600;
export const STILL_HEIGHT = 400;
/** Largest still in bytes; larger ones are softened and encoded again. */
export const STILL_LIMIT_BYTES = 100_000;

const DEFAULT_INTERVAL_MS = 3000;
/** Without word from the peer, a repeat shows what a receiver holds back or lost. */
const ECHO_AFTER_MS = 300;
/** How long to wait for `still-shown` before the next still. */
const SHOWN_LIMIT_MS = 4000;
/** How long the encoder may take. */
const ENCODE_LIMIT_MS = 700;
/** How often an encoder that took nothing is asked again. */
const ENCODE_ATTEMPTS = 3;
const SOFTEN_LIMIT = 5;
/** A frame sooner after another than 1/maxFramerate is dropped unseen. */
const SPACING_MS = 220;

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
  /** Encoded size; undefined where the browser does not show encoded frames. */
  bytes: number | undefined;
  encodeMs: number;
  /** From drawing until the peer said it is on its screen; null when it never said so. */
  shownMs: number | null;
  /** How often it was softened and encoded again to fit the limit. */
  softened: number;
}

type CanvasTrack = MediaStreamTrack & { requestFrame?: () => void };
type CanvasStream = MediaStream & { requestFrame?: () => void };
type KeyFrameOptions = { encodingOptions: { keyFrame: boolean }[] };
type KeyFrameSender = {
  setParameters(parameters: RTCRtpSendParameters, options: KeyFrameOptions): Promise<void>;
};

function after(waitMs: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), waitMs));
}

/** Sends stills over a link. */
export class StillsSender extends Emitter<{ sent: SentStill }> {
  intervalMs: number;
  readonly #options: StillsOptions;
  readonly #context: CanvasRenderingContext2D;
  #stream: CanvasStream | null = null;
  #media: OutgoingMedia | null = null;
  #tap: FrameTap | null = null;
  #run = 0;
  /** Goes on over restarts: a receiver that missed the pause must not take a still for an old one. */
  static #seq = 0;
  #requestedMs = 0;
  #softness = 0;
  #onFrame: ((frame: FromWorker) => void) | null = null;
  #onShown: ((seq: number) => void) | null = null;
  #hurry: (() => void) | null = null;
  #forgetCommands: (() => void) | null = null;

  constructor(options: StillsOptions) {
    super();
    this.#options = options;
    this.intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS;
    options.canvas.width = STILL_WIDTH;
    options.canvas.height = STILL_HEIGHT;
    const context = options.canvas.getContext("2d");
    if (context === null) throw new TypeError("the canvas has another kind of context");
    this.#context = context;
  }

  get isRunning(): boolean {
    return this.#stream !== null;
  }

  /** Sends the first still once the link is open, then one per interval. */
  async start(): Promise<void> {
    if (this.isRunning) return;
    const { canvas, link } = this.#options;
    const stream: CanvasStream = canvas.captureStream(0);
    const [track] = stream.getVideoTracks();
    if (track === undefined) return;
    track.contentHint = "detail";
    this.#stream = stream;
    this.#forgetCommands = link.on("command", ({ name, args }) => {
      if (name === "still-shown") this.#onShown?.(Number(args["seq"]));
    });
    await this.#offer(track);
    this.#run += 1;
    void this.#loop(this.#run);
  }

  /** Sends one at once. */
  now(): void {
    this.#hurry?.();
  }

  stop(): void {
    this.#run += 1;
    this.#hurry?.();
    this.#forgetCommands?.();
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    // A frame that still waits would hold up those of the next start.
    this.#tap?.send({ t: "drop" });
    this.#tap?.close();
    this.#tap = null;
    this.#media?.release();
    this.#media = null;
  }

  async #offer(track: MediaStreamTrack): Promise<void> {
    this.#media = this.#options.link.addMedia(track, {
      mode: "stills",
      codec: this.#options.codec ?? "H264",
      // maxFramerate 1 to 5 makes the encoder take every rare frame; maxBitrate sets the pacing.
      sendEncodings: [{ maxFramerate: 5, maxBitrate: 3_000_000 }],
      startBitrateKbps: 3000,
      onAttach: ({ sender }) => {
        this.#tap = tapFrames("sender", sender, (frame) => this.#onFrame?.(frame));
      },
    });
    await this.#media.ready;
  }

  async #loop(run: number): Promise<void> {
    while (run === this.#run) {
      const rest = after(this.intervalMs);
      const hurried = new Promise<void>((resolve) => (this.#hurry = resolve));
      if (this.#canSend()) {
        const still = await this.#sendOne(run);
        if (still !== null && run === this.#run) this.emit("sent", still);
        await Promise.race([rest, hurried]);
      } else {
        await Promise.race([after(100), hurried]);
      }
    }
  }

  #canSend(): boolean {
    const sender = this.#media?.transceiver?.sender;
    const isNegotiated = this.#media?.transceiver?.currentDirection === "sendonly";
    return this.#options.link.state.phase === "open" && isNegotiated && sender !== undefined;
  }

  /** Encodes until it fits, announces, releases, and waits until it is on the peer's screen. */
  async #sendOne(run: number): Promise<SentStill | null> {
    StillsSender.#seq += 1;
    const seq = StillsSender.#seq;
    const startedMs = performance.now();
    const shown = new Promise<true>((resolve) => {
      this.#onShown = (told) => told === seq && resolve(true);
    });
    const still: SentStill = {
      seq,
      bytes: undefined,
      encodeMs: 0,
      shownMs: null,
      softened: this.#softness,
    };
    for (;;) {
      const frame = await this.#encodeInsisting(still.softened);
      if (run !== this.#run) return null;
      still.encodeMs = Math.round(performance.now() - this.#requestedMs);
      still.bytes = frame?.bytes;
      // Without a frame the encoder skipped it; where frames cannot be seen, trust it.
      if (frame === null && this.#tap !== null) return still;
      if (frame === null || frame.bytes <= STILL_LIMIT_BYTES) break;
      this.#tap?.send({ t: "drop" });
      if (still.softened === SOFTEN_LIMIT) return still;
      still.softened += 1;
    }
    // A busy scene stays busy: the next still begins near what fitted.
    this.#softness = Math.max(0, still.softened - 1);
    this.#announce(still);
    this.#tap?.send({ t: "pass" });
    if (still.bytes !== undefined) this.#options.link.noteStill(still.bytes);
    const isShown = await this.#awaitShown(shown, still);
    if (isShown) still.shownMs = Math.round(performance.now() - startedMs);
    return still;
  }

  #announce({ seq, bytes, encodeMs }: SentStill): void {
    const size = { width: STILL_WIDTH, height: STILL_HEIGHT };
    this.#options.link.sendCommand("still", { seq, bytes: bytes ?? 0, ...size, encodeMs });
  }

  async #awaitShown(shown: Promise<true>, still: SentStill): Promise<boolean> {
    for (let waitedMs = 0; waitedMs < SHOWN_LIMIT_MS; waitedMs += ECHO_AFTER_MS) {
      if ((await Promise.race([shown, after(ECHO_AFTER_MS)])) === true) return true;
      if (waitedMs > 4 * ECHO_AFTER_MS || this.#stream === null) continue;
      // Announced again as well: a command may be lost like any packet.
      this.#announce(still);
      // A key frame as well: what was lost may be what a difference would build on.
      this.#tap?.send({ t: "key" });
      await this.#forceKeyFrame();
      // A canvas that was not drawn on since gives no frame.
      this.#context.drawImage(this.#options.canvas, 0, 0);
      this.#requestFrame();
    }
    return false;
  }

  /** Draws and forces a key frame; resolves with the frame held in the worker, null without one. */
  async #encode(softened: number): Promise<FromWorker | null> {
    await after(Math.max(0, this.#requestedMs + SPACING_MS - performance.now()));
    const armed = new Promise<FromWorker>((resolve) => {
      this.#onFrame = (frame) => frame.waits && resolve(frame);
    });
    this.#tap?.send({ t: "arm" });
    this.#tap?.send({ t: "key" });
    await this.#forceKeyFrame();
    // Draw and request belong into one task: an await between delays the picture to the next.
    this.#options.draw(this.#context);
    this.#soften(softened);
    this.#requestFrame();
    if (this.#tap === null) return null;
    return Promise.race([armed, after(ENCODE_LIMIT_MS)]);
  }

  async #encodeInsisting(softened: number): Promise<FromWorker | null> {
    for (let attempt = 1; ; attempt += 1) {
      const frame = await this.#encode(softened);
      if (frame !== null || this.#tap === null || attempt === ENCODE_ATTEMPTS) return frame;
    }
  }

  async #forceKeyFrame(): Promise<void> {
    const sender = this.#media?.transceiver?.sender;
    if (sender === undefined) return;
    const parameters = sender.getParameters();
    // Firefox halves the picture otherwise; Chromium keeps it by contentHint.
    parameters.degradationPreference = "maintain-resolution";
    for (const encoding of parameters.encodings) encoding.scaleResolutionDownBy = 1;
    const encodingOptions = parameters.encodings.map(() => ({ keyFrame: true }));
    try {
      await (sender as unknown as KeyFrameSender).setParameters(parameters, { encodingOptions });
    } catch {
      // Engines without the option make key frames by the worker's request.
    }
  }

  #requestFrame(): void {
    this.#requestedMs = performance.now();
    const [track] = (this.#stream?.getVideoTracks() ?? []) as CanvasTrack[];
    if (track?.requestFrame !== undefined) track.requestFrame();
    else this.#stream?.requestFrame?.();
  }

  /** Takes fine detail away, more with each level: what is left encodes smaller. */
  #soften(level: number): void {
    if (level === 0) return;
    const { canvas } = this.#options;
    const width = Math.round(STILL_WIDTH * 0.75 ** level);
    const height = Math.round(STILL_HEIGHT * 0.75 ** level);
    this.#context.drawImage(canvas, 0, 0, width, height);
    this.#context.drawImage(canvas, 0, 0, width, height, 0, 0, STILL_WIDTH, STILL_HEIGHT);
  }
}
