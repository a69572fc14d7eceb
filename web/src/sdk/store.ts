// What a device remembers, in IndexedDB: its keys, its pairs, signature times.
// Private keys and pair secrets are non-extractable CryptoKeys: scripts can use, not read, them.
import { HelioError } from "./errors";
import type { DeviceRecord } from "./record";

/** This device's keys and record as kept. */
export interface StoredIdentity {
  record: DeviceRecord;
  signKey: CryptoKey;
  x25519Key: CryptoKey;
}

/** One pair as this device knows it. */
export interface StoredPair {
  pairId: string;
  /** The peer's record, pinned: names shown to people come from here. */
  peer: DeviceRecord;
  /** HKDF key of the pair secret, non-extractable; null on unverified pairs. */
  secret: CryptoKey | null;
  /** Whether both people compared words. Unverified pairs are shown as such. */
  verified: boolean;
  /** Unix milliseconds. */
  created: number;
  /** What this account calls the pair. */
  label?: string;
}

/** Which direction a remembered signature time belongs to. */
export type SdpTimeOf = "own" | "peer";

const DATABASE = "heliograph";
const VERSION = 2;

function settled<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(storageError(request.error));
  });
}

function storageError(cause: unknown): HelioError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HelioError(
    "storage",
    `this browser does not keep data for this site: ${reason}`,
    "Leave private browsing, or allow this site to store data, and reload.",
  );
}

function openDatabase(factory: IDBFactory, name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    let request: IDBOpenDBRequest;
    try {
      request = factory.open(name, VERSION);
    } catch (thrown) {
      reject(storageError(thrown));
      return;
    }
    request.onupgradeneeded = ({ oldVersion }) => upgrade(request.result, oldVersion);
    request.onsuccess = () => {
      // A tab that stays open must not keep a later version of the pages out.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(storageError(request.error));
    request.onblocked = () => reject(storageError(new Error("another tab holds an older version")));
  });
}

function upgrade(database: IDBDatabase, oldVersion: number): void {
  if (oldVersion < 1) {
    database.createObjectStore("identity");
    database.createObjectStore("pairs", { keyPath: "pairId" });
    database.createObjectStore("sdpTimes");
  }
  if (oldVersion < 2) database.createObjectStore("revokedPairs");
}

/** The device's memory. One per page; open it once. */
export class Store {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** Opens (or creates) the database; tests give names. @throws HelioError `storage`. */
  static async open(factory: IDBFactory = indexedDB, name = DATABASE): Promise<Store> {
    return new Store(await openDatabase(factory, name));
  }

  #objects(name: string, mode: IDBTransactionMode): IDBObjectStore {
    return this.#database.transaction(name, mode).objectStore(name);
  }

  async identity(): Promise<StoredIdentity | null> {
    return (await settled(this.#objects("identity", "readonly").get("self"))) ?? null;
  }

  async putIdentity(identity: StoredIdentity): Promise<void> {
    await settled(this.#objects("identity", "readwrite").put(identity, "self"));
  }

  /** Keeps a first identity; false when another tab was quicker. */
  async addIdentity(identity: StoredIdentity): Promise<boolean> {
    const objects = this.#objects("identity", "readwrite");
    if ((await settled(objects.get("self"))) !== undefined) return false;
    await settled(objects.put(identity, "self"));
    return true;
  }

  /** All pairs, oldest first. */
  async pairs(): Promise<StoredPair[]> {
    const pairs: StoredPair[] = await settled(this.#objects("pairs", "readonly").getAll());
    return pairs.toSorted((a, b) => a.created - b.created);
  }

  async pair(pairId: string): Promise<StoredPair | null> {
    return (await settled(this.#objects("pairs", "readonly").get(pairId))) ?? null;
  }

  async putPair(pair: StoredPair): Promise<void> {
    await settled(this.#objects("pairs", "readwrite").put(pair));
  }

  /** Forgets a pair and its secret. Signature times stay, so that replays stay refused. */
  async deletePair(pairId: string): Promise<void> {
    await settled(this.#objects("pairs", "readwrite").delete(pairId));
  }

  /** Forgets a pair and keeps, in the same transaction, that the server has yet to learn of it. */
  async revokePair(pairId: string): Promise<void> {
    const transaction = this.#database.transaction(["pairs", "revokedPairs"], "readwrite");
    await Promise.all([
      settled(transaction.objectStore("pairs").delete(pairId)),
      settled(transaction.objectStore("revokedPairs").put(true, pairId)),
    ]);
  }

  /** Pairs revoked here of which the server has yet to learn. */
  async revokedPairs(): Promise<string[]> {
    const ids = await settled(this.#objects("revokedPairs", "readonly").getAllKeys());
    return ids.map(String);
  }

  /** The server knows. */
  async forgetRevocation(pairId: string): Promise<void> {
    await settled(this.#objects("revokedPairs", "readwrite").delete(pairId));
  }

  /** Highest `ts` signed (own) or accepted (peer) on a pair, 0 before the first. */
  async sdpTime(pairId: string, of: SdpTimeOf): Promise<number> {
    return (await settled(this.#objects("sdpTimes", "readonly").get(`${of}:${pairId}`))) ?? 0;
  }

  /**
   * Raises the remembered `ts` in one transaction, so that two tabs cannot accept one message.
   * @returns false when `ts` is not above what is remembered.
   */
  async raiseSdpTime(pairId: string, of: SdpTimeOf, ts: number): Promise<boolean> {
    const objects = this.#objects("sdpTimes", "readwrite");
    const highest: number = (await settled(objects.get(`${of}:${pairId}`))) ?? 0;
    if (ts <= highest) return false;
    await settled(objects.put(ts, `${of}:${pairId}`));
    return true;
  }

  /** The next `ts` to sign with: max(now, last + 1), remembered. */
  async nextOwnSdpTime(pairId: string, nowMs: number): Promise<number> {
    const objects = this.#objects("sdpTimes", "readwrite");
    const last: number = (await settled(objects.get(`own:${pairId}`))) ?? 0;
    const ts = Math.max(nowMs, last + 1);
    await settled(objects.put(ts, `own:${pairId}`));
    return ts;
  }

  /** Closes the database; for tests. */
  close(): void {
    this.#database.close();
  }
}
