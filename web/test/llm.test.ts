// Chats over a channel that breaks: every piece of an answer is taken once and in order, and what
// a host must not say does no harm.
import { beforeEach, expect, test } from "vitest";
import { utf8, type Bytes } from "../src/sdk/bytes";
import { Llm } from "../src/sdk/llm";
import { ANSWER_LIMIT, type LlmAnswer } from "../src/sdk/llm_answer";
import {
  CONVERSATION_LIMIT,
  decodeLlmReply,
  encodeLlmRequest,
  LLM_MESSAGE_LIMIT_BYTES,
  MODELS_LIMIT,
  type ChatMessage,
  type LlmRequest,
} from "../src/sdk/llm_words";

const QUESTION = { model: "tiny", messages: [{ role: "user", content: "Hello" }] } as const;

let llm: Llm;
/** What the page said on the channel that there is. */
let said: LlmRequest[];

function open(): void {
  said = [];
  const channel = said;
  llm.handleOpened((bytes: Bytes) => {
    channel.push(JSON.parse(new TextDecoder().decode(bytes)) as LlmRequest);
    return Promise.resolve();
  });
}

function reply(message: object): void {
  llm.handle(utf8(JSON.stringify(message)));
}

const saidOf = (op: LlmRequest["op"]) => said.filter((request) => request.op === op);
const delta = (id: string, seq: number, content = `${seq} `) =>
  reply({ op: "delta", id, seq, content });

beforeEach(() => {
  llm = new Llm();
  open();
});

test("an answer comes piece by piece, and once it is kept the host may forget it", () => {
  const told: string[] = [];
  llm.on("answer", (answer) => told.push(`${answer.state}: ${answer.content}`));
  const { id } = llm.ask(QUESTION);
  expect(saidOf("chat")).toEqual([{ op: "chat", id, ...QUESTION, stream: true }]);
  delta(id, 1, "I'm");
  delta(id, 2, " here");
  reply({ op: "done", id, seq: 3, usage: { promptTokens: 4, completionTokens: 2 } });
  expect(told).toEqual(["answering: I'm", "answering: I'm here", "done: I'm here"]);
  expect(saidOf("cancel")).toEqual([]);
  llm.forget(id);
  expect(saidOf("cancel")).toEqual([{ op: "cancel", id }]);
});

test("usage is what the host says of it", () => {
  const answer = llm.ask(QUESTION);
  reply({ op: "done", id: answer.id, seq: 1, usage: { promptTokens: 4, completionTokens: -1 } });
  expect(answer).toMatchObject({ state: "done", usage: { promptTokens: 4 } });
});

test("after a broken channel it resumes behind the last piece, and doubles are dropped", () => {
  const answer = llm.ask(QUESTION);
  delta(answer.id, 1);
  delta(answer.id, 2);
  llm.handleClosed();
  open();
  expect(saidOf("resume")).toEqual([{ op: "resume", id: answer.id, after: 2 }]);
  expect(saidOf("chat")).toEqual([]);
  delta(answer.id, 2);
  delta(answer.id, 3);
  expect(answer.content).toBe("1 2 3 ");
  expect(llm.doubled).toBe(1);
});

test("a missing piece is asked for once, and nothing behind it is taken before", () => {
  const answer = llm.ask(QUESTION);
  delta(answer.id, 1);
  delta(answer.id, 3);
  delta(answer.id, 4);
  reply({ op: "done", id: answer.id, seq: 5 });
  expect(saidOf("resume")).toEqual([{ op: "resume", id: answer.id, after: 1 }]);
  expect(answer).toMatchObject({ content: "1 ", state: "answering" });
  for (const seq of [2, 3, 4]) delta(answer.id, seq);
  reply({ op: "done", id: answer.id, seq: 5 });
  expect(answer).toMatchObject({ content: "1 2 3 4 ", state: "done" });
});

test("every cut of an answer, at any piece, leaves it whole", () => {
  const pieces = 12;
  for (let cut = 0; cut <= pieces; cut += 1) {
    const answer = llm.ask(QUESTION);
    // The host sends on for a while although nobody hears it.
    for (let seq = 1; seq <= cut; seq += 1) delta(answer.id, seq);
    llm.handleClosed();
    open();
    const [resume] = saidOf("resume");
    expect(resume).toEqual({ op: "resume", id: answer.id, after: cut });
    for (let seq = Math.max(1, cut - 1); seq <= pieces; seq += 1) delta(answer.id, seq);
    reply({ op: "done", id: answer.id, seq: pieces + 1 });
    const whole = Array.from({ length: pieces }, (_, at) => `${at + 1} `).join("");
    expect(answer).toMatchObject({ state: "done", content: whole });
  }
});

