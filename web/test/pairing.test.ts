// Pairing over an in-memory rendezvous: two people, one link, and everything that may go wrong.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fromBase64url, toBase64url } from "../src/sdk/bytes";
import { Inviter } from "../src/sdk/inviter";
import { Joiner } from "../src/sdk/joiner";
import { parsePairingLink } from "../src/sdk/invite";
import type { InviterState, JoinerState } from "../src/sdk/pairing";
import { statementSigningInput } from "../src/sdk/pair_keys";
import { importVerifyKey } from "../src/sdk/record";
import { makeDevice, type Device, type Handler } from "./support/device";
import { Rendezvous } from "./support/rendezvous";

let rendezvous: Rendezvous;
let laptop: Device;
let phone: Device;
const posted: Record<string, unknown>[] = [];
let refusePair = false;
let knowsPair = true;

const server: Handler = (method, path, body) => {
  if (method === "POST" && path === "/api/pairs") {
    if (refusePair) return [403, { code: "forbidden", detail: "not yours" }];
    posted.push(body as Record<string, unknown>);
    return [201, {}];
  }
  const asksLink = path === "/api/auth/webrtc-token" && "pairId" in (body as object);
  if (asksLink && !knowsPair) return [403, { code: "forbidden", detail: "no such pair" }];
  return null;
};

beforeEach(async () => {
  rendezvous = new Rendezvous();
  posted.length = 0;
  refusePair = false;
  knowsPair = true;
  laptop = await makeDevice("Laptop", server);
  phone = await makeDevice("Phone", server);
});

afterEach(() => vi.useRealTimers());

type Step<State extends { step: string }, Name> = Extract<State, { step: Name }>;

async function reach<State extends { step: string }, Name extends State["step"]>(
  side: { state: State; on(event: "state", listener: (state: State) => void): () => void },
  ...names: Name[]
): Promise<Step<State, Name>> {
  const isThere = (state: State): state is Step<State, Name> =>
    (names as string[]).includes(state.step);
  if (isThere(side.state)) return side.state;
  return new Promise((resolve) => {
    const remove = side.on("state", (state) => {
      if (!isThere(state)) return;
      remove();
      resolve(state);
    });
  });
}

async function invited(): Promise<{ inviter: Inviter; url: string }> {
  const inviter = new Inviter({ ...laptop, socket: rendezvous.inviterSocket });
  void inviter.start();
  const { url } = await reach<InviterState, "waiting">(inviter, "waiting");
  return { inviter, url };
}

function join(link: string, device = phone): Joiner {
  const joiner = new Joiner({ ...device, link, socket: rendezvous.joinerSocket });
  void joiner.start();
  return joiner;
}

const rightIndex = (choosing: Step<InviterState, "choosing">, words: readonly string[]): number =>
  choosing.sets.findIndex((set) => set.join() === words.join());

test("two devices pair when the right words are chosen", async () => {
  const { inviter, url } = await invited();
  const joiner = join(url);
  const showing = await reach<JoinerState, "showing">(joiner, "showing");
  const choosing = await reach<InviterState, "choosing">(inviter, "choosing");
  expect(showing.peer.name).toBe("Laptop");
  expect(choosing.peer.name).toBe("Phone");
  expect(choosing.sets).toHaveLength(3);
  expect(new Set(choosing.sets.flat()).size).toBeGreaterThanOrEqual(11);
  await inviter.choose(rightIndex(choosing, showing.words));
  const ours = await reach<InviterState, "paired">(inviter, "paired");
  const theirs = await reach<JoinerState, "paired">(joiner, "paired");
  expect(ours.pair.pairId).toBe(theirs.pair.pairId);
  expect(ours.pair.verified && theirs.pair.verified).toBe(true);
  expect((await laptop.store.pair(ours.pair.pairId))?.peer.deviceId).toBe(phone.identity.deviceId);
  expect((await phone.store.pair(ours.pair.pairId))?.peer.deviceId).toBe(laptop.identity.deviceId);
  expect(ours.pair.secret?.extractable).toBe(false);
});

test("the server gets both signatures over one statement", async () => {
  const { inviter, url } = await invited();
  const joiner = join(url);
  const { words } = await reach<JoinerState, "showing">(joiner, "showing");
  const choosing = await reach<InviterState, "choosing">(inviter, "choosing");
  await inviter.choose(rightIndex(choosing, words));
  await reach<JoinerState, "paired">(joiner, "paired");
  const [body] = posted as never as [
    {
      statement: { pairId: string; a: string; b: string; time: number };
      sigA: string;
      sigB: string;
      recordA: { deviceId: string; key: string };
      recordB: { deviceId: string; key: string };
    },
  ];
  expect(body.statement.a < body.statement.b).toBe(true);
  expect([body.recordA.deviceId, body.recordB.deviceId]).toEqual([
    body.statement.a,
    body.statement.b,
  ]);
  for (const [sig, record] of [
    [body.sigA, body.recordA],
    [body.sigB, body.recordB],
  ] as const) {
    const key = await importVerifyKey(fromBase64url(record.key));
    const input = statementSigningInput(body.statement);
    expect(await crypto.subtle.verify("Ed25519", key, fromBase64url(sig), input)).toBe(true);
  }
});

test("wrong words burn the invite and nothing is kept", async () => {
  const { inviter, url } = await invited();
  const joiner = join(url);
  const { words } = await reach<JoinerState, "showing">(joiner, "showing");
  const choosing = await reach<InviterState, "choosing">(inviter, "choosing");
  await inviter.choose((rightIndex(choosing, words) + 1) % 3);
  expect(inviter.state).toMatchObject({ step: "failed", error: { code: "wrong-words" } });
  const failed = await reach<JoinerState, "failed">(joiner, "failed");
  expect(failed.error.code).toBe("invite-gone");
  expect(rendezvous.isBurnt).toBe(true);
  expect(posted).toHaveLength(0);
  expect(await phone.store.pairs()).toHaveLength(0);
  const again = await reach<JoinerState, "failed">(join(url), "failed");
  expect(again.error.code).toBe("invite-gone");
});

