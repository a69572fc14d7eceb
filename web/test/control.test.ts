// Control frames against the vectors that the Rust side is checked with.
import { expect, test } from "vitest";
import { decodeFrame, encodeFrame, type ControlFrame } from "../src/sdk/control";
import { frameVectors } from "./support/vectors";

function expected({ repeat, ...frame }: Record<string, unknown>): ControlFrame {
  if (typeof repeat === "number") frame["text"] = String(frame["text"]).repeat(repeat);
  return frame as unknown as ControlFrame;
}

test.each(frameVectors("control"))("$name", ({ bytes, frame, refused }) => {
  if (frame === undefined) {
    expect(() => decodeFrame(bytes)).toThrow(expect.objectContaining({ code: refused }));
  } else {
    expect(decodeFrame(bytes)).toEqual(expected(frame));
    expect(encodeFrame(expected(frame))).toEqual(bytes);
  }
});