test("a question that was lost with its channel is asked again with the same id", () => {
  const answer = llm.ask(QUESTION);
  llm.handleClosed();
  open();
  expect(saidOf("resume")).toEqual([{ op: "resume", id: answer.id, after: 0 }]);
  reply({ op: "error", id: answer.id, code: "unknown-chat", message: "no such chat" });
  expect(saidOf("chat")).toMatchObject([{ id: answer.id }]);
  delta(answer.id, 1);
  expect(answer.content).toBe("1 ");
});

test("an answer that the host forgot midway has failed", () => {
  const answer = llm.ask(QUESTION);
  delta(answer.id, 1);
  llm.handleClosed();
  open();
  reply({ op: "error", id: answer.id, code: "unknown-chat", message: "no such chat" });
  expect(answer).toMatchObject({
    state: "failed",
    content: "1 ",
    failure: { code: "unknown-chat" },
  });
  expect(saidOf("chat")).toEqual([]);
});

test("a question without a channel goes out when there is one", () => {
  llm.handleClosed();
  const { id } = llm.ask(QUESTION);
  open();
  expect(saidOf("chat")).toMatchObject([{ id }]);
  expect(saidOf("resume")).toEqual([]);
});

test("an answer of an earlier visit goes on behind what was kept", () => {
  const answer = llm.goOn({ id: "kept", seq: 7, content: "so far" }, QUESTION);
  expect(saidOf("resume")).toEqual([{ op: "resume", id: "kept", after: 7 }]);
  delta("kept", 8, " and on");
  expect(answer.content).toBe("so far and on");
});

test("a stopped answer stops at the host, also where the channel is gone", () => {
  const here = llm.ask(QUESTION);
  llm.cancel(here.id);
  expect(saidOf("cancel")).toEqual([{ op: "cancel", id: here.id }]);
  const away = llm.ask(QUESTION);
  llm.handleClosed();
  llm.cancel(away.id);
  open();
  expect(saidOf("cancel")).toEqual([{ op: "cancel", id: away.id }]);
  expect(saidOf("resume")).toEqual([]);
  // What was on its way already changes nothing.
  delta(here.id, 1);
  reply({ op: "error", id: here.id, seq: 2, code: "cancelled", message: "stopped" });
  expect(here).toMatchObject({ state: "stopped", content: "", failure: null });
});

test("an error in its turn ends the answer, one ahead of pieces waits for them", () => {
  const answer = llm.ask(QUESTION);
  delta(answer.id, 1);
  const error = {
    op: "error",
    id: answer.id,
    seq: 3,
    code: "upstream-broken",
    message: "it broke",
  };
  reply(error);
  expect(answer.state).toBe("answering");
  delta(answer.id, 2);
  reply(error);
  expect(answer).toMatchObject({ state: "failed", content: "1 2 " });
  expect(answer.failure).toMatchObject({ code: "upstream-broken", message: "it broke" });
});

test("several chats run at once, and each gets its own pieces", () => {
  const answers: LlmAnswer[] = Array.from({ length: 16 }, () => llm.ask(QUESTION));
  expect(new Set(answers.map(({ id }) => id)).size).toBe(16);
  for (const seq of [1, 2]) for (const { id } of answers) delta(id, seq, `${id} ${seq};`);
  for (const { id, content } of answers) expect(content).toBe(`${id} 1;${id} 2;`);
});

test("a chat of somebody else, and what is no message, change nothing", () => {
  const answer = llm.ask(QUESTION);
  delta("somebody", 1);
  expect(llm.malformed).toBe(0);
  for (const wrong of ["", "[]", "null", '"delta"', "{", '{"op":"pull"}', '{"op":"delta"}']) {
    llm.handle(utf8(wrong));
  }
  reply({ op: "delta", id: answer.id, seq: -1, content: "" });
  reply({ op: "delta", id: answer.id, seq: 1.5, content: "" });
  reply({ op: "delta", id: answer.id, seq: 1, content: 1 });
  llm.handle(new Uint8Array([0xff, 0xfe]));
  expect(llm.malformed).toBe(11);
  expect(answer).toMatchObject({ seq: 0, content: "", state: "waiting" });
});

