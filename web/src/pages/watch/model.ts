// Watching one stream: the session as signals that views read.
import { computed, signal } from "@preact/signals";
import { WhepSession, type GatewayState, type Layers, type LinkStats } from "../../sdk";
import type { Failure } from "../../ui/notice";
import { toast } from "../../ui/toast";
import type { Access } from "../gateway/access";
import { leaveWithPage } from "../gateway/leaving";
import { refusalOf, tellViewer } from "../gateway/words";
import { preferences } from "../shared/preferences";

export const state = signal<GatewayState>({ phase: "idle", error: null });
export const stream = signal<MediaStream | null>(null);
export const isQuiet = signal(false);
/** The stream of now has shown its first picture. */
export const hasPicture = signal(false);
/** Any stream has since the page opened. */
export const hadPicture = signal(false);
/** The last two minutes, oldest first. */
export const samples = signal<readonly LinkStats[]>([]);
/** The sizes that the picture may be had in. */
export const layers = signal<Layers>({ all: [], current: null, pinned: null });
export const refusal = signal<Failure | null>(null);

export const told = computed(() =>
  tellViewer(state.value, { isQuiet: isQuiet.value, hadPicture: hadPicture.value }),
);

let session: WhepSession | null = null;

/** Begins to watch, and goes on until the page goes away. */
export function watch(access: Access): void {
  const { endpoint, bearer, iceServers } = access;
  const { policy: iceTransportPolicy } = preferences.value;
  const made = new WhepSession({ endpoint, bearer, iceServers, iceTransportPolicy });
  session = made;
  made.on("state", (now) => {
    state.value = now;
    stream.value = made.stream;
    isQuiet.value = made.isQuiet;
    layers.value = made.layers;
    refusal.value = now.phase === "refused" && now.error ? refusalOf(now.error, access) : null;
  });
  made.on("stats", () => (samples.value = [...made.history]));
  leaveWithPage(made);
  made.start();
}

/** The video element has its first picture of a stream, or lost the stream. */
export function notePicture(has: boolean): void {
  hasPicture.value = has;
  hadPicture.value ||= has;
}

/** Asks for one size of the picture, or with an empty id for the best that arrives. */
export async function chooseQuality(id: string): Promise<void> {
  try {
    await session?.chooseLayer(id === "" ? null : id);
  } catch {
    // The menu shows what was chosen by the person: it goes back to what is.
    layers.value = { ...layers.value };
    toast("The server did not take the choice. Try again.");
  }
}

/** Asks again after a refusal. */
export function watchAgain(): void {
  session?.start();
}
