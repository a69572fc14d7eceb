// Conversations with models as this browser keeps them, in IndexedDB: they leave it only as
// questions to the device that answers, and are gone once deleted.
import { HelioError } from "./errors";
import type { AnswerState } from "./llm_answer";

/** What the person said. */
export interface OwnTurn {
  by: "self";
  text: string;
  /** Unix milliseconds. */
  at: number;
}

/** What a model said, as far as it came. */
export interface ModelTurn {
  by: "model";
  text: string;
  at: number;
  model: string;
  /** The device that answers. */
  pairId: string;
  /** The chat's id at that device. */
  answerId: string;
  /** The number of the last piece that came. */
  seq: number;
  state: AnswerState;
  failure: { code: string; message: string; nextStep: string } | null;
}

export type Turn = OwnTurn | ModelTurn;

/** One conversation. */
export interface Conversation {
  id: string;
  title: string;
  /** Unix milliseconds of the last turn. */
  updated: number;
  turns: readonly Turn[];
}

const DATABASE = "heliograph-chats";
const CONVERSATIONS = "conversations";

function storageError(cause: unknown): HelioError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HelioError(
    "storage",
    `the conversation is not kept: ${reason}`,
    "Delete old ones, or allow this site to store data.",
  );
}

function settled<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(storageError(request.error));
  });
}

/** The conversations of this browser. */
export class LlmHistory {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** Opens (or creates) the database; tests give names. @throws HelioError `storage`. */
  static async open(factory: IDBFactory = indexedDB, name = DATABASE): Promise<LlmHistory> {
    const request = factory.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(CONVERSATIONS, { keyPath: "id" });
    };
    return new LlmHistory(await settled(request));
  }

  /** All conversations, the newest first. */
  async list(): Promise<Conversation[]> {
    const all: Conversation[] = await settled(this.#objects("readonly").getAll());
    return all.toSorted((a, b) => b.updated - a.updated);
  }

  /** Keeps a conversation as it is now; resolves when it is on the disk. */
  async put(conversation: Conversation): Promise<void> {
    await this.#change((objects) => objects.put(conversation));
  }

  async delete(id: string): Promise<void> {
    await this.#change((objects) => objects.delete(id));
  }

  async deleteAll(): Promise<void> {
    await this.#change((objects) => objects.clear());
  }

  #objects(mode: IDBTransactionMode): IDBObjectStore {
    return this.#database.transaction(CONVERSATIONS, mode).objectStore(CONVERSATIONS);
  }

  async #change(step: (objects: IDBObjectStore) => unknown): Promise<void> {
    const objects = this.#objects("readwrite");
    const { transaction } = objects;
    const committed = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(storageError(transaction.error));
    });
    step(objects);
    await committed;
  }
}
