// What was received of files, in IndexedDB: segments that survive a reload, so that a file goes on
// where it was, and is put together without being read into memory.
import { toBase64url, type Bytes } from "./bytes";
import { asHelioError, HelioError } from "./errors";

/** A segment is stored when this much came, in bytes: as much as a reload may cost. */
export const SEGMENT_BYTES = 1024 * 1024;

/** A file as it is kept. */
export interface KeptFile {
  pairId: string;
  /** Base64url of the offer's key. */
  key: string;
  /** As the peer named it: sanitise it before it is used. */
  name: string;
  size: number;
  /** Bytes in segments. */
  stored: number;
  /** Whether all of it is here and its hash was right. */
  isWhole: boolean;
  /** Unix milliseconds of the offer. */
  at: number;
}

const DATABASE = "heliograph-files";

function settled<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(writeError(request.error));
  });
}

function writeError(cause: unknown): HelioError {
  const isFull = cause instanceof Error && cause.name === "QuotaExceededError";
  const { message } = asHelioError(cause);
  return new HelioError(
    isFull ? "disk-full" : "write-failed",
    `the file cannot be stored: ${message}`,
    isFull ? "Free some space, then send it again: it goes on." : "Reload and send it again.",
  );
}

function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(writeError(transaction.error));
  });
}

/** All segments of a file: their keys begin with its own. */
function segmentsOf({ pairId, key }: KeptFile): IDBKeyRange {
  return IDBKeyRange.bound([pairId, key, 0], [pairId, key, Number.MAX_SAFE_INTEGER]);
}

/** Received files of this browser. */
export class FileStore {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** Opens (or creates) the database; tests give names. */
  static async open(factory: IDBFactory = indexedDB, name = DATABASE): Promise<FileStore> {
    const request = factory.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("files", { keyPath: ["pairId", "key"] });
      request.result.createObjectStore("segments");
    };
    return new FileStore(await settled(request));
  }

  /** The files of a pair, oldest first. */
  async list(pairId: string): Promise<KeptFile[]> {
    const range = IDBKeyRange.bound([pairId], [pairId, []]);
    const files: KeptFile[] = await settled(this.#objects("files").getAll(range));
    return files.toSorted((a, b) => a.at - b.at);
  }

  async find(pairId: string, key: Bytes): Promise<KeptFile | null> {
    return (await settled(this.#objects("files").get([pairId, toBase64url(key)]))) ?? null;
  }

  /** Writes a file's row. */
  async put(file: KeptFile): Promise<void> {
    const transaction = this.#database.transaction("files", "readwrite");
    transaction.objectStore("files").put(file);
    await committed(transaction);
  }

  /** Adds a segment; returns the file as it is now. @throws HelioError `disk-full`. */
  async append(file: KeptFile, segment: Blob): Promise<KeptFile> {
    const transaction = this.#database.transaction(["files", "segments"], "readwrite");
    const longer = { ...file, stored: file.stored + segment.size };
    transaction.objectStore("segments").put(segment, [file.pairId, file.key, file.stored]);
    transaction.objectStore("files").put(longer);
    await committed(transaction);
    return longer;
  }

  /** Drops what is stored. */
  async restart(file: KeptFile): Promise<KeptFile> {
    const transaction = this.#database.transaction(["files", "segments"], "readwrite");
    const empty = { ...file, stored: 0, isWhole: false };
    transaction.objectStore("segments").delete(segmentsOf(file));
    transaction.objectStore("files").put(empty);
    await committed(transaction);
    return empty;
  }

  /** Forgets a file. */
  async remove(file: KeptFile): Promise<void> {
    const transaction = this.#database.transaction(["files", "segments"], "readwrite");
    transaction.objectStore("segments").delete(segmentsOf(file));
    transaction.objectStore("files").delete([file.pairId, file.key]);
    await committed(transaction);
  }

  /** What is stored, as one; the browser reads it from its disk when it is used. */
  async contents(file: KeptFile): Promise<Blob> {
    const segments: Blob[] = await settled(this.#objects("segments").getAll(segmentsOf(file)));
    return new Blob(segments);
  }

  #objects(name: string): IDBObjectStore {
    return this.#database.transaction(name, "readonly").objectStore(name);
  }
}
