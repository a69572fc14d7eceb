// One data channel as a pipe of frames: holds what comes before the keys are proven, then seals
// and opens, or (where a peer does not speak Noise) passes frames as they are.
import type { Bytes } from "./bytes";
import { asHelioError, type HelioError } from "./errors";
import type { SecureChannel } from "./secure_channel";

/** Frames held until the keys are proven: the peer may finish the handshake first. */
const HELD_LIMIT = 64;
/** Best-effort frames are dropped above this backlog. */
const BACKLOG_LIMIT_BYTES = 256 * 1024;

/** Frames in and out of one channel. */
export class FramePipe {
  readonly #channel: RTCDataChannel;
  readonly #onFrame: (frame: Bytes) => void;
  readonly #onBroken: (error: HelioError) => void;
  #secure: SecureChannel | null = null;
  #isUnlocked = false;
  #held: Bytes[] = [];

  constructor(
    channel: RTCDataChannel,
    onFrame: (frame: Bytes) => void,
    onBroken: (error: HelioError) => void,
  ) {
    this.#channel = channel;
    this.#onFrame = onFrame;
    this.#onBroken = onBroken;
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.#receive(new Uint8Array(data));
    };
  }

  get isOpen(): boolean {
    return this.#isUnlocked && this.#channel.readyState === "open";
  }

  /** Lets frames flow: inside `secure`, or plain where it is null. */
  unlock(secure: SecureChannel | null): void {
    this.#secure = secure;
    this.#isUnlocked = true;
    const held = this.#held;
    this.#held = [];
    for (const message of held) this.#receive(message);
  }

  /** Sends a frame, best effort. */
  async send(frame: Bytes): Promise<void> {
    if (!this.isOpen || this.#channel.bufferedAmount > BACKLOG_LIMIT_BYTES) return;
    const message = this.#secure === null ? frame : await this.#secure.seal(frame);
    try {
      this.#channel.send(message);
    } catch {
      // The channel closed while sealing; the link hears of it by its own events.
    }
  }

  #receive(message: Bytes): void {
    if (!this.#isUnlocked) {
      if (this.#held.length < HELD_LIMIT) this.#held.push(message);
    } else if (this.#secure === null) {
      this.#onFrame(message);
    } else {
      this.#secure.open(message).then(
        (frame) => frame !== null && this.#onFrame(frame),
        (thrown: unknown) => this.#onBroken(asHelioError(thrown)),
      );
    }
  }
}
