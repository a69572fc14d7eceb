// The files that this side sends: offered a few at a time, sent one after another, offered again
// on the next channel until the peer has them (docs/protocol.md, Files).
import { Blake3 } from "./blake3";
import { concat, equalBytes, utf8, type Bytes } from "./bytes";
import { HelioError } from "./errors";
import { CHUNK_LIMIT_BYTES, isOfferName, WINDOW_BYTES, type FileFrame } from "./file_frames";

/** Files offered at a time: far below what a peer takes. */
const OFFERS_AT_ONCE = 16;
/** Read at a time: sixteen chunks. */
const READ_BYTES = 16 * CHUNK_LIMIT_BYTES;

/** A file as a browser gives it. */
export type SendableFile = Pick<File, "name" | "size" | "lastModified" | "slice">;

/** Frames out; settles when there is room for more. */
export type SendFrame = (frame: FileFrame) => Promise<void>;

/** Where an own file is. */
export type SendState = "waiting" | "offered" | "sending" | "sent" | "failed";

/** One file of this side. */
export interface SentFile {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  state: SendState;
  /** Bytes that the peer has stored. */
  stored: number;
  /** Why it failed (docs/protocol.md, Files). */
  code: string | null;
}

interface Entry {
  view: SentFile;
  file: SendableFile;
  key: Bytes;
  claim: { offset: number; hash: Bytes } | null;
  sent: number;
  /** All of it was sent on this channel. */
  isDone: boolean;
  /** And on an earlier one. */
  wasDone: boolean;
}

/** The same for the same file, also after a reload and another choice of it. */
async function keyOf({ name, size, lastModified }: SendableFile): Promise<Bytes> {
  const hasher = await Blake3.create();
  hasher.update(concat(utf8(name), utf8(`\0${size}\0${lastModified}`)));
  return hasher.digest().slice(0, 16);
}

class SendStopped extends Error {}

/** The queue of one link. */
export class FilesSender {
  readonly #onChange: () => void;
  readonly #entries = new Map<number, Entry>();
  #nextId = 0;
  #send: SendFrame | null = null;
  #sending: Entry | null = null;
  #wake: () => void = () => undefined;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get files(): readonly SentFile[] {
    return [...this.#entries.values()].map(({ view }) => view);
  }

  /** Queues a file. @throws HelioError `bad-name` or `already-queued`. */
  async add(file: SendableFile): Promise<SentFile> {
    if (!isOfferName(file.name)) {
      throw new HelioError("bad-name", "the file has no name, or a very long one", "Rename it.");
    }
    const key = await keyOf(file);
    for (const entry of this.#entries.values()) {
      if (!equalBytes(entry.key, key)) continue;
      if (entry.view.state !== "failed" && entry.view.state !== "sent") {
        const step = "Wait until it is there.";
        throw new HelioError("already-queued", `${file.name} is on its way already`, step);
      }
      this.#entries.delete(entry.view.id);
    }
    const id = this.#nextId++;
    const { name, size } = file;
    const view: SentFile = { id, name, size, state: "waiting", stored: 0, code: null };
    this.#entries.set(id, { view, file, key, claim: null, sent: 0, isDone: false, wasDone: false });
    this.#onChange();
    this.#offer();
    return view;
  }

  /** Takes a file back, or out of the list. */
  cancel(id: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    const { state } = entry.view;
    if (state === "offered" || state === "sending")
      this.#tell({ kind: "cancel", id, code: "cancelled" });
    this.#over(entry, "failed", "cancelled");
  }

  open(send: SendFrame): void {
    this.#send = send;
    this.#offer();
  }

  /** The channel is gone: all that was not received waits for the next one. */
  close(): void {
    this.#send = null;
    this.#sending = null;
    for (const entry of this.#entries.values()) {
      const { view } = entry;
      entry.wasDone ||= entry.isDone;
      Object.assign(entry, { claim: null, sent: 0, isDone: false });
      if (view.state === "offered" || view.state === "sending") view.state = "waiting";
    }
    this.#wake();
    this.#onChange();
  }

