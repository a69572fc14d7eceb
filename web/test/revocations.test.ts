// What this device revokes reaches the server, however often it was away.
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "../src/sdk/errors";
import { listPairs } from "../src/sdk/pairs";
import { unreachable } from "../src/sdk/problem";
import { Revocations } from "../src/sdk/revocations";
import { Store } from "../src/sdk/store";
import { makeDevice } from "./support/device";

const PAIR_ID = "p".repeat(43);

let store: Store;
let told: string[];
let refusal: ApiError | null;
let settled: string[];
let pages: Revocations[];

const api = {
  revokePair: async (pairId: string): Promise<void> => {
    told.push(pairId);
    if (refusal !== null) throw refusal;
  },
};

function openPage(): Revocations {
  const page = new Revocations(api, store, () => 1);
  page.on("settled", (pairId) => settled.push(pairId));
  pages.push(page);
  return page;
}

beforeEach(async () => {
  store = await Store.open(new IDBFactory());
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  told = [];
  settled = [];
  pages = [];
  refusal = null;
});

afterEach(() => {
  for (const page of pages) page.stop();
  vi.useRealTimers();
});

test("a revocation is told once", async () => {
  const page = openPage();
  await page.keep(PAIR_ID);
  await page.settle();
  await page.settle();
  expect(told).toEqual([PAIR_ID]);
  expect(settled).toEqual([PAIR_ID]);
  expect(await store.revokedPairs()).toEqual([]);
});

test("a server that is away is told again until it answers", async () => {
  const page = openPage();
  refusal = unreachable("https://helio.test");
  await page.keep(PAIR_ID);
  await page.settle();
  expect(settled).toEqual([]);
  await vi.advanceTimersByTimeAsync(1000);
  await vi.waitFor(() => expect(told).toHaveLength(2));
  refusal = null;
  await vi.advanceTimersByTimeAsync(2000);
  await vi.waitFor(() => expect(settled).toEqual([PAIR_ID]));
  await vi.advanceTimersByTimeAsync(600_000);
  expect(told).toHaveLength(3);
});

test("the next page tells what this one could not", async () => {
  const page = openPage();
  refusal = unreachable("https://helio.test");
  await page.keep(PAIR_ID);
  await page.settle();
  page.stop();
  refusal = null;
  await openPage().settle();
  expect(settled).toEqual([PAIR_ID]);
});

test.each([
  [404, "not-found"],
  [403, "revoked"],
  [401, "unknown-device"],
])("after %i %s there is nothing left to tell", async (status, code) => {
  refusal = new ApiError(status, code, "it is gone", "Nothing.");
  const page = openPage();
  await page.keep(PAIR_ID);
  await page.settle();
  expect(settled).toEqual([PAIR_ID]);
  expect(await store.revokedPairs()).toEqual([]);
});

test.each([
  [401, "unauthorized"],
  [429, "rate-limited"],
  [503, "unavailable"],
])("after %i %s it stays to be told", async (status, code) => {
  refusal = new ApiError(status, code, "not now", "Wait.");
  const page = openPage();
  await page.keep(PAIR_ID);
  await page.settle();
  expect(await store.revokedPairs()).toEqual([PAIR_ID]);
});

test("a server that does not know yet cannot bring the pair back", async () => {
  vi.useRealTimers();
  const peer = (await makeDevice("Bob")).identity.record;
  const listed = { pairId: PAIR_ID, verified: false, created: 1 };
  const device = await makeDevice("Ada", (method, path) => {
    if (method !== "GET" || path !== "/api/pairs") return null;
    const devices = [device.identity.record, peer].map((record) => ({ record, online: true }));
    return [200, { pairs: [{ ...listed, devices }] }];
  });
  const list = () => listPairs(device.api, device.store, device.identity.deviceId);
  expect(await list()).toHaveLength(1);
  await device.store.revokePair(PAIR_ID);
  expect(await list()).toEqual([]);
  expect(await device.store.pair(PAIR_ID)).toBeNull();
});

test("memory of the version before is kept", async () => {
  vi.useRealTimers();
  const factory = new IDBFactory();
  await new Promise<void>((resolve) => {
    const request = factory.open("heliograph", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("identity");
      request.result.createObjectStore("pairs", { keyPath: "pairId" }).put({ pairId: PAIR_ID });
      request.result.createObjectStore("sdpTimes").put(7, `own:${PAIR_ID}`);
    };
    request.onsuccess = () => {
      request.result.close();
      resolve();
    };
  });
  const upgraded = await Store.open(factory);
  expect(await upgraded.pair(PAIR_ID)).toEqual({ pairId: PAIR_ID });
  expect(await upgraded.sdpTime(PAIR_ID, "own")).toBe(7);
  expect(await upgraded.revokedPairs()).toEqual([]);
});
