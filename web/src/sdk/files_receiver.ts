// The files that the peer sends: offered, accepted, stored in segments, checked at the end
// (docs/protocol.md, Files).
import { Blake3 } from "./blake3";
import { equalBytes, toBase64url, type Bytes } from "./bytes";
import { asHelioError } from "./errors";
import { OPEN_OFFERS_LIMIT, WINDOW_BYTES, type FileFrame } from "./file_frames";
import { sanitiseFileName } from "./file_names";
import { SEGMENT_BYTES, type FileStore, type KeptFile } from "./file_store";
import { Serial } from "./serial";
import type { SendFrame } from "./files_sender";

/** Read at a time when what is stored is hashed anew. */
const HASH_READ_BYTES = 4 * 1024 * 1024;

/**
 * Where a file of the peer is: `offered` somebody has to decide · `receiving` · `paused` waits for
 * the link · `received` whole, until it is removed · `failed`, see its code.
 */
export type ReceiveState = "offered" | "receiving" | "paused" | "received" | "failed";

/** One file of the peer. */
export interface ReceivedFile {
  /** Base64url of its key. */
  readonly key: string;
  /** Fit for this disk. */
  readonly name: string;
  readonly size: number;
  state: ReceiveState;
  /** Bytes that came. */
  taken: number;
  code: string | null;
}

interface Entry {
  view: ReceivedFile;
  /** The sender's number of it on this channel. */
  id: number | null;
  kept: KeptFile | null;
  /** Of what is stored and pending; none until the file is begun. */
  hasher: Blake3 | null;
  pending: Bytes[];
  pendingBytes: number;
  isFresh: boolean;
}

type Offer = FileFrame & { kind: "offer" };

/** The peer's files of one link. */
export class FilesReceiver {
  readonly #store: FileStore;
  readonly #pairId: string;
  readonly #onChange: () => void;
  readonly #entries = new Map<string, Entry>();
  /** Frames and decisions are handled one after another: storing takes its time. */
  readonly #steps: Serial;
  #send: SendFrame | null = null;
  /** The channel that the step under way belongs to: a slow one must not answer on the next. */
  #answering: SendFrame | null = null;
  #queuedBytes = 0;

  constructor(store: FileStore, pairId: string, onChange: () => void) {
    this.#store = store;
    this.#pairId = pairId;
    this.#onChange = onChange;
    this.#steps = new Serial((thrown) => console.error("a file frame was not handled", thrown));
  }

  get files(): readonly ReceivedFile[] {
    return [...this.#entries.values()].map(({ view }) => view);
  }

  /** Shows what an earlier visit left. */
  async load(): Promise<void> {
    for (const kept of await this.#store.list(this.#pairId)) {
      if (this.#entries.has(kept.key)) continue;
      const state = kept.isWhole ? "received" : "paused";
      this.#entries.set(kept.key, entryOf(kept.key, kept.name, kept.size, state, kept));
    }
    this.#onChange();
  }

  open(send: SendFrame): void {
    this.#send = send;
  }

  close(): void {
    this.#send = null;
    void this.#steps.run(async () => {
      for (const [key, entry] of this.#entries) {
        entry.id = null;
        if (entry.view.state === "receiving") await this.#pause(entry);
        if (entry.view.state === "offered") this.#entries.delete(key);
      }
      this.#onChange();
    });
  }

  /** Wants an offered file. */
  accept(key: string): Promise<void> {
    return this.#step(() => this.#begin(key));
  }

