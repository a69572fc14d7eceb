// Link and Retry-After as servers write them.
import { expect, test } from "vitest";
import { ICE_SERVER_LIMIT, iceServersOf, retryAfterMs } from "../src/sdk/gateway_headers";

test("the example of RFC 9725 §4.6 gives its servers", () => {
  const field =
    '<stun:stun.example.net>; rel="ice-server", ' +
    '<turn:turn.example.net?transport=udp>; rel="ice-server"; ' +
    'username="user"; credential="myPassword"; credential-type="password", ' +
    '<turns:turn.example.net?transport=tcp>; rel="ice-server"; ' +
    'username="user"; credential="myPassword"; credential-type="password"';
  const login = { username: "user", credential: "myPassword" };
  expect(iceServersOf(field)).toEqual([
    { urls: "stun:stun.example.net" },
    { urls: "turn:turn.example.net?transport=udp", ...login },
    { urls: "turns:turn.example.net?transport=tcp", ...login },
  ]);
});

test("commas, semicolons and quotes inside quotes belong to the value", () => {
  const field = '<turn:a>;rel=ice-server;username="1,2;3:x";credential="q\\"\\\\,z"';
  expect(iceServersOf(field)).toEqual([
    { urls: "turn:a", username: "1,2;3:x", credential: 'q"\\,z' },
  ]);
});

test.each([
  [null, "no field"],
  ["", "an empty one"],
  ['</cam0/whep/1/events>; rel="urn:ietf:params:whep:ext:core:server-sent-events"', "extensions"],
  ['<https://example.net>; rel="ice-server"', "a scheme that is none of ICE"],
  ['<turn:a>; rel="ice-server"', "a relay without name and password"],
  ["<turn:a", "what is cut"],
  ['turn:a; rel="ice-server"', "no angle brackets"],
])("%j gives none: %s", (field, _what) => {
  expect(iceServersOf(field)).toEqual([]);
});

test("what can be read before something broken counts", () => {
  expect(iceServersOf('<stun:a>; rel="ice-server", garbage <stun:b>')).toEqual([
    { urls: "stun:a" },
  ]);
});

test("one server more than the limit is left out", () => {
  const field = Array.from(
    { length: ICE_SERVER_LIMIT + 1 },
    (_, i) => `<stun:s${i}>;rel=ice-server`,
  );
  expect(iceServersOf(field.join(", "))).toHaveLength(ICE_SERVER_LIMIT);
});

const NOW = Date.parse("2026-11-21T23:00:00Z");

test.each([
  ["0", 0],
  ["120", 120_000],
  [" 5 ", 5000],
  ["Sat, 21 Nov 2026 23:00:30 GMT", 30_000],
  ["Sat, 21 Nov 2026 22:00:00 GMT", 0],
  ["soon", null],
  ["-3", null],
  ["", null],
  [null, null],
])("Retry-After %j is %j ms", (field, expected) => {
  expect(retryAfterMs(field, NOW)).toBe(expected);
});
