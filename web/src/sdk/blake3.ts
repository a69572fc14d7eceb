// BLAKE3 of what comes in parts. In WebAssembly: in JavaScript it takes the page more time than all
// the rest of a file.
import { createBLAKE3, type IHasher } from "hash-wasm";
import type { Bytes } from "./bytes";

/** The hash of all bytes so far. */
export class Blake3 {
  readonly #hasher: IHasher;

  private constructor(hasher: IHasher) {
    this.#hasher = hasher.init();
  }

  static async create(): Promise<Blake3> {
    return new Blake3(await createBLAKE3());
  }

  update(bytes: Bytes): void {
    this.#hasher.update(bytes);
  }

  /** 32 bytes; more may follow. */
  digest(): Bytes {
    const state = this.#hasher.save();
    const digest = this.#hasher.digest("binary") as Bytes;
    this.#hasher.load(state);
    return digest;
  }
}
