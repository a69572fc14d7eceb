// The conversations: what was said, what is being answered, and keeping them on this device.
import { computed, signal, type Signal } from "@preact/signals";
import {
  LlmHistory,
  type ChatMessage,
  type ChatQuestion,
  type Conversation,
  type Llm,
  type LlmAnswer,
  type ModelTurn,
  type OwnTurn,
} from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";

/** Pieces are drawn together this often, in milliseconds: about once a frame. */
const DRAW_EVERY_MS = 30;
/** An answer under way is kept this often, in milliseconds: the rest comes again after a reload. */
const KEEP_EVERY_MS = 1000;
/** A page that comes back within this time shows the conversation that it had, in milliseconds. */
const REOPEN_WITHIN_MS = 30 * 60_000;
/** Longest title, in characters. */
const TITLE_LIMIT = 60;

/** A model's turn has a signal of its own: a piece of it must not redraw the others. */
export type Item = { key: number } & ({ own: OwnTurn } | { said: Signal<ModelTurn> });

/** A conversation as it is drawn. */
export interface Talk {
  id: string;
  title: string;
  updated: number;
  items: readonly Item[];
}

/** The newest first. */
export const talks = signal<readonly Talk[]>([]);
const openId = signal<string | null>(null);
/** The one on the screen; null before its first question. */
export const talk = computed(() => talks.value.find(({ id }) => id === openId.value) ?? null);
/** The answer under way in it. */
export const underWay = computed(() => {
  const last = talk.value?.items.at(-1);
  if (!last || !("said" in last)) return null;
  return isOver(last.said.value) ? null : last.said;
});
/** Why the last question was not asked. */
export const askFailure = signal<Failure | null>(null);
/** Why conversations are not kept. */
export const keepFailure = signal<Failure | null>(null);

let history: LlmHistory | null = null;
let nextKey = 1;
/** Who answers, by pair. */
let answering: { llm: Llm; pairId: string } | null = null;
/** Answers under way, by their id. */
const said = new Map<string, { talkId: string; turn: Signal<ModelTurn> }>();
const undrawn = new Set<LlmAnswer>();
let drawTimer: ReturnType<typeof setTimeout> | undefined;
const unkept = new Set<string>();
let keepTimer: ReturnType<typeof setTimeout> | undefined;

export function isOver({ state }: ModelTurn): boolean {
  return state !== "waiting" && state !== "answering";
}

/** Shows what earlier visits kept. */
export async function load(): Promise<void> {
  try {
    history = await LlmHistory.open();
    talks.value = (await history.list()).map(talkOf);
  } catch (thrown) {
    keepFailure.value = failureOf("Keeping the chats", thrown);
  }
  const newest = talks.value[0];
  if (newest && Date.now() - newest.updated < REOPEN_WITHIN_MS) openId.value = newest.id;
}

function talkOf({ id, title, updated, turns }: Conversation): Talk {
  const items = turns.map((turn): Item => {
    const key = nextKey++;
    return turn.by === "self" ? { key, own: turn } : { key, said: signal(turn) };
  });
  return { id, title, updated, items };
}

/** Shows a conversation; null begins another one. */
export function show(id: string | null): void {
  openId.value = id;
  askFailure.value = null;
}

/** Asks `llm` from here on, and goes on with what its device has not answered yet. */
export function goOn(llm: Llm, pairId: string): void {
  answering = { llm, pairId };
  llm.on("answer", (answer) => handleAnswer(llm, answer));
  for (const { id: talkId, items } of talks.value) {
    items.forEach((item, at) => {
      if (!("said" in item)) return;
      const turn = item.said.value;
      if (isOver(turn) || turn.pairId !== pairId) return;
      said.set(turn.answerId, { talkId, turn: item.said });
      const kept = { id: turn.answerId, seq: turn.seq, content: turn.text };
      llm.goOn(kept, questionOf(turn.model, items.slice(0, at)));
    });
  }
}

/** Says something to a model; false where it was not said. */
export function ask(text: string, model: string): boolean {
  const now = Date.now();
  const own: Item = { key: nextKey++, own: { by: "self", text, at: now } };
  const { id, title, items } = talk.value ?? {
    id: crypto.randomUUID(),
    title: titleOf(text),
    items: [],
  };
  return answer({ id, title, updated: now, items: [...items, own] }, model);
}

/** Asks again what the last turn failed to answer. */
export function askAgain(model: string): void {
  const now = talk.value;
  if (now !== null) answer({ ...now, updated: Date.now(), items: now.items.slice(0, -1) }, model);
}

