// File frames against the vectors that the Rust side is checked with.
import { expect, test } from "vitest";
import { decodeFileFrame, encodeFileFrame, type FileFrame } from "../src/sdk/file_frames";
import { frameVectors, hex } from "./support/vectors";

function expected({ repeat = 1, ...frame }: Record<string, unknown>): FileFrame {
  const times = Number(repeat);
  if ("name" in frame) frame["name"] = String(frame["name"]).repeat(times);
  for (const member of ["key", "hash", "bytes"]) {
    if (member in frame)
      frame[member] = hex(String(frame[member]).repeat(member === "bytes" ? times : 1));
  }
  return frame as unknown as FileFrame;
}

/** Bytes as hex: matchers take seconds for ten thousand numbers. */
function printed(frame: FileFrame): string {
  return JSON.stringify(frame, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
  );
}

test.each(frameVectors("file"))("$name", ({ bytes, frame, refused }) => {
  if (frame === undefined) {
    expect(() => decodeFileFrame(bytes)).toThrow(expect.objectContaining({ code: refused }));
  } else {
    const read = decodeFileFrame(bytes);
    expect(JSON.parse(printed(read))).toEqual(JSON.parse(printed(expected(frame))));
    expect(Buffer.compare(encodeFileFrame(expected(frame)), bytes)).toBe(0);
  }
});
