// Identity against the vectors shared with the Rust side, and identities of this browser's own.
import { readFileSync } from "node:fs";
import { IDBFactory } from "fake-indexeddb";
import { expect, test } from "vitest";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { concat, fromBase64url, toBase64url, utf8, type Bytes } from "../src/sdk/bytes";
import { Identity } from "../src/sdk/identity";
import { pairIdOf, pairSecret, statementSigningInput, verifyStatement } from "../src/sdk/pair_keys";
import type { PairStatement } from "../src/sdk/api";
import {
  importVerifyKey,
  recordSigningInput,
  thumbprint,
  verifyRecord,
  type DeviceRecord,
} from "../src/sdk/record";
import { sdpSigningInput, type SdpType } from "../src/sdk/sdp_signature";
import { Store } from "../src/sdk/store";
import { wordsOfHandshake } from "../src/sdk/words";
import { makeDevice } from "./support/device";

function vectors<Vector>(name: string): Vector[] {
  const url = new URL(`../../testdata/identity/${name}.json`, import.meta.url);
  const found = JSON.parse(readFileSync(url, "utf8")) as Vector[];
  expect(found.length).toBeGreaterThan(0);
  return found;
}

const hex = (text: string): Bytes => new Uint8Array(Buffer.from(text, "hex"));
const toHex = (bytes: Bytes): string => Buffer.from(bytes).toString("hex");

/** Ed25519 signing key of 32 secret bytes, wrapped as RFC 8410 says. */
async function signWith(secretKey: string, message: Bytes): Promise<string> {
  const der = concat(hex("302e020100300506032b657004220420"), fromBase64url(secretKey));
  const key = await crypto.subtle.importKey("pkcs8", der, "Ed25519", false, ["sign"]);
  return toBase64url(new Uint8Array(await crypto.subtle.sign("Ed25519", key, message)));
}

test("device records are verified and signed as in the vectors", async () => {
  type Vector = { cborHex: string; record: DeviceRecord; secretKey: string };
  for (const { cborHex, record, secretKey } of vectors<Vector>("device-record")) {
    expect(await verifyRecord(record)).toEqual(record);
    expect(toHex(recordSigningInput(record))).toBe(cborHex);
    expect(await signWith(secretKey, hex(cborHex))).toBe(record.sig);
    expect(await thumbprint(fromBase64url(record.key))).toBe(record.deviceId);
  }
});

type Side = { contribution: string; deviceId: string };
const contributions = (sides: Side[]) =>
  sides.map(({ deviceId, contribution }) => ({ deviceId, bytes: fromBase64url(contribution) }));

test("pair ids and secrets are those of the vectors, whoever comes first", async () => {
  type Vector = { pairId: string; pairSecret: string; sides: [Side, Side] };
  for (const vector of vectors<Vector>("pair-secret")) {
    const [one, two] = contributions(vector.sides);
    if (one === undefined || two === undefined) throw new Error("two sides");
    expect(await pairIdOf(one, two)).toBe(vector.pairId);
    expect(await pairIdOf(two, one)).toBe(vector.pairId);
    expect(toBase64url(await pairSecret(two, one, vector.pairId))).toBe(vector.pairSecret);
  }
});

test("pair statements are signed as in the vectors", async () => {
  type Vector = {
    cborHex: string;
    secretKeyA: string;
    secretKeyB: string;
    sigA: string;
    sigB: string;
    statement: PairStatement;
  };
  const [record] = vectors<{ record: DeviceRecord }>("device-record");
  for (const vector of vectors<Vector>("pair-statement")) {
    const input = statementSigningInput(vector.statement);
    expect(toHex(input)).toBe(vector.cborHex);
    expect(await signWith(vector.secretKeyA, input)).toBe(vector.sigA);
    expect(await signWith(vector.secretKeyB, input)).toBe(vector.sigB);
    if (record?.record.deviceId !== vector.statement.a) continue;
    expect(await verifyStatement(vector.statement, vector.sigA, record.record)).toBe(true);
    expect(await verifyStatement(vector.statement, vector.sigB, record.record)).toBe(false);
  }
});

