// The worker's half of still_frames.ts: every frame of the track passes here.
import type { FromWorker, ToWorker } from "./still_frames";

interface EncodedFrame {
  readonly type?: "key" | "delta" | "empty";
  readonly data: ArrayBuffer;
}

interface Transformer {
  readonly readable: ReadableStream<EncodedFrame>;
  readonly writable: WritableStream<EncodedFrame>;
  readonly options: { side: "sender" | "receiver"; port: MessagePort };
  generateKeyFrame?: () => Promise<unknown>;
  sendKeyFrameRequest?: () => Promise<unknown>;
}

/** Passes frames on; an armed key frame waits until the page decides. */
class Gate {
  readonly #transformer: Transformer;
  #isArmed = false;
  #decide: ((message: "pass" | "drop") => void) | null = null;

  constructor(transformer: Transformer) {
    this.#transformer = transformer;
    transformer.options.port.onmessage = ({ data }: MessageEvent<ToWorker>) => this.#handle(data);
  }

  run(): void {
    const stream = new TransformStream<EncodedFrame, EncodedFrame>({
      transform: (frame, controller) => this.#take(frame, controller),
    });
    const { readable, writable } = this.#transformer;
    // Ends when the connection closes.
    void readable
      .pipeThrough(stream)
      .pipeTo(writable)
      .catch(() => undefined);
  }

  #handle(message: ToWorker): void {
    if (message.t === "arm") this.#isArmed = true;
    else if (message.t === "key") void this.#requestKey();
    else this.#decide?.(message.t);
  }

  async #requestKey(): Promise<void> {
    const { options } = this.#transformer;
    try {
      if (options.side === "receiver") await this.#transformer.sendKeyFrameRequest?.();
      else await this.#transformer.generateKeyFrame?.();
    } catch {
      // No track is negotiated yet; the first frame is a key frame anyway.
    }
  }

  async #take(
    frame: EncodedFrame,
    controller: TransformStreamDefaultController<EncodedFrame>,
  ): Promise<void> {
    const isKey = frame.type === "key";
    const waits = this.#isArmed && isKey;
    const told: FromWorker = { bytes: frame.data.byteLength, isKey, waits };
    const decided = waits ? this.#decision() : Promise.resolve("pass" as const);
    this.#transformer.options.port.postMessage(told);
    if ((await decided) === "pass") controller.enqueue(frame);
  }

  #decision(): Promise<"pass" | "drop"> {
    this.#isArmed = false;
    return new Promise((resolve) => (this.#decide = resolve));
  }
}

addEventListener("rtctransform", (event) => {
  new Gate((event as unknown as { transformer: Transformer }).transformer).run();
});
