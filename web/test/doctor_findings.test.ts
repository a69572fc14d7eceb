// The vectors of testdata/doctor that Rust checks too: what was measured, and in which words the
// finding tells it.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { serverFinding, socketFinding, tokenFinding } from "../src/sdk/doctor_access";
import type { SocketAttempt, ServerReply, TokenGrant } from "../src/sdk/doctor_access";
import type { Finding } from "../src/sdk/doctor_check";
import type { Gathered } from "../src/sdk/doctor_gathering";
import { linkFinding, type LoopBack } from "../src/sdk/doctor_loop_back";
import {
  comparable,
  hasNoNat,
  hiddenFinding,
  ipv6Finding,
  mappingFinding,
  noNat,
  stunFinding,
  type StunAnswer,
} from "../src/sdk/doctor_mapping";
import {
  relayFinding,
  udpFinding,
  type RelayTransport,
  type Tried,
} from "../src/sdk/doctor_relays";

interface Row {
  check: string;
  name: string;
  given: Given;
  finding?: Finding;
  urls?: string[];
}

/** What a check concludes from; each takes its own part. */
interface Given extends ServerReply, TokenGrant, SocketAttempt {
  answers: PartialAnswer[];
  answering: PartialAnswer[];
  both: Partial<Gathered> | null;
  gathered: Partial<Gathered>;
  gatherings: Partial<Gathered>[];
  ownHost: string;
  transport: RelayTransport;
  tried: { url: string; transport: RelayTransport; gathered: Partial<Gathered> }[];
  stun: Partial<Gathered>[];
  isReachable: boolean;
  path: "direct" | "relay";
  trial: LoopBack;
}

type PartialAnswer = Omit<StunAnswer, "gathered"> & { gathered: Partial<Gathered> };

const NOTHING: Gathered = {
  hosts: [],
  srflx: [],
  relays: 0,
  errors: [],
  isComplete: false,
  tookMs: null,
};

const whole = (part: Partial<Gathered>): Gathered => ({ ...NOTHING, ...part });
const answersOf = (rows: PartialAnswer[]): StunAnswer[] =>
  rows.map(({ url, gathered }) => ({ url, gathered: whole(gathered) }));
const triedOf = (rows: Given["tried"]): Tried[] =>
  rows.map((row) => ({ ...row, server: { urls: row.url }, gathered: whole(row.gathered) }));

const CHECKS: Record<string, (given: Given) => Finding | undefined> = {
  server: serverFinding,
  token: tokenFinding,
  websocket: socketFinding,
  stun: ({ answers, ownHost }) => stunFinding(answersOf(answers), ownHost),
  "no-nat": ({ answers }) => (hasNoNat(answersOf(answers)) ? noNat : undefined),
  mapping: ({ answering, both }) => mappingFinding(answersOf(answering), both && whole(both)),
  ipv6: ({ gatherings }) => ipv6Finding(gatherings.map(whole)),
  mdns: ({ gathered }) => hiddenFinding(whole(gathered)),
  relay: ({ transport, tried, ownHost }) => relayFinding(transport, triedOf(tried), ownHost),
  udp: ({ stun, tried, isReachable }) => udpFinding(stun.map(whole), triedOf(tried), isReachable),
  link: ({ path, trial }) => linkFinding(path, trial),
};

const url = new URL("../../testdata/doctor/findings.json", import.meta.url);
const rows = JSON.parse(readFileSync(url, "utf8")) as Row[];

test.each(rows.map((row) => [`${row.check}: ${row.name}`, row] as const))("%s", (_, row) => {
  if (row.check === "comparable") {
    expect(comparable(answersOf(row.given.answers)).map((it) => it.url)).toEqual(row.urls);
    return;
  }
  const conclude = CHECKS[row.check];
  expect(conclude?.(row.given)).toEqual(row.finding);
});

test("there is a vector for each conclusion", () => {
  const told = new Set(rows.map(({ check }) => check));
  expect([...told].sort()).toEqual([...Object.keys(CHECKS), "comparable"].sort());
});