test("a link works once", async () => {
  const { inviter, url } = await invited();
  const joiner = join(url);
  const { words } = await reach<JoinerState, "showing">(joiner, "showing");
  const choosing = await reach<InviterState, "choosing">(inviter, "choosing");
  const third = await makeDevice("Third");
  const second = await reach<JoinerState, "failed">(join(url, third), "failed");
  expect(second.error.code).toBe("invite-gone");
  await inviter.choose(rightIndex(choosing, words));
  await reach<JoinerState, "paired">(joiner, "paired");
});

test("a record whose key is not the handshake's is refused", async () => {
  const { inviter, url } = await invited();
  const other = await makeDevice("Other");
  join(url, forged(phone, other));
  const waiting = await new Promise<InviterState>((resolve) => {
    inviter.on("state", (state) => {
      if (state.step === "waiting" && state.retrying !== null) resolve(state);
    });
  });
  expect(waiting).toMatchObject({ retrying: { code: "record-mismatch" } });
});

/** A device with `own` keys that introduces itself with `other`'s record. */
function forged(own: Device, other: Device): Device {
  const record = {
    ...own.identity.record,
    toJSON: () => other.identity.record,
  };
  const identity = {
    deviceId: own.identity.deviceId,
    x25519Key: own.identity.x25519Key,
    record,
    sign: own.identity.sign.bind(own.identity),
  } as unknown as Device["identity"];
  return { ...own, identity };
}

test("a link with another secret fails, and the third time burns the invite", async () => {
  const { inviter, url } = await invited();
  const { origin, key, rendezvousId, expiry } = parsePairingLink(url);
  const secret = toBase64url(new Uint8Array(16));
  const guess = `${origin}/p#1.${toBase64url(key)}.${secret}.${rendezvousId}.${expiry}`;
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const failed = await reach<JoinerState, "failed">(join(guess), "failed");
    expect(failed.error.code).toBe("invite-gone");
  }
  const failed = await reach<InviterState, "failed">(inviter, "failed");
  expect(failed.error.code).toBe("invite-burnt");
  expect(rendezvous.isBurnt).toBe(true);
});

test("two failures leave the invite usable", async () => {
  const { inviter, url } = await invited();
  rendezvous.change = (from, data, index) =>
    from === "joiner" && index === 0 ? `${data.slice(0, -4)}AAAA` : data;
  await reach<JoinerState, "failed">(join(url), "failed");
  await reach<JoinerState, "failed">(join(url), "failed");
  rendezvous.change = (_, data) => data;
  const joiner = join(url);
  const { words } = await reach<JoinerState, "showing">(joiner, "showing");
  const choosing = await reach<InviterState, "choosing">(inviter, "choosing");
  await inviter.choose(rightIndex(choosing, words));
  await reach<JoinerState, "paired">(joiner, "paired");
});

test("a changed message 2 is refused by the joiner", async () => {
  const { url } = await invited();
  rendezvous.change = (from, data) => (from === "inviter" ? `${data.slice(0, -4)}AAAA` : data);
  const failed = await reach<JoinerState, "failed">(join(url), "failed");
  expect(failed.error.code).toBe("noise-failed");
});

test("a link of another origin is refused", async () => {
  const { url } = await invited();
  const failed = await reach<JoinerState, "failed">(
    join(url.replace("helio.test", "evil.test")),
    "failed",
  );
  expect(failed.error.code).toBe("other-server");
});

test("a device cannot pair with itself", async () => {
  const { inviter, url } = await invited();
  join(url, laptop);
  const state = await new Promise<InviterState>((resolve) => inviter.on("state", resolve)).then(
    () =>
      new Promise<InviterState>((resolve) => {
        inviter.on("state", (next) => next.step === "waiting" && resolve(next));
      }),
  );
  expect(state).toMatchObject({ retrying: { code: "same-device" } });
});

test("a joiner that never hears message 5 asks the server and is paired", async () => {
  const { inviter, url } = await invited();
  let fromInviter = 0;
  rendezvous.change = (from, data) => {
    if (from === "inviter") fromInviter += 1;
    return from === "inviter" && fromInviter === 3 ? null : data;
  };
  const joiner = join(url);
  const { words } = await reach<JoinerState, "showing">(joiner, "showing");
  const choosing = await reach<InviterState, "choosing">(inviter, "choosing");
  await inviter.choose(rightIndex(choosing, words));
  await reach<InviterState, "paired">(inviter, "paired");
  // The inviter's socket closes soon after; the rendezvous ends with it.
  const { pair } = await reach<JoinerState, "paired">(joiner, "paired");
  expect(await phone.store.pair(pair.pairId)).not.toBeNull();
});

test("when the server refuses the pair, neither side keeps it", async () => {
  refusePair = true;
  knowsPair = false;
  const { inviter, url } = await invited();
  const joiner = join(url);
  const { words } = await reach<JoinerState, "showing">(joiner, "showing");
  const choosing = await reach<InviterState, "choosing">(inviter, "choosing");
  await inviter.choose(rightIndex(choosing, words));
  await reach<JoinerState, "failed">(joiner, "failed");
  expect(await phone.store.pairs()).toHaveLength(0);
  expect(await laptop.store.pairs()).toHaveLength(0);
});
