// The server's side of /api/pairing in memory, by docs/protocol.md: relays, counts, closes.
import type { Socket, SocketFactory } from "../../src/sdk/sockets";

type Message = Record<string, unknown>;

class MemorySocket implements Socket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  isOpen = true;
  readonly #received: (message: Message) => void;
  readonly #left: () => void;

  constructor(received: (message: Message) => void, left: () => void) {
    this.#received = received;
    this.#left = left;
  }

  send(data: string): void {
    if (this.isOpen) queueMicrotask(() => this.#received(JSON.parse(data) as Message));
  }

  close(): void {
    this.drop(1000);
    this.#left();
  }

  deliver(message: Message): void {
    if (this.isOpen) this.onmessage?.({ data: JSON.stringify(message) });
  }

  drop(code: number): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    queueMicrotask(() => this.onclose?.({ code }));
  }
}

/** One rendezvous. `change` sees each relayed message and may alter or drop it. */
export class Rendezvous {
  #inviter: MemorySocket | null = null;
  #joiner: MemorySocket | null = null;
  #failures = 0;
  isBurnt = false;
  wasUsed = false;
  change: (from: "inviter" | "joiner", data: string, index: number) => string | null = (_, data) =>
    data;
  #index = 0;

  readonly inviterSocket: SocketFactory = () => {
    const socket = new MemorySocket(
      (message) => this.#fromInviter(message),
      () => this.#end(),
    );
    this.#inviter = socket;
    queueMicrotask(() => socket.onopen?.(undefined as never));
    return socket;
  };

  readonly joinerSocket: SocketFactory = () => {
    const socket: MemorySocket = new MemorySocket(
      (message) => this.#relay("joiner", message),
      () => this.#leave(socket),
    );
    if (this.isBurnt || this.#inviter === null || this.#joiner !== null) {
      queueMicrotask(() => socket.drop(4404));
      return socket;
    }
    this.#joiner = socket;
    this.#index = 0;
    queueMicrotask(() => {
      socket.onopen?.(undefined as never);
      this.#inviter?.deliver({ t: "joined" });
      socket.deliver({ t: "joined" });
    });
    return socket;
  };

  #fromInviter(message: Message): void {
    if (message["t"] === "burn") return this.#end();
    if (message["t"] === "failed") {
      this.#failures += 1;
      this.#joiner?.drop(4404);
      this.#joiner = null;
      if (this.#failures >= 3) this.#end();
      return;
    }
    this.#relay("inviter", message);
  }

  #relay(from: "inviter" | "joiner", message: Message): void {
    const data = this.change(from, String(message["data"]), this.#index);
    this.#index += 1;
    const to = from === "inviter" ? this.#joiner : this.#inviter;
    if (data !== null) to?.deliver({ t: "noise", data });
  }

  #leave(socket: MemorySocket): void {
    if (this.#joiner !== socket) return;
    this.#joiner = null;
    this.#inviter?.deliver({ t: "left" });
  }

  #end(): void {
    this.isBurnt = true;
    this.#joiner?.drop(4404);
    this.#joiner = null;
    this.#inviter?.drop(4404);
  }
}
