// The signalling socket's life: which closes it survives, and how it keeps its token.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Api } from "../src/sdk/api";
import { Signalling, type Ready, type SignallingEvents } from "../src/sdk/signalling";
import type { Socket } from "../src/sdk/sockets";
import { makeDevice, ORIGIN, type Device, type Handler } from "./support/device";

class FakeSocket implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  readonly sent: Record<string, unknown>[] = [];
  readonly url: string;
  readonly protocols: string[];
  isClosed = false;

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Record<string, unknown>);
  }

  close(): void {
    this.isClosed = true;
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

const READY = { t: "ready", polite: true, peer: { online: true }, iceServers: [] };
const RELAY = { urls: "turn:relay.example" };

let device: Device;
let sockets: FakeSocket[];
let signalling: Signalling;
let seen: [string, unknown][];
let refusal: [number, unknown] | null;

const server: Handler = (_, path) => (path === "/api/auth/webrtc-token" ? refusal : null);

beforeEach(async () => {
  device = await makeDevice("Ada", server);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
  sockets = [];
  seen = [];
  refusal = null;
  signalling = new Signalling({
    api: device.api,
    pairId: "p".repeat(43),
    random: () => 1,
    socket: (url, protocols) => {
      const socket = new FakeSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
  });
  const names: (keyof SignallingEvents)[] = [
    "ready",
    "peerOnline",
    "ice",
    "lost",
    "ended",
    "refused",
  ];
  for (const name of names) signalling.on(name, (value) => seen.push([name, value]));
});

afterEach(() => {
  signalling.stop();
  vi.useRealTimers();
});

async function opened(count = 1): Promise<FakeSocket> {
  await vi.waitFor(() => expect(sockets).toHaveLength(count));
  const socket = sockets[count - 1];
  if (socket === undefined) throw new Error("no socket");
  return socket;
}

async function ready(): Promise<FakeSocket> {
  signalling.start();
  const socket = await opened();
  socket.say(READY);
  return socket;
}

test("the token travels as a subprotocol, not in the address", async () => {
  const socket = await ready();
  expect(socket.url).toBe("wss://helio.test/api/signal");
  expect(socket.protocols).toEqual([
    "heliograph.v1",
    "base64url.bearer.authorization.heliograph.a.b.c",
  ]);
  const ice = { servers: [], expiresMs: Infinity };
  expect(seen).toEqual([["ready", { polite: true, peerOnline: true, ice }]]);
});

test("nothing is sent before ready", async () => {
  signalling.start();
  const socket = await opened();
  expect(signalling.send({ t: "bye" })).toBe(false);
  socket.say(READY);
  expect(signalling.send({ t: "bye" })).toBe(true);
  expect(socket.sent).toEqual([{ t: "bye", pairId: "p".repeat(43) }]);
});

test.each([1001, 1006, 4401])("after %i it connects again", async (code) => {
  const socket = await ready();
  socket.onclose?.({ code });
  expect(signalling.isReady).toBe(false);
  await vi.advanceTimersByTimeAsync(500);
  await opened(2);
});

test("waits grow while the server is away", async () => {
  (await ready()).onclose?.({ code: 1006 });
  await vi.advanceTimersByTimeAsync(500);
  (await opened(2)).onclose?.({ code: 1006 });
  await vi.advanceTimersByTimeAsync(999);
  expect(sockets).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(1);
  await opened(3);
});

test.each([
  [4409, "replaced"],
  [4403, "revoked"],
])("after %i it stays away", async (code, reason) => {
  const socket = await ready();
  socket.onclose?.({ code });
  expect(seen.at(-1)).toEqual(["ended", reason]);
  await vi.advanceTimersByTimeAsync(120_000);
  expect(sockets).toHaveLength(1);
});

test("after 4429 it waits a minute", async () => {
  (await ready()).onclose?.({ code: 4429 });
  await vi.advanceTimersByTimeAsync(59_000);
  expect(sockets).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1000);
  await opened(2);
});

test("the token is renewed in band a minute before it ends", async () => {
  const socket = await ready();
  await vi.advanceTimersByTimeAsync(239_000);
  expect(socket.sent).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1500);
  await vi.waitFor(() => expect(socket.sent).toEqual([{ t: "auth", token: "a.b.c" }]));
  expect(sockets).toHaveLength(1);
});

test("a revoked pair ends it when a token is asked for", async () => {
  refusal = [403, { code: "revoked", detail: "the pair was revoked" }];
  signalling.start();
  await vi.waitFor(() => expect(seen.at(-1)).toEqual(["ended", "revoked"]));
  expect(sockets).toHaveLength(0);
});

test("a server without answer is asked again", async () => {
  refusal = [503, { code: "unavailable" }];
  signalling.start();
  await vi.waitFor(() => expect(seen.at(-1)?.[0]).toBe("lost"));
  refusal = null;
  await vi.advanceTimersByTimeAsync(500);
  await opened(1);
});

