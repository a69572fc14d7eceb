// What the control channels do: text with acks, commands, pings. Knows frames, not channels:
// bytes go in and out by callbacks. It outlives the connections that carry it.
import type { Bytes } from "./bytes";
import { decodeFrame, encodeFrame, type ControlFrame, type FrameMap } from "./control";
import { HelioError } from "./errors";
import type { Percentiles } from "./link_stats";
import { ReplayWindow } from "./secure_channel";

/** How long a text is resent before its sender learns that it failed, in milliseconds. */
export const DELIVERY_LIMIT_MS = 3000;

const PING_EVERY_MS = 2000;
const RTT_SAMPLES = 100;
const FIRST_RESEND_MS = 200;
const SHORTEST_RESEND_MS = 40;
const LONGEST_RESEND_MS = 800;

/** What Ctl tells its link. */
export interface CtlHandlers {
  send: (channel: "ctl" | "telemetry", bytes: Bytes) => void;
  onText: (text: { id: number; text: string; at: number }) => void;
  onCommand: (command: { name: string; args: FrameMap }) => void;
  onStats: (stats: FrameMap) => void;
  /** Every 2 s, before the ping: a chance to repeat what must not get lost. */
  onTick: () => void;
}

interface Pending {
  bytes: Bytes;
  deadlineMs: number;
  waitMs: number;
  timer: ReturnType<typeof setTimeout>;
  resolve: () => void;
  reject: (error: HelioError) => void;
}

/** This end of the conversation on `ctl` and `telemetry` of a link. */
export class Ctl {
  readonly #handlers: CtlHandlers;
  readonly #now: () => number;
  readonly #pending = new Map<number, Pending>();
  /** Texts and commands already taken, by id: resent ones come twice. */
  #taken = new ReplayWindow();
  /** The peer's end, as the connection says that carries the conversation. */
  #peer: string | null = null;
  #rtts: number[] = [];
  #nextId = 0;
  #pingTimer: ReturnType<typeof setInterval> | undefined;
  /** Frames that could not be read, dropped. */
  malformed = 0;
  duplicates = 0;

  constructor(handlers: CtlHandlers, now: () => number = () => performance.now()) {
    this.#handlers = handlers;
    this.#now = now;
  }

  /**
   * A connection is there and frames may flow. Where the peer goes on with its end, texts without
   * an ack go out anew, and what comes again is known. One that began anew, or does not say
   * (null), counts from 0 and knows of nothing: what was not acknowledged has failed.
   */
  open(peer: string | null): void {
    if (peer === null || peer !== this.#peer) {
      this.#failPending("the peer began anew");
      this.#taken = new ReplayWindow();
    }
    this.#peer = peer;
    this.pause();
    this.#tick();
    this.#pingTimer = setInterval(() => this.#tick(), PING_EVERY_MS);
    for (const [id, pending] of this.#pending) {
      clearTimeout(pending.timer);
      pending.waitMs = this.#resendMs();
      this.#resend(id);
    }
  }

  /** No connection is there. Texts keep their time, and go out anew with the next one. */
  pause(): void {
    clearInterval(this.#pingTimer);
  }

  /** Ends; texts not yet acknowledged fail. */
  stop(): void {
    this.pause();
    this.#failPending("the link closed");
  }

  /** Round trips of the last pings, in milliseconds. */
  get channelRttMs(): Percentiles | null {
    if (this.#rtts.length === 0) return null;
    const sorted = this.#rtts.toSorted((a, b) => a - b);
    const at = (quantile: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))] ?? 0;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }

