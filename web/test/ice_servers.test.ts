// Credentials of relays are renewed before they are needed, not while they serve.
import { beforeEach, expect, test } from "vitest";
import { IceServers, type IceGrant } from "../src/sdk/ice_servers";

const OWN = { urls: "turn:own.example" };
const OLD = { urls: "turn:old.example" };
const NEW = { urls: "turn:new.example" };

let nowMs: number;
let renewals: number;
let next: IceGrant | null;
let iceServers: IceServers;

beforeEach(() => {
  nowMs = 1_000_000;
  renewals = 0;
  next = { servers: [NEW], expiresMs: nowMs + 7_200_000 };
  iceServers = new IceServers({
    own: [OWN],
    now: () => nowMs,
    renew: async () => {
      renewals += 1;
      await Promise.resolve();
      if (next !== null) iceServers.take(next);
    },
  });
});

test("without a grant there is nothing to renew", async () => {
  await iceServers.freshen();
  expect([renewals, iceServers.current]).toEqual([0, [OWN]]);
});

test.each([
  [600_000, 569_999, 0],
  [600_000, 570_000, 1],
  [600_000, 900_000, 1],
  [5_000, 2_499, 0],
  [5_000, 2_500, 1],
])("a grant of %i ms is renewed after %i ms %i times", async (lifetimeMs, laterMs, times) => {
  iceServers.take({ servers: [OLD], expiresMs: nowMs + lifetimeMs });
  nowMs += laterMs;
  await iceServers.freshen();
  expect(renewals).toBe(times);
  expect(iceServers.current).toEqual([times === 0 ? OLD : NEW, OWN]);
});

test("two who ask at once cause one renewal", async () => {
  iceServers.take({ servers: [OLD], expiresMs: nowMs });
  await Promise.all([iceServers.freshen(), iceServers.freshen()]);
  expect(renewals).toBe(1);
});

test("where none can be had the old ones stay, and it is tried again the next time", async () => {
  iceServers.take({ servers: [OLD], expiresMs: nowMs });
  next = null;
  await iceServers.freshen();
  expect(iceServers.current).toEqual([OLD, OWN]);
  await iceServers.freshen();
  expect(renewals).toBe(2);
});
