// The recordings of one stream as signals that views read.
import { computed, signal } from "@preact/signals";
import { Recordings, Streams, type RecordedSpan, type RecordingState } from "../../sdk";
import type { Failure } from "../../ui/notice";
import type { Access } from "../gateway/access";
import { failureOf } from "../shared/failure";
import { openSession } from "../shared/session";
import { dayOf, recordedDays, spansOf, type Day } from "./days";

/** How often the list is asked for while the stream is recorded. */
const REFRESH_MS = 10_000;

export const spans = signal<readonly RecordedSpan[]>([]);
export const state = signal<RecordingState>("off");
export const day = signal<Day>(dayOf(Date.now()));
/** The moment that is shown, in Unix milliseconds. */
export const moment = signal<number | null>(null);
/** The moment that is wished for. */
export const wish = signal<number | null>(null);
export const failure = signal<Failure | null>(null);
/** Counts how often the player was told to begin anew: what it plays has changed. */
export const attempts = signal(0);

export const daySpans = computed(() => spansOf(spans.value, day.value));
export const days = computed(() => recordedDays(spans.value));
/** More is being added to the day that is shown. */
export const isGrowing = computed(
  () => state.value === "recording" && day.value.end > Date.now() && day.value.begin <= Date.now(),
);

let client: Recordings | null = null;
let stream = "";

/** The recordings that the page is about. */
export function recordings(): Recordings {
  if (!client) throw new Error("opened before the views are shown");
  return client;
}

/** Loads the list, and shows the last day of it. */
export async function openRecordings(access: Access): Promise<void> {
  stream = access.stream;
  const { bearer } = access;
  client = new Recordings({ origin: location.origin, stream, bearer });
  await refresh();
  const last = spans.value.at(-1);
  if (last) showDay(last.to - 1);
}

async function refresh(): Promise<void> {
  const list = await recordings().list();
  spans.value = list.spans;
  state.value = list.state;
}

/** Shows the day that a moment is in. */
export function showDay(ms: number): void {
  const next = dayOf(ms);
  failure.value = null;
  if (next.begin !== day.value.begin) day.value = next;
  wish.value = spansOf(spans.value, next)[0]?.from ?? null;
  moment.value = null;
}

/** Looks for more while the page is visible; returns how to stop. */
export function keepFresh(): () => void {
  const timer = setInterval(() => {
    // A list that is a little old is no failure.
    if (document.visibilityState === "visible") refresh().catch(() => undefined);
  }, REFRESH_MS);
  return () => clearInterval(timer);
}

/** Runs an act and reports its failure. */
async function act(name: string, run: () => Promise<void>): Promise<void> {
  failure.value = null;
  try {
    await run();
  } catch (thrown) {
    failure.value = failureOf(name, thrown);
  }
}

/** Loads the list and what is played again, from where it was. */
export const playAgain = () =>
  act("Loading the recordings", async () => {
    await refresh();
    wish.value = moment.value ?? daySpans.value[0]?.from ?? null;
    attempts.value += 1;
  });

/** Loads a span as one film. */
export const download = ({ from, to }: RecordedSpan) =>
  act("Downloading", async () => location.assign(await recordings().film(from, to)));

/** The streams of this device's account. */
async function ownStreams(): Promise<Streams> {
  return new Streams((await openSession()).api);
}

/** Deletes what begins in a span, for everybody. */
export const deleteSpan = ({ from, to }: RecordedSpan) =>
  act("Deleting", async () => {
    await (await ownStreams()).deleteRecordings(stream, from, to);
    await refresh();
    wish.value = daySpans.value.find((span) => span.to > from)?.from ?? null;
    moment.value = null;
    attempts.value += 1;
  });

/** Has the stream recorded from here on. */
export const turnOn = () =>
  act("Turning recording on", async () => {
    await (await ownStreams()).put(stream, { isRecorded: true });
    await refresh();
  });
