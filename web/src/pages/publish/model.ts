// Publishing to one stream: what this device sends, and the session that carries it.
import { computed, effect, signal } from "@preact/signals";
import { WhipSession, type GatewayState, type LinkStats } from "../../sdk";
import type { Failure } from "../../ui/notice";
import type { Access } from "../gateway/access";
import { leaveWithPage } from "../gateway/leaving";
import { refusalOf, tellPublisher } from "../gateway/words";
import { liveState, sendOver, startLive, stopLive } from "../live/live";
import { preferences } from "../shared/preferences";

export const state = signal<GatewayState>({ phase: "idle", error: null });
/** The last two minutes, oldest first. */
export const samples = signal<readonly LinkStats[]>([]);
export const refusal = signal<Failure | null>(null);

export const told = computed(() => tellPublisher(state.value));

let session: WhipSession | null = null;

/** Makes ready to publish. */
export function prepare(access: Access): void {
  const { endpoint, bearer, iceServers } = access;
  const { policy: iceTransportPolicy } = preferences.value;
  const made = new WhipSession({ endpoint, bearer, iceServers, iceTransportPolicy });
  session = made;
  sendOver(made);
  made.on("state", (now) => {
    state.value = now;
    refusal.value = now.phase === "refused" && now.error ? refusalOf(now.error, access) : null;
    // The camera's light must not shine for nobody.
    if (now.phase === "refused") stopLive();
  });
  made.on("stats", () => (samples.value = [...made.history]));
  leaveWithPage(made);
  // A camera that went away ends what it was for; a refusal stays to be read.
  effect(() => {
    const isRunning = !["idle", "refused", "closed"].includes(made.state.phase);
    if (liveState.value === "off" && isRunning) made.close();
  });
}

/** Opens the camera, or has a screen chosen, and publishes it. */
export async function publish(): Promise<void> {
  await startLive();
  if (liveState.value === "on") session?.start();
}

/** Stops publishing and lets the camera go. */
export function stop(): void {
  stopLive();
}