  /** Resolves when the peer acknowledged it. @throws HelioError `text-too-long`, `not-delivered`. */
  async sendText(text: string): Promise<void> {
    const id = this.#takeId();
    const bytes = encodeFrame({ kind: "text", id, text, wantAck: true });
    await new Promise<void>((resolve, reject) => {
      const waitMs = this.#resendMs();
      const timer = setTimeout(() => this.#resend(id), waitMs);
      const deadlineMs = this.#now() + DELIVERY_LIMIT_MS;
      this.#pending.set(id, { bytes, deadlineMs, waitMs, timer, resolve, reject });
      this.#handlers.send("ctl", bytes);
    });
  }

  /** Best effort. */
  sendCommand(name: string, args: FrameMap): void {
    this.#send("ctl", { kind: "command", id: this.#takeId(), name, args });
  }

  /** Best effort, on `telemetry`. */
  sendStats(stats: FrameMap): void {
    this.#send("telemetry", { kind: "stats", id: this.#takeId(), stats });
  }

  /** Takes the bytes of one frame; unreadable ones are dropped and counted. */
  handle(bytes: Bytes): void {
    let frame: ControlFrame;
    try {
      frame = decodeFrame(bytes);
    } catch {
      this.malformed += 1;
      return;
    }
    switch (frame.kind) {
      case "text":
        return this.#handleText(frame.id, frame.text, frame.wantAck);
      case "ack":
        return this.#handleAck(frame.id);
      case "ping":
        return this.#send("ctl", { ...frame, kind: "pong" });
      case "pong":
        return this.#handlePong(frame.sentMicros);
      case "command":
        if (this.#isNew(frame.id)) this.#handlers.onCommand(frame);
        return;
      case "stats":
        return this.#handlers.onStats(frame.stats);
    }
  }

  #failPending(why: string): void {
    for (const pending of this.#pending.values()) {
      clearTimeout(pending.timer);
      pending.reject(notDelivered(why));
    }
    this.#pending.clear();
  }

  #handleText(id: number, text: string, wantAck: boolean): void {
    // Acknowledged again when it comes again: the first ack may be what was lost. One that is too
    // old is not: nobody remembers whether it was shown.
    if (wantAck && !this.#taken.isForgotten(BigInt(id))) this.#send("ctl", { kind: "ack", id });
    if (this.#isNew(id)) this.#handlers.onText({ id, text, at: Date.now() });
  }

  #handleAck(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    pending.resolve();
  }

  #handlePong(sentMicros: number): void {
    const rttMs = this.#now() - sentMicros / 1000;
    // A pong that no ping explains would spoil the figures.
    if (rttMs < 0 || rttMs > 60_000) return;
    this.#rtts = [...this.#rtts.slice(1 - RTT_SAMPLES), rttMs];
  }

  #isNew(id: number): boolean {
    if (this.#taken.accept(BigInt(id))) return true;
    this.duplicates += 1;
    return false;
  }

  #resend(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    const leftMs = pending.deadlineMs - this.#now();
    if (leftMs <= 0) {
      this.#pending.delete(id);
      pending.reject(notDelivered(`no acknowledgement within ${DELIVERY_LIMIT_MS / 1000} s`));
      return;
    }
    this.#handlers.send("ctl", pending.bytes);
    pending.waitMs = Math.min(LONGEST_RESEND_MS, pending.waitMs * 1.5);
    pending.timer = setTimeout(() => this.#resend(id), Math.min(leftMs, pending.waitMs));
  }

  /** Twice the usual round trip, within bounds. */
  #resendMs(): number {
    const rtt = this.channelRttMs;
    if (rtt === null) return FIRST_RESEND_MS;
    return Math.min(LONGEST_RESEND_MS, Math.max(SHORTEST_RESEND_MS, rtt.p95 * 2));
  }

  #tick(): void {
    this.#handlers.onTick();
    const sentMicros = Math.max(0, Math.round(this.#now() * 1000));
    this.#send("ctl", { kind: "ping", id: this.#takeId(), sentMicros });
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId = (this.#nextId + 1) % 0x1_0000_0000;
    return id;
  }

  #send(channel: "ctl" | "telemetry", frame: ControlFrame): void {
    this.#handlers.send(channel, encodeFrame(frame));
  }
}

function notDelivered(why: string): HelioError {
  return new HelioError("not-delivered", `the message was not delivered: ${why}`, "Send it again.");
}
