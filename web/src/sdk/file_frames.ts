// Frames of the channel `file` (docs/protocol.md, Files), with their limits.
import { decodeCbor, encodeCbor, type CborValue } from "./cbor";
import { utf8, type Bytes } from "./bytes";
import { HelioError } from "./errors";

/** Longest name of an offer, in bytes of UTF-8. */
export const FILE_NAME_LIMIT_BYTES = 1024;
/** Largest chunk in bytes. */
export const CHUNK_LIMIT_BYTES = 15 * 1024;
/** Files of one sender that may be offered or on their way. */
export const OPEN_OFFERS_LIMIT = 64;
/** How far a sender may run ahead of `progress`, in bytes. */
export const WINDOW_BYTES = 4 * 1024 * 1024;

const KEY_BYTES = 16;
const HASH_BYTES = 32;

export type FileFrame =
  | { kind: "offer"; id: number; name: string; size: number; key: Bytes }
  | { kind: "accept"; id: number; offset: number; hash: Bytes }
  | { kind: "chunk"; id: number; offset: number; bytes: Bytes }
  | { kind: "done"; id: number; hash: Bytes }
  | { kind: "progress"; id: number; offset: number }
  | { kind: "received"; id: number }
  | { kind: "cancel"; id: number; code: string }
  | { kind: "refuse"; id: number; code: string };

function malformed(what: string): HelioError {
  return new HelioError("bad-frame", `file frame: ${what}`, "Update both devices.");
}

function uint(value: CborValue | undefined, what: string, limit: number): number {
  const isUint = typeof value === "number" && Number.isInteger(value) && value >= 0;
  if (!isUint || value > limit) throw malformed(`${what} is no unsigned number`);
  return value;
}

function offsetOf(value: CborValue | undefined): number {
  return uint(value, "offset", Number.MAX_SAFE_INTEGER);
}

function bytesOf(value: CborValue | undefined, what: string, length?: number): Bytes {
  if (!(value instanceof Uint8Array)) throw malformed(`${what} is no bytes`);
  if (length !== undefined && value.length !== length) throw malformed(`${what} of another length`);
  return value as Bytes;
}

function chunkOf(value: CborValue | undefined): Bytes {
  const bytes = bytesOf(value, "chunk");
  if (bytes.length === 0 || bytes.length > CHUNK_LIMIT_BYTES) {
    throw malformed(`a chunk of ${bytes.length} bytes, limit ${CHUNK_LIMIT_BYTES}`);
  }
  return bytes;
}

/** Whether a name may be offered. */
export function isOfferName(name: string): boolean {
  return name.length > 0 && utf8(name).length <= FILE_NAME_LIMIT_BYTES;
}

function nameOf(value: CborValue | undefined): string {
  if (typeof value !== "string" || !isOfferName(value)) throw malformed("no name");
  return value;
}

function codeOf(value: CborValue | undefined): string {
  if (typeof value !== "string" || !/^[a-z0-9-]{1,32}$/.test(value)) throw malformed("no code");
  return value;
}

/** The bytes of a frame. @throws HelioError `bad-frame` for a name or chunk beyond its limit. */
export function encodeFileFrame(frame: FileFrame): Bytes {
  switch (frame.kind) {
    case "offer":
      return encodeCbor([0, frame.id, nameOf(frame.name), frame.size, frame.key]);
    case "accept":
      return encodeCbor([1, frame.id, frame.offset, frame.hash]);
    case "chunk":
      return encodeCbor([2, frame.id, frame.offset, chunkOf(frame.bytes)]);
    case "done":
      return encodeCbor([3, frame.id, frame.hash]);
    case "progress":
      return encodeCbor([4, frame.id, frame.offset]);
    case "received":
      return encodeCbor([5, frame.id]);
    case "cancel":
      return encodeCbor([6, frame.id, codeOf(frame.code)]);
    case "refuse":
      return encodeCbor([7, frame.id, codeOf(frame.code)]);
  }
}

/** Items of each kind, by its number. */
const LENGTHS = [5, 4, 4, 3, 3, 2, 3, 3];

/** Reads a frame. @throws HelioError `bad-cbor` or `bad-frame`. */
export function decodeFileFrame(input: Bytes): FileFrame {
  const items = decodeCbor(input);
  if (!Array.isArray(items)) throw malformed("not an array");
  const [number, idItem, third, fourth, fifth] = items;
  if (typeof number !== "number" || LENGTHS[number] !== items.length) {
    throw malformed("unknown kind, or too few or many items");
  }
  const id = uint(idItem, "id", 0xffff_ffff);
  switch (number) {
    case 0: {
      const name = nameOf(third);
      const key = bytesOf(fifth, "key", KEY_BYTES);
      return { kind: "offer", id, name, size: offsetOf(fourth), key };
    }
    case 1: {
      const hash = bytesOf(fourth, "hash", HASH_BYTES);
      return { kind: "accept", id, offset: offsetOf(third), hash };
    }
    case 2:
      return { kind: "chunk", id, offset: offsetOf(third), bytes: chunkOf(fourth) };
    case 3:
      return { kind: "done", id, hash: bytesOf(third, "hash", HASH_BYTES) };
    case 4:
      return { kind: "progress", id, offset: offsetOf(third) };
    case 5:
      return { kind: "received", id };
    case 6:
      return { kind: "cancel", id, code: codeOf(third) };
    default:
      return { kind: "refuse", id, code: codeOf(third) };
  }
}
