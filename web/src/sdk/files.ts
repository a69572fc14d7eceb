// Files of one link, both ways: what views see, over whatever channel there is now.
import type { Bytes } from "./bytes";
import { Emitter } from "./emitter";
import { decodeFileFrame, encodeFileFrame, type FileFrame } from "./file_frames";
import type { FileStore } from "./file_store";
import { FilesReceiver, type ReceivedFile } from "./files_receiver";
import { FilesSender, type SendableFile, type SentFile } from "./files_sender";

/** How often views hear of changes, in milliseconds: a few times while an eye moves. */
const TELL_INTERVAL_MS = 50;

/** The files of a link at one moment. */
export interface FilesView {
  /** Whether the peer can be reached for files now. */
  isOpen: boolean;
  sent: readonly SentFile[];
  received: readonly ReceivedFile[];
}

/** Frames out; settles when there is room for more. */
export type SendFileBytes = (bytes: Bytes) => Promise<void>;

/** The files of one link; outlives its connections. */
export class Files extends Emitter<{ change: FilesView }> {
  readonly #sender = new FilesSender(() => this.#changed());
  readonly #receiver: FilesReceiver;
  #isOpen = false;
  #isTelling = false;
  /** Frames that could not be read, dropped. */
  malformed = 0;

  constructor(store: FileStore, pairId: string) {
    super();
    this.#receiver = new FilesReceiver(store, pairId, () => this.#changed());
  }

  get view(): FilesView {
    const copy = <Item extends object>(items: readonly Item[]): Item[] =>
      items.map((item) => ({ ...item }));
    return {
      isOpen: this.#isOpen,
      sent: copy(this.#sender.files),
      received: copy(this.#receiver.files),
    };
  }

  /** Shows what an earlier visit received. */
  load(): Promise<void> {
    return this.#receiver.load();
  }

  /** Queues a file. @throws HelioError `bad-name` or `already-queued`. */
  add(file: SendableFile): Promise<SentFile> {
    return this.#sender.add(file);
  }

  /** Takes an own file back, or out of the list. */
  cancel(id: number): void {
    this.#sender.cancel(id);
    this.#changed();
  }

  accept(key: string): Promise<void> {
    return this.#receiver.accept(key);
  }

  /** Refuses an offer, stops a file, or removes one from this browser. */
  remove(key: string): Promise<void> {
    return this.#receiver.remove(key);
  }

  contents(key: string): Promise<Blob | null> {
    return this.#receiver.contents(key);
  }

  /** A channel is open and its keys are proven. */
  handleOpened(send: SendFileBytes): void {
    const sendFrame = (frame: FileFrame): Promise<void> => send(encodeFileFrame(frame));
    this.#isOpen = true;
    this.#receiver.open(sendFrame);
    this.#sender.open(sendFrame);
    this.#changed();
  }

  handleClosed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#receiver.close();
    this.#sender.close();
  }

  /** Takes the bytes of one frame; unreadable ones are dropped and counted. */
  handle(bytes: Bytes): void {
    let frame: FileFrame;
    try {
      frame = decodeFileFrame(bytes);
    } catch {
      this.malformed += 1;
      return;
    }
    const isAnswer = ["accept", "progress", "received", "refuse"].includes(frame.kind);
    if (isAnswer) this.#sender.handle(frame);
    else this.#receiver.handle(frame);
  }

  /** Views hear of what changed since the last time together: a chunk is no reason to draw. */
  #changed(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    setTimeout(() => {
      this.#isTelling = false;
      this.emit("change", this.view);
    }, TELL_INTERVAL_MS);
  }
}
