// Control frames of `ctl` and `telemetry` (docs/protocol.md, CDDL).
import { decodeCbor, encodeCbor, type CborValue } from "./cbor";
import type { Bytes } from "./bytes";
import { HelioError } from "./errors";

/** Longest text in Unicode scalar values. */
export const TEXT_LIMIT = 2000;

export type FrameMap = Record<string, CborValue>;

export type ControlFrame =
  | { kind: "text"; id: number; text: string; wantAck: boolean }
  | { kind: "ack"; id: number }
  | { kind: "ping"; id: number; sentMicros: number }
  | { kind: "pong"; id: number; sentMicros: number }
  | { kind: "command"; id: number; name: string; args: FrameMap }
  | { kind: "stats"; id: number; stats: FrameMap };

/** Unicode scalar values of a text. */
export function scalarCount(text: string): number {
  return [...text].length;
}

function malformed(what: string): HelioError {
  return new HelioError("bad-frame", `control frame: ${what}`, "Update both devices.");
}

/** The bytes of a frame. @throws HelioError `text-too-long`. */
export function encodeFrame(frame: ControlFrame): Bytes {
  switch (frame.kind) {
    case "text":
      if (scalarCount(frame.text) > TEXT_LIMIT) {
        const count = scalarCount(frame.text);
        const message = `the text has ${count} characters, the limit is ${TEXT_LIMIT}`;
        throw new HelioError("text-too-long", message, "Send it in parts.");
      }
      return encodeCbor([0, frame.id, frame.text, frame.wantAck]);
    case "ack":
      return encodeCbor([1, frame.id]);
    case "ping":
      return encodeCbor([2, frame.id, frame.sentMicros]);
    case "pong":
      return encodeCbor([3, frame.id, frame.sentMicros]);
    case "command":
      return encodeCbor([4, frame.id, frame.name, frame.args]);
    case "stats":
      return encodeCbor([5, frame.id, frame.stats]);
  }
}

function asUint(value: CborValue | undefined, what: string, limit: number): number {
  const isUint = typeof value === "number" && Number.isInteger(value) && value >= 0;
  if (!isUint || value > limit) throw malformed(`${what} is no unsigned number`);
  return value;
}

function asText(value: CborValue | undefined, what: string): string {
  if (typeof value !== "string") throw malformed(`${what} is no text`);
  return value;
}

function asMap(value: CborValue | undefined, what: string): FrameMap {
  const isMap = typeof value === "object" && value !== null;
  if (!isMap || Array.isArray(value) || value instanceof Uint8Array) {
    throw malformed(`${what} is no map`);
  }
  return value;
}

/** Items of each kind, by its number. */
const LENGTHS = [4, 2, 3, 3, 4, 3];

/** Reads a frame. @throws HelioError `bad-cbor` or `bad-frame`. */
export function decodeFrame(bytes: Uint8Array): ControlFrame {
  const items = decodeCbor(bytes);
  if (!Array.isArray(items)) throw malformed("not an array");
  const number = items[0];
  if (typeof number !== "number" || LENGTHS[number] !== items.length) {
    throw malformed("unknown kind, or too few or many items");
  }
  const id = asUint(items[1], "id", 0xffff_ffff);
  switch (number) {
    case 0: {
      const text = asText(items[2], "text");
      if (scalarCount(text) > TEXT_LIMIT) throw malformed(`text above ${TEXT_LIMIT} characters`);
      if (typeof items[3] !== "boolean") throw malformed("wantAck is no boolean");
      return { kind: "text", id, text, wantAck: items[3] };
    }
    case 1:
      return { kind: "ack", id };
    case 2:
    case 3: {
      const sentMicros = asUint(items[2], "time", Number.MAX_SAFE_INTEGER);
      return { kind: number === 2 ? "ping" : "pong", id, sentMicros };
    }
    case 4:
      return { kind: "command", id, name: asText(items[2], "name"), args: asMap(items[3], "args") };
    default:
      return { kind: "stats", id, stats: asMap(items[2], "stats") };
  }
}
