// Which cause a failed attempt is told as, and in the words of testdata/doctor that Rust has too.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { classify, failure, type AttemptFacts, type LinkFailure } from "../src/sdk/failures";

const url = new URL("../../testdata/doctor/failures.json", import.meta.url);
const failures = JSON.parse(readFileSync(url, "utf8")) as LinkFailure[];

test.each(failures.map((row) => [row.cause, row] as const))(
  "%s is told in those words",
  (cause, row) => {
    expect(failure(cause)).toEqual(row);
  },
);

const FACTS: AttemptFacts = {
  localCandidates: 3,
  remoteCandidates: 3,
  relayCandidates: 1,
  relayOnly: false,
  relayErrors: 0,
  iceConnected: false,
};

test.each([
  ["checks-failed", {}],
  ["no-candidates", { localCandidates: 0, relayCandidates: 0 }],
  ["relay-refused", { relayCandidates: 0, relayErrors: 2 }],
  ["relay-refused", { relayCandidates: 0, localCandidates: 0, relayOnly: true }],
  ["dtls-failed", { iceConnected: true }],
] as const)("%s", (cause, change) => {
  expect(classify({ ...FACTS, ...change })).toBe(cause);
  expect(failure(cause).message).not.toBe("");
  expect(failure(cause).nextStep).toMatch(/\.$/);
});