  /** Takes the peer's answer about one of these files. */
  handle(frame: FileFrame): void {
    const entry = this.#entries.get(frame.id);
    if (entry === undefined) return;
    const { view } = entry;
    // Said on a channel that closed while the frame was opened.
    if (frame.kind === "received" && view.state === "waiting" && entry.wasDone) {
      view.stored = view.size;
      return this.#over(entry, "sent", null);
    }
    const isLive = view.state === "offered" || view.state === "sending";
    if (!isLive) return;
    if (frame.kind === "refuse") return this.#over(entry, "failed", frame.code);
    if (frame.kind === "accept") {
      if (view.state !== "offered" || entry.claim !== null || frame.offset > view.size) {
        return this.#fail(entry, "bad-order");
      }
      entry.claim = { offset: frame.offset, hash: frame.hash };
      this.#next();
    } else if (frame.kind === "progress") {
      if (frame.offset > entry.sent || frame.offset < view.stored) {
        return this.#fail(entry, "bad-order");
      }
      view.stored = frame.offset;
      this.#wake();
      this.#onChange();
    } else if (frame.kind === "received") {
      // An offer is answered so where the peer has the file already.
      if (view.state === "sending" && !entry.isDone) return this.#fail(entry, "bad-order");
      view.stored = view.size;
      this.#over(entry, "sent", null);
    }
  }

  #tell(frame: FileFrame): void {
    void this.#send?.(frame);
  }

  #fail(entry: Entry, code: string): void {
    this.#tell({ kind: "cancel", id: entry.view.id, code });
    this.#over(entry, "failed", code);
  }

  #over(entry: Entry, state: SendState, code: string | null): void {
    Object.assign(entry.view, { state, code });
    if (this.#sending === entry) this.#sending = null;
    this.#wake();
    this.#onChange();
    this.#offer();
    this.#next();
  }

  /** Offers waiting files, as many as may be open. */
  #offer(): void {
    if (this.#send === null) return;
    const entries = [...this.#entries.values()];
    const isOpen = ({ view }: Entry): boolean =>
      view.state === "offered" || view.state === "sending";
    let open = entries.filter(isOpen).length;
    for (const { view, key } of entries) {
      if (view.state !== "waiting" || open >= OFFERS_AT_ONCE) continue;
      open += 1;
      view.state = "offered";
      this.#tell({ kind: "offer", id: view.id, name: view.name, size: view.size, key });
    }
    this.#onChange();
  }

  /** Puts the first accepted file on its way when none is. */
  #next(): void {
    if (this.#sending !== null || this.#send === null) return;
    const isNext = ({ view, claim }: Entry): boolean => view.state === "offered" && claim !== null;
    const entry = [...this.#entries.values()].find(isNext);
    if (entry === undefined) return;
    entry.view.state = "sending";
    this.#sending = entry;
    this.#run(entry, this.#send).catch((thrown: unknown) => {
      if (!(thrown instanceof SendStopped)) this.#fail(entry, "read-failed");
    });
  }

  async #run(entry: Entry, send: SendFrame): Promise<void> {
    const going = (): void => {
      // Cancelled, refused, or another channel: this run has nothing more to say.
      if (this.#send !== send || this.#sending !== entry) throw new SendStopped();
    };
    const { view } = entry;
    const { offset, hash } = entry.claim ?? { offset: 0, hash: new Uint8Array(0) };
    let hasher = await Blake3.create();
    for await (const bytes of this.#read(entry, 0, offset)) {
      going();
      hasher.update(bytes);
    }
    let begin = offset;
    if (offset > 0 && !equalBytes(hasher.digest(), hash)) {
      begin = 0;
      hasher = await Blake3.create();
    }
    going();
    entry.sent = begin;
    view.stored = begin;
    for await (const bytes of this.#read(entry, begin, view.size)) {
      hasher.update(bytes);
      for (let at = 0; at < bytes.length; at += CHUNK_LIMIT_BYTES) {
        const chunk = bytes.subarray(at, at + CHUNK_LIMIT_BYTES);
        going();
        while (this.#unstored() + chunk.length > WINDOW_BYTES) {
          await new Promise<void>((resolve) => (this.#wake = resolve));
          going();
        }
        const from = entry.sent;
        entry.sent += chunk.length;
        await send({ kind: "chunk", id: view.id, offset: from, bytes: chunk });
      }
    }
    going();
    entry.isDone = true;
    this.#sending = null;
    await send({ kind: "done", id: view.id, hash: hasher.digest() });
    this.#next();
  }

  async *#read({ file }: Entry, begin: number, end: number): AsyncGenerator<Bytes> {
    for (let at = begin; at < end; at += READ_BYTES) {
      const slice = file.slice(at, Math.min(end, at + READ_BYTES));
      const bytes = new Uint8Array(await slice.arrayBuffer());
      // A file that became shorter since it was chosen.
      if (bytes.length !== Math.min(end - at, READ_BYTES)) throw new Error("the file changed");
      yield bytes;
    }
  }

  /** Bytes sent and not stored yet, of all files. */
  #unstored(): number {
    let unstored = 0;
    for (const { view, sent } of this.#entries.values()) {
      if (view.state === "sending") unstored += sent - view.stored;
    }
    return unstored;
  }
}
