// A place in a room of the register dialect, as both pages draw it.
import { computed, signal } from "@preact/signals";
import {
  RegisterClient,
  type LinkStats,
  type RegisterPeer,
  type RegisterPhase,
  type VideoEncoding,
} from "../../sdk";
import type { Failure } from "../../ui/notice";
import { failureOf } from "../shared/failure";
import { watchStats } from "./watchStats";

export const phase = signal<RegisterPhase>("idle");
/** Changes with every change of a peer, so that views draw anew. */
export const peers = signal<readonly RegisterPeer[]>([]);
export const failure = signal<Failure | null>(null);
/** The last two minutes of the first connected peer, oldest first. */
export const samples = signal<readonly LinkStats[]>([]);

/** The room of the address; the dialect's own default when there is none. */
export const room = new URLSearchParams(location.search).get("room") ?? "default";

export const connectedPeer = computed(() => peers.value.find((peer) => peer.state === "connected"));

let client: RegisterClient | null = null;
let stopStats: (() => void) | null = null;

/** A sender's camera, and the ceilings of its video. */
export interface Sending {
  stream: MediaStream;
  encoding: VideoEncoding;
}

/** Enters the room; a sender brings what it sends. */
export function enter(role: "sender" | "receiver", sending?: Sending): void {
  leave();
  failure.value = null;
  client = new RegisterClient({
    origin: location.origin,
    role,
    room,
    ...tokenOfAddress(),
    ...sending,
  });
  const entered = client;
  entered.on("phase", (now) => (phase.value = now));
  entered.on("peer", () => showPeers(entered));
  entered.on("gone", () => showPeers(entered));
  entered.on("error", (error) => (failure.value = failureOf("Entering the room", error)));
  entered.start();
}

/** A share's token travels after `#`, so that no log sees it. */
function tokenOfAddress(): { token?: string } {
  const token = location.hash.slice(1);
  return token === "" ? {} : { token };
}

function showPeers(from: RegisterClient): void {
  const before = connectedPeer.value?.connection;
  peers.value = [...from.peers];
  const now = connectedPeer.value?.connection;
  if (now === before) return;
  stopStats?.();
  stopStats = now ? watchStats(now, samples) : null;
}

/** Changes what a sender sends. */
export async function replaceSending({ stream, encoding }: Sending): Promise<void> {
  await client?.setStream(stream, encoding);
}

/** Leaves the room. */
export function leave(): void {
  stopStats?.();
  stopStats = null;
  client?.close();
  client = null;
  peers.value = [];
  phase.value = "idle";
}
