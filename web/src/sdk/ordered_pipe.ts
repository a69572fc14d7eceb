// An ordered, reliable channel (`file`, `llm`) as a pipe of sealed frames with backpressure.
import type { Bytes } from "./bytes";
import { asHelioError, type HelioError } from "./errors";
import type { SecureChannel } from "./secure_channel";
import { Serial } from "./serial";

/** Senders wait above this backlog, in bytes. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** And go on below this one. */
const LOW_WATER_BYTES = 256 * 1024;
/** Frames held until the keys are proven; a peer has no reason to send more. */
const HELD_LIMIT = 64;

/** What a pipe tells its connection. */
export interface OrderedPipeHandlers {
  /** The channel is open and its keys are proven. */
  onOpen: () => void;
  onFrame: (frame: Bytes) => void;
  onClose: () => void;
  /** A frame was changed on its way. */
  onBroken: (error: HelioError) => void;
}

/** Frames in and out, in order. */
export class OrderedPipe {
  readonly #channel: RTCDataChannel;
  readonly #handlers: OrderedPipeHandlers;
  readonly #incoming: Serial;
  readonly #outgoing: Serial;
  #secure: SecureChannel | null = null;
  #held: Bytes[] = [];
  #hasOpened = false;

  constructor(channel: RTCDataChannel, handlers: OrderedPipeHandlers) {
    this.#channel = channel;
    this.#handlers = handlers;
    // WebCrypto settles in any order; the frames of this channel have one.
    this.#incoming = new Serial((thrown) => handlers.onBroken(asHelioError(thrown)));
    this.#outgoing = new Serial(() => undefined);
    channel.binaryType = "arraybuffer";
    channel.bufferedAmountLowThreshold = LOW_WATER_BYTES;
    channel.addEventListener("open", () => this.#checkOpen());
    channel.addEventListener("close", () => handlers.onClose());
    channel.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.#receive(new Uint8Array(data));
    };
  }

  get isOpen(): boolean {
    return this.#secure !== null && this.#channel.readyState === "open";
  }

  unlock(secure: SecureChannel): void {
    this.#secure = secure;
    this.#checkOpen();
    for (const message of this.#held.splice(0)) this.#receive(message);
  }

  /** Sends a frame; settles when there is room for another. Nothing is sent once it closed. */
  send(frame: Bytes): Promise<void> {
    return this.#outgoing.run(async () => {
      if (this.#secure === null || !this.isOpen) return;
      const message = await this.#secure.seal(frame);
      if (!this.isOpen) return;
      this.#channel.send(message);
      if (this.#channel.bufferedAmount > HIGH_WATER_BYTES) await this.#drained();
    });
  }

  #checkOpen(): void {
    if (!this.isOpen || this.#hasOpened) return;
    this.#hasOpened = true;
    this.#handlers.onOpen();
  }

  #drained(): Promise<void> {
    const channel = this.#channel;
    return new Promise((resolve) => {
      const done = (): void => {
        channel.removeEventListener("bufferedamountlow", done);
        channel.removeEventListener("close", done);
        resolve();
      };
      channel.addEventListener("bufferedamountlow", done);
      channel.addEventListener("close", done);
    });
  }

  #receive(message: Bytes): void {
    const secure = this.#secure;
    if (secure === null) {
      if (this.#held.length < HELD_LIMIT) this.#held.push(message);
      return;
    }
    void this.#incoming.run(async () => {
      const frame = await secure.open(message);
      if (frame !== null) this.#handlers.onFrame(frame);
    });
  }
}
