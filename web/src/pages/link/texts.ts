// The conversation of this link: kept while the page is open, never stored.
import { signal, type Signal } from "@preact/signals";
import type { Link } from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { onLink } from "./model";

/** Most Unicode scalar values of a text (docs/protocol.md, Control frames). */
export const TEXT_LIMIT = 2000;
/** How many texts the page keeps. */
const KEPT = 500;

/** What became of a text. */
export interface Delivery {
  state: "sending" | "delivered" | "failed" | "received";
  failure: Failure | null;
}

/** One text, ours or theirs. */
export interface TextItem {
  key: number;
  isOwn: boolean;
  text: string;
  /** Unix milliseconds. */
  at: number;
  /** A signal of its own: what becomes of one text must not redraw the others. */
  delivery: Signal<Delivery>;
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
    add({ isOwn: false, text, at }, "received");
    unread.value += 1;
  });
});

function add(text: Pick<TextItem, "isOwn" | "text" | "at">, state: Delivery["state"]): TextItem {
  const item = { ...text, key: nextKey++, delivery: signal<Delivery>({ state, failure: null }) };
  texts.value = [...texts.value, item].slice(-KEPT);
  return item;
}

/** Sends a text and follows it until it is acknowledged or given up. */
export async function sendText(text: string): Promise<void> {
  await deliver(add({ isOwn: true, text, at: Date.now() }, "sending"));
}

/** Sends a failed text again, in its place. */
export async function resend(item: TextItem): Promise<void> {
  item.delivery.value = { state: "sending", failure: null };
  await deliver(item);
}

async function deliver({ text, delivery }: TextItem): Promise<void> {
  try {
    if (!link) return;
    await link.sendText(text);
    delivery.value = { state: "delivered", failure: null };
  } catch (thrown) {
    delivery.value = { state: "failed", failure: failureOf("Sending", thrown) };
  }
}

/** The length as the limit counts it. */
export function textLength(text: string): number {
  return [...text].length;
}
