// Samples a connection each second into the figures that every page shows.
import type { Signal } from "@preact/signals";
import type { LinkStats } from "../../sdk";
import { StatsPoller } from "../../sdk/stats";

/** Fills `samples` until stopped. */
export function watchStats(
  connection: RTCPeerConnection,
  samples: Signal<readonly LinkStats[]>,
): () => void {
  samples.value = [];
  const poller: StatsPoller = new StatsPoller(() => (samples.value = [...poller.history]));
  poller.watch(connection);
  return () => poller.stop();
}
