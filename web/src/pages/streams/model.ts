// The streams of this account: which there are, who watches now, and what is done to them.
import { signal } from "@preact/signals";
import {
  ApiError,
  Streams,
  type LivePath,
  type NewShare,
  type ShareInfo,
  type StreamAction,
  type StreamChange,
  type StreamInfo,
} from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { hasDevice, openSession } from "../shared/session";

/** How often live figures are asked for while the page is visible. */
const REFRESH_MS = 5000;

/** Where the page is. */
export type StreamsState =
  { at: "loading" } | { at: "stranger" } | { at: "failed"; failure: Failure } | { at: "ready" };

export const streamsState = signal<StreamsState>({ at: "loading" });
export const streams = signal<readonly StreamInfo[]>([]);
/** What the gateway carries now, by name; null where it does not tell. */
export const live = signal<ReadonlyMap<string, LivePath> | null>(null);
/** An act (create, share, revoke) failed. */
export const actFailure = signal<Failure | null>(null);
/** The links of the stream whose dialog is open, newest last; null while they load. */
export const shares = signal<readonly ShareInfo[] | null>(null);

let client: Streams | null = null;

/** Loads the streams. */
export async function load(): Promise<void> {
  streamsState.value = { at: "loading" };
  try {
    const session = await openSession();
    if (!hasDevice(session)) {
      streamsState.value = { at: "stranger" };
      return;
    }
    client = new Streams(session.api);
    await refresh();
    streamsState.value = { at: "ready" };
  } catch (thrown) {
    streamsState.value = { at: "failed", failure: failureOf("Loading your streams", thrown) };
  }
}

async function refresh(): Promise<void> {
  if (!client) return;
  const [list] = await Promise.all([client.list(), refreshLive()]);
  streams.value = list.toSorted((a, b) => a.name.localeCompare(b.name, "en"));
}

async function refreshLive(): Promise<void> {
  try {
    live.value = (await client?.live()) ?? null;
  } catch (thrown) {
    // A server without a gateway has no figures, and old ones would be wrong ones.
    live.value = null;
    if (!(thrown instanceof ApiError)) throw thrown;
  }
}

/** Refreshes figures while visible; returns how to stop. */
export function keepFresh(): () => void {
  const again = () => {
    const isShown = document.visibilityState === "visible" && streamsState.value.at === "ready";
    if (isShown) void refreshLive();
  };
  const timer = setInterval(again, REFRESH_MS);
  document.addEventListener("visibilitychange", again);
  return () => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", again);
  };
}

/** Runs an act and reports its failure; null when it failed. */
async function act<Result>(
  name: string,
  run: (client: Streams) => Promise<Result>,
): Promise<Result | null> {
  if (!client) return null;
  actFailure.value = null;
  try {
    return await run(client);
  } catch (thrown) {
    actFailure.value = failureOf(name, thrown);
    return null;
  }
}

/** Creates a stream, or changes it; true when it worked. */
export async function put(name: string, change: StreamChange): Promise<boolean> {
  const done = await act("Changing the stream", async (api) => {
    await api.put(name, change);
    await refresh();
    return true;
  });
  return done ?? false;
}

/** Forgets a stream and its links. */
export const remove = (name: string) =>
  act("Removing the stream", async (api) => {
    await api.remove(name);
    await refresh();
  });

/** Loads the links of a stream. */
export async function loadShares(name: string): Promise<void> {
  shares.value = null;
  await act("Loading the links", async (api) => {
    shares.value = await api.shares(name);
  });
}

/** Makes a link; its code is told this once. */
export const share = (
  name: string,
  wish: { action: StreamAction; expiresIn: number; label: string },
): Promise<NewShare | null> =>
  act("Making the link", async (api) => {
    const made = await api.share(name, wish);
    shares.value = await api.shares(name);
    return made;
  });

/** Takes a link back. */
export const revokeShare = (name: string, id: string) =>
  act("Revoking the link", async (api) => {
    await api.revokeShare(name, id);
    shares.value = await api.shares(name);
  });
