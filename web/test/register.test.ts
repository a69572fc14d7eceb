// A place in a room: who was let in waits for the server, who never was is told so.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RegisterClient, type RegisterPhase } from "../src/sdk/register";
import type { Socket } from "../src/sdk/sockets";

class FakeSocket implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;

  send(): void {}

  close(): void {}

  end(): void {
    this.onclose?.({ code: 1006 });
  }
}

let sockets: FakeSocket[];
let phases: RegisterPhase[];
let client: RegisterClient;

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  phases = [];
  client = new RegisterClient({
    origin: "https://link.example",
    role: "receiver",
    socket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
  });
  client.on("phase", (phase) => phases.push(phase));
  client.start();
});

afterEach(() => {
  client.close();
  vi.useRealTimers();
});

/** Ends the newest socket and lets the client try again. */
function endAndWait(): void {
  sockets.at(-1)?.end();
  vi.advanceTimersByTime(60_000);
}

test("a page that is never let in is refused, and tries no more", () => {
  for (let attempt = 1; attempt <= 3; attempt += 1) endAndWait();
  expect(phases.at(-1)).toBe("refused");
  expect(sockets).toHaveLength(3);
});

test("a page that was let in waits for its server, however long", () => {
  sockets[0]?.onmessage?.({ data: JSON.stringify({ type: "registered", role: "receiver" }) });
  for (let attempt = 1; attempt <= 10; attempt += 1) endAndWait();
  expect(phases.at(-1)).toBe("reconnecting");
  expect(sockets).toHaveLength(11);
});
