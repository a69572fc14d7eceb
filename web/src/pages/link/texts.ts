// The conversation of this link: kept while the page is open, never stored.
import { signal } from "@preact/signals";
import type { Link } from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { onLink } from "./model";

/** Most Unicode scalar values of a text (docs/protocol.md, Control frames). */
export const TEXT_LIMIT = 2000;
/** How many texts the page keeps. */
const KEPT = 500;

/** One text, ours or theirs. */
export interface TextItem {
  key: number;
  isOwn: boolean;
  text: string;
  /** Unix milliseconds. */
  at: number;
  state: "sending" | "delivered" | "failed" | "received";
  failure: Failure | null;
}

/** Oldest first. */
export const texts = signal<readonly TextItem[]>([]);
/** Texts that came while the conversation was not on the screen. */
export const unread = signal(0);

let link: Link | null = null;
let nextKey = 1;

onLink((opened) => {
  link = opened;
  opened.on("text", ({ text, at }) => {
    add({ isOwn: false, text, at, state: "received" });
    unread.value += 1;
  });
});

function add(item: Pick<TextItem, "isOwn" | "text" | "at" | "state">): number {
  const key = nextKey++;
  texts.value = [...texts.value, { ...item, key, failure: null }].slice(-KEPT);
  return key;
}

function update(key: number, change: Partial<TextItem>): void {
  texts.value = texts.value.map((item) => (item.key === key ? { ...item, ...change } : item));
}

/** Sends a text and follows it until it is acknowledged or given up. */
export async function sendText(text: string): Promise<void> {
  await deliver(add({ isOwn: true, text, at: Date.now(), state: "sending" }), text);
}

/** Sends a failed text again, in its place. */
export async function resend(item: TextItem): Promise<void> {
  update(item.key, { state: "sending", failure: null });
  await deliver(item.key, item.text);
}

async function deliver(key: number, text: string): Promise<void> {
  try {
    if (!link) return;
    await link.sendText(text);
    update(key, { state: "delivered" });
  } catch (thrown) {
    update(key, { state: "failed", failure: failureOf("Sending", thrown) });
  }
}

/** The length as the limit counts it. */
export function textLength(text: string): number {
  return [...text].length;
}
