// Reads testdata/*/frames.json, the vectors shared with the Rust side: hex with spaces, where
// `61*2001` repeats, and the frame that it is, or the code by which it is refused.
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Bytes } from "../../src/sdk/bytes";

export interface FrameVector {
  name: string;
  bytes: Bytes;
  frame?: Record<string, unknown>;
  refused?: string;
}

interface Row {
  name: string;
  hex: string;
  frame?: Record<string, unknown>;
  refused?: string;
}

export function hex(digits: string): Bytes {
  return new Uint8Array(Buffer.from(digits, "hex"));
}

function repeated(part: string): string {
  const [digits = "", times = "1"] = part.split("*");
  return digits.repeat(Number(times));
}

/** All rows of testdata/`of`/frames.json. */
export function frameVectors(of: "control" | "file"): FrameVector[] {
  const url = new URL(`../../../testdata/${of}/frames.json`, import.meta.url);
  const rows = JSON.parse(readFileSync(url, "utf8")) as Row[];
  expect(rows.length).toBeGreaterThan(10);
  return rows.map((row) => ({
    ...row,
    bytes: hex(row.hex.split(" ").map(repeated).join("")),
  }));
}