test("a token that nobody answers for is asked for again", async () => {
  let asked = 0;
  const silent: typeof fetch = (_, init) =>
    new Promise((_resolve, reject) => {
      asked += 1;
      init?.signal?.addEventListener("abort", () => reject(new Error("aborted")));
    });
  const api = new Api({ origin: ORIGIN, identity: device.identity, fetch: silent });
  const alone = new Signalling({ api, pairId: "p".repeat(43), random: () => 1 });
  alone.start();
  await vi.waitFor(() => expect(asked).toBe(1));
  await vi.advanceTimersByTimeAsync(5999);
  expect(asked).toBe(1);
  await vi.advanceTimersByTimeAsync(1 + 500);
  await vi.waitFor(() => expect(asked).toBe(2));
  alone.stop();
});

test("a socket that does not answer a probe is replaced", async () => {
  const socket = await ready();
  signalling.probe();
  await vi.waitFor(() => expect(socket.sent).toHaveLength(1));
  await vi.advanceTimersByTimeAsync(2000);
  await opened(2);
  expect(socket.isClosed).toBe(true);
});

test("a probe that cannot even leave replaces the socket at once", async () => {
  const socket = await ready();
  refusal = [503, { code: "unavailable" }];
  signalling.probe();
  await vi.waitFor(() => expect(socket.isClosed).toBe(true));
});

test("another network gets another socket at once, as often as it changes", async () => {
  const socket = await ready();
  refusal = [503, { code: "unavailable" }];
  for (let change = 0; change < 5; change += 1) {
    signalling.reconnect();
    await vi.advanceTimersByTimeAsync(0);
    await vi.waitFor(() => expect(seen.at(-1)?.[0]).toBe("lost"));
    expect(socket.isClosed).toBe(true);
    seen.length = 0;
  }
  refusal = null;
  // The wait after the last failure is a first one, for all that failed before.
  await vi.advanceTimersByTimeAsync(500);
  await opened(2);
});

test("what was asked for over the network before is not waited for", async () => {
  const socket = await ready();
  let answerLate = (): void => undefined;
  const late = new Promise<void>((resolve) => (answerLate = resolve));
  const linkToken = vi.spyOn(device.api, "linkToken");
  const token = await device.api.linkToken("p".repeat(43), { fresh: true });
  linkToken.mockImplementationOnce(async () => {
    await late;
    throw new Error("the network of before");
  });
  signalling.reconnect();
  await vi.advanceTimersByTimeAsync(0);
  linkToken.mockResolvedValue(token);
  signalling.reconnect();
  await vi.advanceTimersByTimeAsync(0);
  const other = await opened(2);
  other.say(READY);
  answerLate();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(socket.isClosed).toBe(true);
  expect(seen.map(([name]) => name)).not.toContain("lost");
  expect(sockets).toHaveLength(2);
});

test("a socket that answers its probe stays", async () => {
  const socket = await ready();
  signalling.probe();
  await vi.waitFor(() => expect(socket.sent).toHaveLength(1));
  socket.say({ t: "auth-ok", exp: 0 });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sockets).toHaveLength(1);
});

test("ICE servers come with their end, counted from the server's clock, and renewed in band", async () => {
  signalling.start();
  const socket = await opened();
  const exp = Date.now() / 1000 + 60;
  socket.say({ ...READY, iceServers: [RELAY], iceServersExp: exp });
  const readyMs = Date.now();
  const [, ready] = seen[0] ?? [];
  expect((ready as Ready).ice.servers).toEqual([RELAY]);
  // The offset of the clocks is known to the millisecond at best.
  expect(Math.abs((ready as Ready).ice.expiresMs - exp * 1000)).toBeLessThan(1000);
  const renewed = signalling.renew();
  await vi.waitFor(() => expect(socket.sent).toEqual([{ t: "auth", token: "a.b.c" }]));
  await vi.advanceTimersByTimeAsync(1000);
  socket.say({ t: "auth-ok", exp: 0, iceServers: [RELAY] });
  await renewed;
  const [name, grant] = seen.at(-1) ?? [];
  expect(name).toBe("ice");
  expect((grant as Ready["ice"]).expiresMs).toBe(
    (ready as Ready).ice.expiresMs + Date.now() - readyMs,
  );
});

test("a renewal that nobody answers is waited for two seconds", async () => {
  const socket = await ready();
  let isOver = false;
  void signalling.renew().then(() => (isOver = true));
  await vi.waitFor(() => expect(socket.sent).toHaveLength(1));
  // Waiting for the token took some of the time.
  await vi.advanceTimersByTimeAsync(1500);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(500);
  expect(isOver).toBe(true);
});

test("a renewal without a server ends at once", async () => {
  await signalling.renew();
  await ready();
  refusal = [503, { code: "unavailable" }];
  await signalling.renew();
});