test("models are asked for with each channel; what is no name is left out", () => {
  expect(saidOf("models")).toHaveLength(1);
  reply({
    op: "models",
    models: [{ name: "a" }, {}, null, { name: 1 }, { name: "" }, { name: "b" }],
  });
  expect(llm.models).toEqual(["a", "b"]);
  reply({
    op: "models",
    models: Array.from({ length: MODELS_LIMIT + 1 }, (_, at) => ({ name: `${at}` })),
  });
  expect(llm.models).toHaveLength(MODELS_LIMIT);
});

test("a host that does not say which models it has says why", () => {
  const told: string[] = [];
  llm.on("modelsFailed", ({ code }) => told.push(code));
  reply({ op: "error", code: "upstream-unreachable", message: "nobody listens" });
  expect(told).toEqual(["upstream-unreachable"]);
});

test("an answer beyond its limit fails and is stopped", () => {
  const answer = llm.ask(QUESTION);
  const piece = "x".repeat(32 * 1024);
  const fitting = ANSWER_LIMIT / piece.length;
  for (let seq = 1; seq <= fitting; seq += 1) delta(answer.id, seq, piece);
  expect(answer).toMatchObject({ state: "answering" });
  delta(answer.id, fitting + 1, "x");
  expect(answer).toMatchObject({ state: "failed", failure: { code: "answer-too-long" } });
  expect(saidOf("cancel")).toEqual([{ op: "cancel", id: answer.id }]);
});

const chatOf = (messages: ChatMessage[]): LlmRequest => ({
  op: "chat",
  id: "c1",
  model: "tiny",
  messages,
  stream: true,
});

test("a conversation that does not fit loses its oldest turns, never the newest", () => {
  const turn = (content: string): ChatMessage => ({ role: "user", content });
  const long = Array.from({ length: 10 }, (_, at) => turn(`${at}`.repeat(10_000)));
  const bytes = encodeLlmRequest(chatOf(long));
  expect(bytes.length).toBeLessThanOrEqual(LLM_MESSAGE_LIMIT_BYTES);
  const sent = JSON.parse(new TextDecoder().decode(bytes)) as { messages: ChatMessage[] };
  expect(sent.messages.map(({ content }) => content[0])).toEqual(["4", "5", "6", "7", "8", "9"]);
  const many = Array.from({ length: CONVERSATION_LIMIT + 1 }, (_, at) => turn(`${at}`));
  const fewer = JSON.parse(new TextDecoder().decode(encodeLlmRequest(chatOf(many)))) as {
    messages: ChatMessage[];
  };
  expect(fewer.messages).toHaveLength(CONVERSATION_LIMIT);
  expect(fewer.messages.at(-1)?.content).toBe(`${CONVERSATION_LIMIT}`);
});

test("a message at the limit is sent, one byte more is refused", () => {
  const overhead = encodeLlmRequest(chatOf([{ role: "user", content: "" }])).length;
  const content = "x".repeat(LLM_MESSAGE_LIMIT_BYTES - overhead);
  const fits = encodeLlmRequest(chatOf([{ role: "user", content }]));
  expect(fits).toHaveLength(LLM_MESSAGE_LIMIT_BYTES);
  const more = () => encodeLlmRequest(chatOf([{ role: "user", content: `${content}x` }]));
  expect(more).toThrow(/64 KiB/);
  const question = {
    model: "tiny",
    messages: [{ role: "user", content: `${content}xxxx` }],
  } as const;
  expect(() =>
    llm.ask({ ...question, messages: [...question.messages, ...question.messages] }),
  ).toThrow(/the limit is/);
  expect(saidOf("chat")).toEqual([]);
});

test("a reply at the limit is read, one byte more is not", () => {
  const of = (length: number) =>
    utf8(JSON.stringify({ op: "delta", id: "a", seq: 1, content: "x".repeat(length) }));
  const overhead = of(0).length;
  expect(decodeLlmReply(of(LLM_MESSAGE_LIMIT_BYTES - overhead)).op).toBe("delta");
  expect(() => decodeLlmReply(of(LLM_MESSAGE_LIMIT_BYTES - overhead + 1))).toThrow(/bytes/);
});
