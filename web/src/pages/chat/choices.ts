// What this browser remembers of the person's choices here. Read with care: it may be old or edited.
import { signal } from "@preact/signals";

const KEY = "heliograph.chat";

/** The choices kept. */
export interface Choices {
  /** The device that was asked last. */
  pairId: string | null;
  /** The model of each device, by pair. */
  models: Readonly<Record<string, string>>;
}

export const choices = signal<Choices>(read());

/** Changes some choices and keeps them. */
export function remember(change: Partial<Choices>): void {
  choices.value = { ...choices.value, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(choices.value));
  } catch {
    // Storage is full or forbidden: the choice then lasts as long as the page.
  }
}

function read(): Choices {
  let kept: Partial<Record<keyof Choices, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (typeof parsed === "object" && parsed !== null) kept = parsed;
  } catch {
    // Unreadable: start afresh.
  }
  const models = Object.entries(kept.models ?? {}).filter(([, name]) => typeof name === "string");
  return {
    pairId: typeof kept.pairId === "string" ? kept.pairId : null,
    models: Object.fromEntries(models) as Record<string, string>,
  };
}
