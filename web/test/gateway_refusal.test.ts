// What a refused request to a gateway leads to, and the words for it.
import { expect, test } from "vitest";
import { HelioError } from "../src/sdk/errors";
import { afterRefusal } from "../src/sdk/gateway_refusal";
import { apiErrorFrom, unreachable } from "../src/sdk/problem";

const BACKOFF_MS = 1234;

function refused(status: number, headers: Record<string, string> = {}, problem: object = {}) {
  return apiErrorFrom(new Response(JSON.stringify(problem), { status, headers }));
}

test.each([
  [409, {}, { phase: "waiting", waitMs: 4000 }],
  [409, { "retry-after": "7" }, { phase: "waiting", waitMs: 7000 }],
  [409, { "retry-after": "0" }, { phase: "waiting", waitMs: 4000 }],
  [409, { "retry-after": "86400" }, { phase: "waiting", waitMs: 60_000 }],
  [429, { "retry-after": "2" }, { phase: "retrying", waitMs: 2000 }],
  [500, {}, { phase: "retrying", waitMs: BACKOFF_MS }],
  [503, { "retry-after": "3" }, { phase: "retrying", waitMs: 3000 }],
  [400, {}, null],
  [401, {}, null],
  [403, {}, null],
  [404, {}, null],
  [406, {}, null],
  [415, {}, null],
])("status %i with %j leads to %j", async (status, headers, expected) => {
  const later = afterRefusal(await refused(status, headers), () => BACKOFF_MS);
  expect(later).toEqual(expected);
});

test("an unreachable server is asked again, with growing waits", () => {
  const later = afterRefusal(unreachable("https://helio.test"), () => 100);
  expect(later).toEqual({ phase: "retrying", waitMs: 500 });
});

test("what this browser itself cannot do is not tried again", () => {
  expect(afterRefusal(new HelioError("internal", "no codec", ""), () => 100)).toBeNull();
});

test("a problem document is told in its own words, and its time wins over the field", async () => {
  const problem = { code: "conflict", detail: "nothing is published on cam0", retryAfterMs: 1500 };
  const error = await refused(409, { "retry-after": "9" }, problem);
  expect([error.code, error.message, error.retryAfterMs]).toEqual([
    "conflict",
    "nothing is published on cam0",
    1500,
  ]);
});

test("a page of a proxy in between is told by its status", async () => {
  const error = await apiErrorFrom(new Response("<html>Bad Gateway</html>", { status: 502 }));
  expect([error.code, error.message]).toEqual(["http-502", "status 502"]);
  expect(error.nextStep).not.toBe("");
});
