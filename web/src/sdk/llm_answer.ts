// One answer of a model: what came of it, in order and once, whatever happens to the channel.
import type { HelioError } from "./errors";
import type { ChatMessage, ChatUsage } from "./llm_words";

/** Longest answer, in UTF-16 units: a host sends at most so many bytes. */
export const ANSWER_LIMIT = 1024 * 1024;

/**
 * `waiting` nothing came yet · `answering` · `done` · `stopped` by this side · `failed`, see
 * `failure`. The last three are for good.
 */
export type AnswerState = "waiting" | "answering" | "done" | "stopped" | "failed";

/** What is asked. */
export interface ChatQuestion {
  model: string;
  /** The whole conversation, the newest turn last. */
  messages: readonly ChatMessage[];
}

/** What an earlier visit kept of an answer. */
export interface KeptAnswer {
  id: string;
  /** The number of the last piece that came. */
  seq: number;
  content: string;
}

/** One answer, as views see it. */
export interface LlmAnswer extends Readonly<KeptAnswer> {
  readonly state: AnswerState;
  readonly usage: ChatUsage | null;
  readonly failure: HelioError | null;
}

/** What a piece did: it is `taken`, came a `second` time, or pieces before it are `missing`. */
export type Taken = "taken" | "second" | "missing";

/** An answer as its chat writes it. */
export class Answer implements LlmAnswer {
  readonly id: string;
  readonly question: ChatQuestion;
  seq: number;
  content: string;
  state: AnswerState;
  usage: ChatUsage | null = null;
  failure: HelioError | null = null;
  /** The question went out on some channel: the host may know it. */
  wasAsked = false;
  /** What is missing was asked for, and did not come yet. */
  isResuming = false;

  constructor({ id, seq, content }: KeptAnswer, question: ChatQuestion) {
    this.id = id;
    this.question = question;
    this.seq = seq;
    this.content = content;
    this.state = seq === 0 ? "waiting" : "answering";
  }

  get isOver(): boolean {
    return this.state !== "waiting" && this.state !== "answering";
  }

  /** Takes the piece that is next; only that one. */
  take(seq: number, content: string): Taken {
    if (seq <= this.seq) return "second";
    if (seq > this.seq + 1) return "missing";
    this.seq = seq;
    this.isResuming = false;
    this.content += content;
    this.state = "answering";
    return "taken";
  }

  finish(usage: ChatUsage): void {
    this.state = "done";
    this.usage = usage;
  }

  stop(): void {
    this.state = "stopped";
  }

  fail(failure: HelioError): void {
    this.state = "failed";
    this.failure = failure;
  }
}
