// A device for tests: its own database, identity and API against a server in memory.
import { IDBFactory } from "fake-indexeddb";
import { Api } from "../../src/sdk/api";
import { Identity } from "../../src/sdk/identity";
import { Store } from "../../src/sdk/store";

export const ORIGIN = "https://helio.test";

export interface Device {
  api: Api;
  identity: Identity;
  store: Store;
}

export type Handler = (method: string, path: string, body: unknown) => [number, unknown] | null;

const TOKEN_REPLY = { token: "a.b.c", expiresIn: 300, iceServers: [] };

/** Answers like the server; `handler` may answer first. */
export function memoryFetch(handler: Handler = () => null): typeof fetch {
  return async (input, init) => {
    const path = new URL(String(input)).pathname;
    const method = init?.method ?? "GET";
    const body: unknown = init?.body === undefined ? null : JSON.parse(String(init.body));
    const [status, reply] = handler(method, path, body) ?? standard(method, path);
    return new Response(reply === null ? null : JSON.stringify(reply), { status });
  };
}

function standard(method: string, path: string): [number, unknown] {
  const info = { origins: [ORIGIN], inviteOrigin: ORIGIN, now: Date.now(), setUp: true };
  if (path === "/api/server") return [200, info];
  if (path === "/api/auth/webrtc-token") return [200, TOKEN_REPLY];
  if (path === "/api/pairs" && method === "POST") return [201, {}];
  return [404, { code: "not-found", detail: `${method} ${path}` }];
}

export async function makeDevice(name: string, handler?: Handler): Promise<Device> {
  const store = await Store.open(new IDBFactory());
  const identity = await Identity.loadOrCreate(store, { name, kind: "laptop" });
  const api = new Api({ origin: ORIGIN, identity, fetch: memoryFetch(handler) });
  return { api, identity, store };
}
