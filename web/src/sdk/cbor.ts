// Deterministic CBOR (RFC 8949 §4.2.1): shortest integers, definite lengths, sorted keys.
// Only the one encoding of a value is read, so that no two readers understand one message
// differently; the native side reads and refuses the same bytes (testdata/control).
import { decode, encode, rfc8949EncodeOptions, Tokenizer, Type, type Token } from "cborg";
import { equalBytes, type Bytes } from "./bytes";
import { HelioError } from "./errors";

/** Largest CBOR message in bytes. */
export const CBOR_LIMIT_BYTES = 16 * 1024;

/** Deepest nesting of arrays and maps. */
export const CBOR_DEPTH_LIMIT = 4;

/** What the wire may carry. */
export type CborValue =
  | number
  | bigint
  | string
  | boolean
  | null
  | Uint8Array
  | CborValue[]
  | { [key: string]: CborValue };

const DECODE_OPTIONS = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowNaN: false,
  rejectDuplicateMapKeys: true,
  retainStringBytes: true,
};

const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

function malformed(what: string): HelioError {
  return new HelioError("bad-cbor", `cbor: ${what}`, "Update both devices to the same version.");
}

/** Counts open arrays and maps while cborg reads, and refuses what nests too deep. */
class DepthTokenizer {
  readonly #inner: Tokenizer;
  /** For each open container: how many items it still waits for. */
  readonly #waiting: number[] = [];

  constructor(bytes: Uint8Array) {
    this.#inner = new Tokenizer(bytes, DECODE_OPTIONS);
  }

  done(): boolean {
    return this.#inner.done();
  }

  pos(): number {
    return this.#inner.pos();
  }

  next(): Token {
    const token = this.#inner.next();
    this.#count(token);
    // TextDecoder inside cborg replaces bad UTF-8 silently; refuse it (RFC 8949 §5.3.1).
    if (token.byteValue !== undefined) strictUtf8.decode(token.byteValue);
    return token;
  }

  #count(token: Token): void {
    const open = this.#waiting;
    if (open.length > 0) open[open.length - 1] = (open.at(-1) ?? 0) - 1;
    // Only of these: a number of a long byte string takes as long as to write it down.
    if (token.type === Type.array) open.push(Number(token.value));
    if (token.type === Type.map) open.push(Number(token.value) * 2);
    if (open.length > CBOR_DEPTH_LIMIT) throw malformed(`nested deeper than ${CBOR_DEPTH_LIMIT}`);
    while (open.length > 0 && open.at(-1) === 0) open.pop();
  }
}

/** The deterministic encoding. @throws RangeError for NaN and values CBOR here does not carry. */
export function encodeCbor(value: CborValue): Bytes {
  return encode(value, rfc8949EncodeOptions) as Bytes;
}

/**
 * The value of exactly one CBOR item.
 * @throws HelioError `bad-cbor` for everything but a bounded, definite, unambiguous item.
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  if (bytes.length > CBOR_LIMIT_BYTES) {
    throw malformed(`message of ${bytes.length} bytes, limit ${CBOR_LIMIT_BYTES}`);
  }
  let value: CborValue;
  try {
    value = decode(bytes, { ...DECODE_OPTIONS, tokenizer: new DepthTokenizer(bytes) }) as CborValue;
  } catch (thrown) {
    if (thrown instanceof HelioError) throw thrown;
    throw malformed(thrown instanceof Error ? thrown.message : "unreadable");
  }
  // Catches every other spelling at once: unsorted keys, wider floats, whole numbers as floats.
  if (!equalBytes(encodeCbor(value), bytes)) throw malformed("not the deterministic encoding");
  return value;
}