test("descriptions are signed as in the vectors", async () => {
  type Vector = {
    cborHex: string;
    from: string;
    to: string;
    offerSdp: string | null;
    pairId: string;
    sdp: string;
    secretKey: string;
    sig: string;
    ts: number;
    type: SdpType;
  };
  for (const { cborHex, secretKey, sig, offerSdp, ...rest } of vectors<Vector>("sdp-signature")) {
    const input = await sdpSigningInput({ ...rest, offerSdp: offerSdp ?? "" });
    expect(toHex(input)).toBe(cborHex);
    expect(await signWith(secretKey, input)).toBe(sig);
  }
});

test("words are those of the vectors", async () => {
  type Vector = { handshakeHashHex: string; indices: number[] };
  for (const { handshakeHashHex, indices } of vectors<Vector>("words")) {
    const words = await wordsOfHandshake(hex(handshakeHashHex));
    expect(words).toEqual(indices.map((index) => wordlist[index]));
  }
});

test.each([
  ["another name", { name: "Eve" }],
  ["another x25519 key", { x25519: toBase64url(new Uint8Array(32)) }],
  ["dropped features", { features: [] }],
  ["another id", { deviceId: "x".repeat(43) }],
  ["a name of 65 characters", { name: "a".repeat(65) }],
  ["a control character", { name: "a\nb" }],
  ["an unknown kind", { kind: "fridge" }],
  ["17 features", { features: Array.from({ length: 17 }, (_, index) => `f${index}`) }],
  ["no signature", { sig: "" }],
])("a record with %s is refused", async (_name, change) => {
  const { identity } = await makeDevice("Ada");
  await expect(verifyRecord({ ...identity.record, ...change })).rejects.toMatchObject({
    code: "record-invalid",
  });
});

test("an identity survives in its store, and its keys cannot be read", async () => {
  const factory = new IDBFactory();
  const store = await Store.open(factory);
  const first = await Identity.loadOrCreate(store, { name: "Ada", kind: "phone" });
  const again = await Identity.loadOrCreate(await Store.open(factory), {
    name: "Other",
    kind: "box",
  });
  expect(again.record).toEqual(first.record);
  expect(again.x25519Key.extractable).toBe(false);
  expect((await store.identity())?.signKey.extractable).toBe(false);
  const sig = await again.sign(utf8("message"));
  const key = await importVerifyKey(fromBase64url(first.record.key));
  expect(await crypto.subtle.verify("Ed25519", key, sig, utf8("message"))).toBe(true);
});

test("a rename is signed, newer, and keeps the id", async () => {
  const { identity, store } = await makeDevice("Ada");
  const before = identity.record;
  const after = await identity.change({ name: " Ada's laptop " }, before.created - 1000);
  expect(await verifyRecord(after)).toEqual(after);
  expect(after.deviceId).toBe(before.deviceId);
  expect(after.name).toBe("Ada's laptop");
  expect(after.created).toBeGreaterThan(before.created);
  expect((await store.identity())?.record).toEqual(after);
  await expect(identity.change({ name: "" })).rejects.toMatchObject({ code: "bad-name" });
});

test("an assertion names its audience and lives a minute", async () => {
  const { identity } = await makeDevice("Ada");
  const jwt = await identity.assertion("https://helio.test", 1_760_000_000_999);
  const [header, claims, sig] = jwt.split(".");
  const read = (part?: string): unknown =>
    JSON.parse(Buffer.from(part ?? "", "base64url").toString());
  expect(read(header)).toEqual({ alg: "EdDSA", typ: "JWT" });
  expect(read(claims)).toMatchObject({
    iss: identity.deviceId,
    sub: identity.deviceId,
    aud: "https://helio.test",
    iat: 1_760_000_000,
    exp: 1_760_000_060,
  });
  const key = await importVerifyKey(fromBase64url(identity.record.key));
  const signed = fromBase64url(sig ?? "");
  const covered = utf8(`${header}.${claims}`);
  expect(await crypto.subtle.verify("Ed25519", key, signed, covered)).toBe(true);
});
