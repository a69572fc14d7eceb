// What is sent of a picture at several sizes, and when.
import { expect, test } from "vitest";
import { isLayered, LAYERED_FROM_PIXELS, layersOf, totalBps } from "../src/sdk/layers";
import { layerName } from "../src/pages/gateway/layerWords";

const WHOLE: RTCRtpEncodingParameters = {
  maxBitrate: 1_500_000,
  maxFramerate: 30,
  priority: "high",
  networkPriority: "high",
};

test("a large picture has layers, upright or not, and a small one has none", () => {
  expect(isLayered({ width: LAYERED_FROM_PIXELS, height: 540 })).toBe(true);
  expect(isLayered({ width: 540, height: LAYERED_FROM_PIXELS })).toBe(true);
  expect(isLayered({ width: LAYERED_FROM_PIXELS - 1, height: 540 })).toBe(false);
  expect(isLayered({})).toBe(false);
});

test("three layers divide the sides by 4, 2 and 1, the smallest first, as Chromium wants them", () => {
  const layers = layersOf(WHOLE);
  expect(layers.map(({ rid }) => rid)).toEqual(["q", "h", "f"]);
  expect(layers.map((each) => each.scaleResolutionDownBy)).toEqual([4, 2, 1]);
  expect(layers.every(({ maxFramerate }) => maxFramerate === 30)).toBe(true);
});

test("the lowest layer goes through 300 kbit/s, and the highest has what the picture had alone", () => {
  for (const maxBitrate of [300_000, 1_000_000, 1_500_000, 3_000_000]) {
    const [low, , high] = layersOf({ ...WHOLE, maxBitrate });
    expect(low?.maxBitrate).toBeLessThanOrEqual(240_000);
    expect(high?.maxBitrate).toBe(maxBitrate);
  }
  expect(totalBps(layersOf(WHOLE))).toBe(120_000 + 450_000 + 1_500_000);
});

test("what is said of all encodings is said by the first alone", () => {
  const [first, ...others] = layersOf(WHOLE);
  expect(first).toMatchObject({ priority: "high", networkPriority: "high" });
  for (const other of others) {
    expect(other).not.toHaveProperty("priority");
    expect(other).not.toHaveProperty("networkPriority");
  }
});

test("layers are called by their rank", () => {
  const names = (among: number) =>
    Array.from({ length: among }, (_, rank) => layerName(rank, among));
  expect(names(3)).toEqual(["High", "Medium", "Low"]);
  expect(names(2)).toEqual(["High", "Low"]);
  expect(names(4)).toHaveLength(new Set(names(4)).size);
});
