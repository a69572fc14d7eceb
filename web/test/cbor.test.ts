// CBOR is written deterministically and read strictly.
import { expect, test } from "vitest";
import type { Bytes } from "../src/sdk/bytes";
import { CBOR_LIMIT_BYTES, decodeCbor, encodeCbor } from "../src/sdk/cbor";

const hex = (text: string): Bytes => new Uint8Array(Buffer.from(text, "hex"));
const toHex = (bytes: Bytes): string => Buffer.from(bytes).toString("hex");

test.each([
  [[0, 1, "hi", true], "8400016268 69f5"],
  [[2, 23, 24], "8302171818"],
  [[2, 4294967295, 1760000000123], "83021affffffff1b00000199c82cc07b"],
  [{ b: 1, a: [] }, "a26161806162 01"],
  [{ aa: 1, b: 2 }, "a26162 02626161 01"],
  [1.5, "f93e00"],
  [null, "f6"],
])("%j is written as %s", (value, bytes) => {
  expect(toHex(encodeCbor(value))).toBe(bytes.replaceAll(" ", ""));
  expect(decodeCbor(encodeCbor(value))).toEqual(value);
});

test.each([
  ["indefinite array", "9f01ff"],
  ["indefinite text", "7f6161ff"],
  ["indefinite map", "bf616101ff"],
  ["duplicate keys", "a2616101616102"],
  ["NaN", "f97e00"],
  ["NaN in 64 bits", "fb7ff8000000000000"],
  ["an integer longer than it needs to be", "1805"],
  ["bad UTF-8", "62c328"],
  ["two items", "0101"],
  ["nothing", ""],
  ["an array without its items", "8301"],
  ["a map with number keys", "a10102"],
  ["a tag", "c11a514b67b0"],
  ["undefined", "f7"],
  ["depth 5", "8181818180"],
])("%s is refused", (_name, bytes) => {
  expect(() => decodeCbor(hex(bytes))).toThrow(expect.objectContaining({ code: "bad-cbor" }));
});

test("depth 4 is read", () => {
  expect(decodeCbor(hex("81818180"))).toEqual([[[[]]]]);
});

test("siblings do not add up to depth", () => {
  expect(decodeCbor(encodeCbor([[], [], [[], []], [{ a: 1 }], {}, []]))).toHaveLength(6);
});

test("one byte above the limit is refused", () => {
  const fits = encodeCbor("a".repeat(CBOR_LIMIT_BYTES - 3));
  expect(fits).toHaveLength(CBOR_LIMIT_BYTES);
  expect(decodeCbor(fits)).toHaveLength(CBOR_LIMIT_BYTES - 3);
  expect(() => decodeCbor(encodeCbor("a".repeat(CBOR_LIMIT_BYTES - 2)))).toThrow("limit 16384");
});

test("a __proto__ key stays a key", () => {
  const read = decodeCbor(hex("a1695f5f70726f746f5f5fa0")) as object;
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
});