/** Lets the model answer the last turn. */
function answer(asked: Talk, model: string): boolean {
  askFailure.value = null;
  if (answering === null) return false;
  const { llm, pairId } = answering;
  let asking: LlmAnswer;
  try {
    asking = llm.ask(questionOf(model, asked.items));
  } catch (thrown) {
    askFailure.value = failureOf("Asking", thrown);
    return false;
  }
  const { id: answerId, seq, content: text, state } = asking;
  const where = { model, pairId, answerId, seq, state };
  const turn = signal<ModelTurn>({ by: "model", text, at: Date.now(), ...where, failure: null });
  said.set(answerId, { talkId: asked.id, turn });
  const more = { ...asked, items: [...asked.items, { key: nextKey++, said: turn }] };
  talks.value = [more, ...talks.value.filter(({ id }) => id !== more.id)];
  openId.value = more.id;
  void keepNow(more.id);
  return true;
}

/** Stops the answer on the screen. */
export function stop(): void {
  const turn = underWay.value;
  if (turn === null) return;
  const { answerId, pairId } = turn.value;
  // Another device's answer ends here; that device stops when nobody asks for it.
  if (answering?.pairId === pairId) answering.llm.cancel(answerId);
  else turn.value = { ...turn.value, state: "stopped" };
}

/** Deletes a conversation from this device, and stops what is being answered in it. */
export async function remove(id: string): Promise<void> {
  drop(id);
  await history?.delete(id).catch(keepFailed);
}

/** Deletes all conversations from this device. */
export async function removeAll(): Promise<void> {
  for (const { id } of talks.value) drop(id);
  await history?.deleteAll().catch(keepFailed);
}

function drop(id: string): void {
  for (const [answerId, { talkId }] of said) {
    if (talkId !== id) continue;
    said.delete(answerId);
    answering?.llm.cancel(answerId);
  }
  unkept.delete(id);
  talks.value = talks.value.filter((each) => each.id !== id);
  if (openId.value === id) openId.value = null;
}

function questionOf(model: string, items: readonly Item[]): ChatQuestion {
  const messages = items.map((item): ChatMessage => {
    if ("own" in item) return { role: "user", content: item.own.text };
    return { role: "assistant", content: item.said.peek().text };
  });
  return { model, messages: messages.filter(({ content }) => content !== "") };
}

function titleOf(text: string): string {
  const line = [...(text.trim().split("\n")[0] ?? "")];
  return line.length > TITLE_LIMIT ? `${line.slice(0, TITLE_LIMIT).join("")}…` : line.join("");
}

function handleAnswer(llm: Llm, answer: LlmAnswer): void {
  undrawn.add(answer);
  if (answer.state === "waiting" || answer.state === "answering") {
    drawTimer ??= setTimeout(draw, DRAW_EVERY_MS);
    return;
  }
  draw();
  const { talkId } = said.get(answer.id) ?? {};
  said.delete(answer.id);
  if (talkId === undefined) return;
  // Kept first: what the host forgets must be here. It has stopped what was stopped.
  void keepNow(talkId).then(() => answer.state === "stopped" || llm.forget(answer.id));
}

function draw(): void {
  clearTimeout(drawTimer);
  drawTimer = undefined;
  for (const { id, content: text, seq, state, failure } of undrawn) {
    const entry = said.get(id);
    if (entry === undefined) continue;
    const { code = "", message = "", nextStep = "" } = failure ?? {};
    const told = failure && { code, message, nextStep };
    entry.turn.value = { ...entry.turn.value, text, seq, state, failure: told };
    keep(entry.talkId);
  }
  undrawn.clear();
}

/** Keeps a conversation soon. */
function keep(id: string): void {
  unkept.add(id);
  keepTimer ??= setTimeout(keepAll, KEEP_EVERY_MS);
}

function keepAll(): void {
  clearTimeout(keepTimer);
  keepTimer = undefined;
  for (const id of unkept) void keepNow(id);
}

async function keepNow(id: string): Promise<void> {
  unkept.delete(id);
  const found = talks.value.find((each) => each.id === id);
  if (found === undefined) return;
  const { title, updated, items } = found;
  const turns = items.map((item) => ("own" in item ? item.own : item.said.peek()));
  await history?.put({ id, title, updated, turns }).catch(keepFailed);
}

function keepFailed(thrown: unknown): void {
  keepFailure.value = failureOf("Keeping the chats", thrown);
}

/** The page may not come back. */
addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keepAll());
addEventListener("pagehide", keepAll);
