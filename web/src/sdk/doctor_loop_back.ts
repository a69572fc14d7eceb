// A whole link inside one page: two connections, one data channel, its round trip.
import { milliseconds } from "./doctor_access";
import type { Finding } from "./doctor_check";
import type { Connect } from "./doctor_gathering";

const LINK_LIMIT_MS = 10_000;
const PINGS = 10;

/** How a loop-back link went. */
export interface LoopBack {
  /** Until the channel was open; null when it did not open in time. */
  openedMs: number | null;
  /** The median round trip of its pings. */
  roundTripMs: number;
  /** ICE state of the first connection at the end. */
  ice: RTCIceConnectionState;
}

/** Links two connections of this page with each other and measures the channel between them. */
export async function loopBack(
  connect: Connect,
  configuration: RTCConfiguration,
): Promise<LoopBack> {
  const [near, far] = [connect(configuration), connect(configuration)];
  const startMs = performance.now();
  let limit: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    limit = setTimeout(() => resolve(null), LINK_LIMIT_MS);
  });
  try {
    passCandidates(near, far);
    passCandidates(far, near);
    far.addEventListener("datachannel", ({ channel }) => {
      channel.addEventListener("message", ({ data }) => channel.send(String(data)));
    });
    const channel = near.createDataChannel("doctor");
    const opened = new Promise<number>((resolve) => {
      channel.addEventListener("open", () => resolve(performance.now() - startMs));
    });
    const measured = (async () => {
      await describe(near, far);
      return { openedMs: await opened, roundTripMs: await roundTrip(channel) };
    })();
    const result = await Promise.race([measured, late]);
    const ice = near.iceConnectionState;
    return result === null ? { openedMs: null, roundTripMs: NaN, ice } : { ...result, ice };
  } finally {
    clearTimeout(limit);
    near.close();
    far.close();
  }
}

function passCandidates(from: RTCPeerConnection, to: RTCPeerConnection): void {
  from.addEventListener("icecandidate", ({ candidate }) => {
    // One that cannot be used is no fault of the link.
    if (candidate !== null) to.addIceCandidate(candidate).catch(() => undefined);
  });
}

async function describe(near: RTCPeerConnection, far: RTCPeerConnection): Promise<void> {
  // The far side must know the offer before the first candidate comes.
  const offer = await near.createOffer();
  await far.setRemoteDescription(offer);
  await near.setLocalDescription(offer);
  const answer = await far.createAnswer();
  await near.setRemoteDescription(answer);
  await far.setLocalDescription(answer);
}

async function roundTrip(channel: RTCDataChannel): Promise<number> {
  const trips: number[] = [];
  while (trips.length < PINGS) {
    const startMs = performance.now();
    const back = new Promise((resolve) => {
      channel.addEventListener("message", resolve, { once: true });
    });
    channel.send(String(trips.length));
    await back;
    trips.push(performance.now() - startMs);
  }
  return trips.sort((a, b) => a - b)[PINGS / 2] ?? NaN;
}

/** What a loop-back link tells of a path. */
export function linkFinding(path: "direct" | "relay", link: LoopBack): Finding {
  if (link.openedMs !== null) {
    const opened = `open after ${milliseconds(link.openedMs)}`;
    const trip = `round trip ${milliseconds(link.roundTripMs)}, the median of ${PINGS}`;
    return { state: "good", measured: [`${opened}, ${trip}`] };
  }
  const measured = [`not open after ${LINK_LIMIT_MS / 1000} s, ICE is ${link.ice}`];
  if (path === "direct") {
    return {
      state: "bad",
      measured,
      cause: "this device cannot connect to itself, so it is nothing on the way to others",
      remedy: "Allow it in this device's own firewall, then try again.",
    };
  }
  return {
    state: "bad",
    measured,
    cause: "the relay gave addresses, and passes nothing from one to the other",
    remedy: "Allow the relay's own addresses as peers, and open its ports.",
    line: 'turn.allow_peers = ["the relay\'s address"]',
  };
}