  /** Does not want a file, or not any more; what is stored of it is removed. */
  remove(key: string): Promise<void> {
    return this.#step(async () => {
      const entry = this.#entries.get(key);
      if (entry === undefined) return;
      this.#entries.delete(key);
      if (entry.id !== null && entry.view.state === "offered") this.#refuse(entry.id, "refused");
      if (entry.id !== null && entry.view.state === "receiving")
        this.#refuse(entry.id, "cancelled");
      if (entry.kept !== null) await this.#store.remove(entry.kept);
      this.#onChange();
    });
  }

  /** A received file's contents, or null while it is not whole. */
  async contents(key: string): Promise<Blob | null> {
    const entry = this.#entries.get(key);
    if (entry?.kept?.isWhole !== true) return null;
    return this.#store.contents(entry.kept);
  }

  /** Takes the peer's frame about one of its files. */
  handle(frame: FileFrame): void {
    if (frame.kind === "chunk") this.#queuedBytes += frame.bytes.length;
    const isFlood = this.#queuedBytes > WINDOW_BYTES;
    void this.#step(async () => {
      if (frame.kind === "chunk") this.#queuedBytes -= frame.bytes.length;
      if (frame.kind === "offer") return this.#offered(frame);
      const entry = this.#byId(frame.id);
      if (entry !== null && isFlood) return this.#fail(entry, "bad-order");
      if (entry === null) return;
      if (frame.kind === "cancel") return this.#cancelled(entry, frame.code);
      if (entry.view.state !== "receiving") return this.#fail(entry, "bad-order");
      try {
        if (frame.kind === "chunk") await this.#chunk(entry, frame.offset, frame.bytes);
        if (frame.kind === "done") await this.#done(entry, frame.hash);
      } catch (thrown) {
        // What was stored stays: a later offer of the same file goes on there.
        const { code } = asHelioError(thrown);
        await this.#fail(entry, code === "disk-full" ? code : "write-failed");
      }
    });
  }

  #step(step: () => Promise<void>): Promise<void> {
    const channel = this.#send;
    return this.#steps.run(() => {
      this.#answering = channel;
      return step();
    });
  }

  async #offered({ id, name, size, key: bytes }: Offer): Promise<void> {
    const key = toBase64url(bytes);
    const before = this.#entries.get(key);
    const open = [...this.#entries.values()].filter((entry) => entry.id !== null);
    if (this.#byId(id) !== null || open.includes(before as Entry))
      return this.#refuse(id, "refused");
    if (open.length >= OPEN_OFFERS_LIMIT) return this.#refuse(id, "too-many");
    const kept = await this.#store.find(this.#pairId, bytes);
    if (kept?.isWhole === true && kept.size === size) return this.#tell({ kind: "received", id });
    const entry = entryOf(key, name, size, "offered", kept?.size === size ? kept : null);
    entry.id = id;
    this.#entries.set(key, entry);
    // Accepted before: it goes on without asking.
    if (entry.kept !== null) await this.#begin(key);
    this.#onChange();
  }

  async #begin(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.id === null || entry.view.state !== "offered") return;
    const { view } = entry;
    const { name, size } = view;
    const row = {
      pairId: this.#pairId,
      key,
      name,
      size,
      stored: 0,
      isWhole: false,
      at: Date.now(),
    };
    let hash: Bytes;
    try {
      entry.kept ??= row;
      if (entry.kept === row) await this.#store.put(row);
      hash = await this.#hashStored(entry, entry.kept);
    } catch (thrown) {
      const { code } = asHelioError(thrown);
      return this.#fail(entry, code === "disk-full" ? code : "write-failed");
    }
    view.state = "receiving";
    view.taken = entry.kept.stored;
    this.#tell({ kind: "accept", id: entry.id, offset: view.taken, hash });
    this.#onChange();
  }

  /** The hash of what is stored, from where it goes on. */
  async #hashStored(entry: Entry, kept: KeptFile): Promise<Bytes> {
    const hasher = await Blake3.create();
    entry.hasher = hasher;
    if (kept.stored === 0) return hasher.digest();
    const contents = await this.#store.contents(kept);
    for (let at = 0; at < contents.size; at += HASH_READ_BYTES) {
      const part = await contents.slice(at, at + HASH_READ_BYTES).arrayBuffer();
      hasher.update(new Uint8Array(part));
    }
    return hasher.digest();
  }

  async #chunk(entry: Entry, offset: number, bytes: Bytes): Promise<void> {
    const { view } = entry;
    if (entry.kept === null || entry.id === null) return;
    if (offset === 0 && entry.isFresh && view.taken > 0) {
      // What is stored is of another file.
      entry.kept = await this.#store.restart(entry.kept);
      entry.hasher = await Blake3.create();
      view.taken = 0;
    }
    entry.isFresh = false;
    if (offset !== view.taken || offset + bytes.length > view.size) {
      return this.#fail(entry, "bad-order");
    }
    entry.hasher?.update(bytes);
    entry.pending.push(bytes);
    entry.pendingBytes += bytes.length;
    view.taken += bytes.length;
    if (entry.pendingBytes >= SEGMENT_BYTES || view.taken === view.size) await this.#flush(entry);
    this.#onChange();
  }

  async #flush(entry: Entry): Promise<void> {
    if (entry.kept === null || entry.pendingBytes === 0) return;
    entry.kept = await this.#store.append(entry.kept, new Blob(entry.pending.splice(0)));
    entry.pendingBytes = 0;
    if (entry.id === null) return;
    this.#tell({ kind: "progress", id: entry.id, offset: entry.kept.stored });
  }

  async #done(entry: Entry, hash: Bytes): Promise<void> {
    const { view, kept, id } = entry;
    if (kept === null || id === null) return;
    if (view.taken !== view.size) return this.#fail(entry, "bad-order");
    const { hasher } = entry;
    entry.hasher = null;
    if (hasher === null || !equalBytes(hasher.digest(), hash)) {
      await this.#fail(entry, "hash-differs");
      entry.kept = null;
      return this.#store.remove(kept);
    }
    entry.kept = { ...kept, isWhole: true };
    await this.#store.put(entry.kept);
    entry.id = null;
    view.state = "received";
    this.#tell({ kind: "received", id });
    this.#onChange();
  }

  async #cancelled(entry: Entry, code: string): Promise<void> {
    entry.id = null;
    Object.assign(entry.view, { state: "failed", code });
    const { kept } = entry;
    // What could not be read now may be read another time.
    if (kept !== null && code !== "read-failed") {
      entry.kept = null;
      await this.#store.remove(kept);
    }
    this.#onChange();
  }

  async #fail(entry: Entry, code: string): Promise<void> {
    if (entry.id !== null) this.#refuse(entry.id, code);
    entry.id = null;
    entry.pending = [];
    entry.pendingBytes = 0;
    Object.assign(entry.view, { state: "failed", code });
    this.#onChange();
  }

  /** Keeps what came since the last segment. */
  async #pause(entry: Entry): Promise<void> {
    entry.view.state = "paused";
    try {
      await this.#flush(entry);
    } catch {
      entry.pending = [];
      entry.pendingBytes = 0;
    }
    entry.view.taken = entry.kept?.stored ?? 0;
  }

  #byId(id: number): Entry | null {
    return [...this.#entries.values()].find((entry) => entry.id === id) ?? null;
  }

  #refuse(id: number, code: string): void {
    this.#tell({ kind: "refuse", id, code });
  }

  #tell(frame: FileFrame): void {
    if (this.#answering === this.#send) void this.#send?.(frame);
  }
}

function entryOf(
  key: string,
  name: string,
  size: number,
  state: ReceiveState,
  kept: KeptFile | null,
): Entry {
  return {
    view: { key, name: sanitiseFileName(name), size, state, taken: kept?.stored ?? 0, code: null },
    id: null,
    kept,
    hasher: null,
    pending: [],
    pendingBytes: 0,
    isFresh: true,
  };
}
