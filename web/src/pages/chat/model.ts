// Which device answers: the link to it, its models, and the choices this browser remembers.
import { computed, signal } from "@preact/signals";
import { Link, Llm, type LinkState, type StoredPair } from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { preferences } from "../shared/preferences";
import { hasDevice, openSession, type DeviceSession } from "../shared/session";
import { goOn, load } from "./conversations";
import { choices, remember } from "./choices";

/** How long an open link may be without a channel for chats, in milliseconds. */
const CHANNEL_WAIT_MS = 3000;

/** Where the page is. */
export type PageState = { at: "opening" } | { at: "failed"; failure: Failure } | { at: "ready" };

export const pageState = signal<PageState>({ at: "opening" });
/** Those that may answer: chats are for pairs whose people compared words. */
export const devices = signal<readonly StoredPair[]>([]);
/** The one that is asked. */
export const device = signal<StoredPair | null>(null);
export const linkState = signal<LinkState | null>(null);
/** Whether questions go out now. */
export const isOpen = signal(false);
/** The link is open, and nobody on the other side takes chats. */
export const isSilent = signal(false);
/** As the device last said; null before. */
export const models = signal<readonly string[] | null>(null);
export const modelsFailure = signal<Failure | null>(null);

export const deviceName = computed(() => (device.value ? nameOf(device.value) : ""));

/** The model that is asked: the remembered one, as long as the device has it. */
export const model = computed(() => {
  const kept = choices.value.models[device.value?.pairId ?? ""] ?? "";
  const list = models.value;
  if (list === null) return kept;
  return list.includes(kept) ? kept : (list[0] ?? "");
});

/** What this account calls a device, else what it calls itself. */
export function nameOf(pair: StoredPair): string {
  return pair.label ?? pair.peer.name;
}

interface Current {
  link: Link;
  llm: Llm;
}

let session: DeviceSession | null = null;
let current: Current | null = null;

/** Opens the page, and the link to the device that is asked: `wanted`, or the one of last time. */
export async function open(wanted: string | null): Promise<void> {
  pageState.value = { at: "opening" };
  try {
    const opened = await openSession();
    if (!hasDevice(opened)) {
      pageState.value = { at: "failed", failure: NO_DEVICE };
      return;
    }
    session = opened;
    devices.value = (await opened.store.pairs()).filter((pair) => pair.verified);
    await load();
    pageState.value = { at: "ready" };
    const last = [wanted, choices.value.pairId];
    const found = last.map((id) => devices.value.find(({ pairId }) => pairId === id));
    const first = found.find((pair) => pair !== undefined) ?? devices.value[0];
    if (first) choose(first.pairId);
  } catch (thrown) {
    pageState.value = { at: "failed", failure: failureOf("Opening the chats", thrown) };
  }
}

const NO_DEVICE: Failure = {
  title: "This browser has no device yet",
  cause: "Chats go to a device that was paired with this browser, and it was paired with none.",
  next: "Go to your devices and pair the one that runs the model.",
  code: "no-device",
};

/** Asks another device from here on. */
export function choose(pairId: string): void {
  const pair = devices.value.find((each) => each.pairId === pairId);
  if (session === null || pair === undefined || pair === device.value) return;
  current?.link.close("another-device");
  remember({ pairId });
  device.value = pair;
  models.value = null;
  modelsFailure.value = null;
  isOpen.value = false;
  const llm = new Llm();
  const { api, identity, store, revocations } = session;
  const { policy: iceTransportPolicy } = preferences.value;
  const link = new Link({ api, identity, store, pair, revocations, iceTransportPolicy, llm });
  current = { link, llm };
  listen(current);
  goOn(llm, pairId);
  link.start();
}

/** Keeps a model for this device. */
export function chooseModel(name: string): void {
  const { pairId } = device.value ?? {};
  if (pairId === undefined) return;
  remember({ models: { ...choices.value.models, [pairId]: name } });
}

export function refreshModels(): void {
  modelsFailure.value = null;
  current?.llm.refreshModels();
}

/** Takes the link back from another tab. */
export function takeOver(): void {
  current?.link.takeOver();
}

/** Looks for a path now. */
export function retry(): void {
  current?.link.restart();
}

function listen({ link, llm }: Current): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const isCurrent = (): boolean => current?.link === link;
  const watchChannel = (): void => {
    clearTimeout(timer);
    isSilent.value = false;
    if (link.state.phase !== "open" || llm.isOpen) return;
    timer = setTimeout(() => (isSilent.value = isCurrent()), CHANNEL_WAIT_MS);
  };
  linkState.value = link.state;
  link.on("state", (state) => {
    if (!isCurrent()) return;
    const before = linkState.value?.phase;
    linkState.value = state;
    if (before !== state.phase) watchChannel();
  });
  llm.on("open", (is) => {
    if (!isCurrent()) return;
    isOpen.value = is;
    watchChannel();
  });
  llm.on("models", (list) => {
    models.value = list;
    modelsFailure.value = null;
  });
  llm.on("modelsFailed", (error) => {
    modelsFailure.value = failureOf("Asking for the models", error);
  });
}

/** A page that goes away says so; one that comes back from the browser's cache links anew. */
addEventListener("pagehide", () => current?.link.close("page-left"));
addEventListener("pageshow", ({ persisted }) => persisted && current?.link.start());
