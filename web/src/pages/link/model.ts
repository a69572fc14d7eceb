// The link of this page: opening it, and its state as signals that views read.
import { computed, signal } from "@preact/signals";
import {
  Files,
  FileStore,
  Link,
  type LinkState,
  type LinkStats,
  type PeerMedia,
  type StoredPair,
} from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { preferences } from "../shared/preferences";
import { hasDevice, openSession } from "../shared/session";

/** Where the page is. */
export type PageState =
  | { at: "opening" }
  | { at: "failed"; failure: Failure }
  | { at: "linked"; link: Link; pair: StoredPair };

export const pageState = signal<PageState>({ at: "opening" });
export const linkState = signal<LinkState | null>(null);
export const stats = signal<LinkStats | null>(null);
/** The last two minutes, oldest first. */
export const history = signal<readonly LinkStats[]>([]);
/** What the peer sends, by media section. */
export const peerMedia = signal<readonly PeerMedia[]>([]);
/** Something was refused without ending the link. */
export const refused = signal<Failure | null>(null);

export const peerName = computed(() =>
  pageState.value.at === "linked" ? pageState.value.pair.peer.name : "",
);
export const isOpen = computed(() => linkState.value?.phase === "open");

/** Called with each link that opens, before it starts. */
type Attach = (link: Link) => void;
const attachments: Attach[] = [];

/** Lets a part of the page (text, stills) listen to the link. */
export function onLink(attach: Attach): void {
  attachments.push(attach);
}

/** The link, while there is one. */
export function currentLink(): Link | null {
  return pageState.value.at === "linked" ? pageState.value.link : null;
}

/** Opens the link of `pairId`. */
export async function openLink(pairId: string): Promise<void> {
  pageState.value = { at: "opening" };
  try {
    const session = await openSession();
    const pair = pairId === "" ? null : await session.store.pair(pairId);
    if (!hasDevice(session) || !pair) {
      pageState.value = { at: "failed", failure: UNKNOWN_PAIR };
      return;
    }
    const { api, identity, store, revocations } = session;
    const { policy: iceTransportPolicy } = preferences.value;
    const ownIceServers = ownRelays();
    const files = await filesOf(pairId);
    const link = new Link({
      api,
      identity,
      store,
      pair,
      revocations,
      iceTransportPolicy,
      ownIceServers,
      ...(files ? { files } : {}),
    });
    listen(link);
    for (const attach of attachments) attach(link);
    pageState.value = { at: "linked", link, pair };
    document.title = `${pair.peer.name} · Heliograph`;
    leaveWithPage(link);
    link.start();
  } catch (thrown) {
    pageState.value = { at: "failed", failure: failureOf("Opening the link", thrown) };
  }
}

/** Files sent and received on this pair; null where the browser keeps no data for them. */
async function filesOf(pairId: string): Promise<Files | null> {
  try {
    const files = new Files(await FileStore.open(), pairId);
    await files.load();
    return files;
  } catch {
    return null;
  }
}

/** The relay named in the settings; browsers refuse one without name and password. */
function ownRelays(): RTCIceServer[] {
  const { relay } = preferences.value;
  if (relay === null || relay.username === "" || relay.credential === "") return [];
  const { url, username, credential } = relay;
  return [{ urls: url, username, credential }];
}

const UNKNOWN_PAIR: Failure = {
  title: "No such pair on this device",
  cause:
    "This browser holds no keys for the pair in the address. It may have been revoked, or the site's data was cleared.",
  next: "Go to your devices and open a pair from there, or pair the two devices again.",
  code: "unknown-pair",
};

/** Refusals that are states of the link: its bar and stage tell them. */
const STATES = new Set(["replaced", "revoked", "draining", "peer-offline"]);

function listen(link: Link): void {
  linkState.value = link.state;
  history.value = [...link.history];
  link.on("state", (state) => {
    linkState.value = state;
    if (state.phase === "open") refused.value = null;
  });
  link.on("stats", (now) => {
    stats.value = now;
    history.value = [...link.history];
  });
  link.on("media", () => {
    peerMedia.value = [...link.media];
  });
  link.on("refused", (error) => {
    if (STATES.has(error.code)) return;
    refused.value = { ...failureOf("A message", error), title: "A message was refused" };
  });
}

/**
 * A page that goes away says so, or its peer would wait for the path to fail. One that comes back
 * from the browser's cache opens its link anew, unless it had ended before.
 */
function leaveWithPage(link: Link): void {
  let hasLeft = false;
  addEventListener("pagehide", () => {
    hasLeft = link.state.phase !== "ended";
    link.close("page-left");
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted && hasLeft) link.start();
  });
}

/** Ends the pair on both devices and at the server. */
export async function revoke(): Promise<void> {
  try {
    await currentLink()?.revoke();
  } catch (thrown) {
    refused.value = failureOf("Revoking", thrown);
  }
}

/** Ends the link and opens it again, so that changed settings apply. */
export function reopen(): void {
  currentLink()?.close("settings");
  location.reload();
}
