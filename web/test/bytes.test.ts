// base64url is canonical, length prefixes are two bytes big endian.
import { expect, test } from "vitest";
import { equalBytes, fromBase64url, lengthPrefixed, toBase64url, utf8 } from "../src/sdk/bytes";

test("base64url round trips without padding", () => {
  for (let length = 0; length < 40; length += 1) {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    const text = toBase64url(bytes);
    expect(text).not.toMatch(/[+/=]/);
    expect(equalBytes(fromBase64url(text), bytes)).toBe(true);
  }
});

test.each(["a", "aa=", "a+aa", "AB", " AAA"])("base64url refuses %j", (text) => {
  expect(() => fromBase64url(text)).toThrow(RangeError);
});

test("length prefixes are two bytes, big endian", () => {
  expect([...lengthPrefixed(utf8("ab"), utf8(""))]).toEqual([0, 2, 97, 98, 0, 0]);
});
