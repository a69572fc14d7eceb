// Measures lens to screen where frames carry their capture time (abs-capture-time), for the figures.
import { currentLink, peerMedia } from "./model";

/** Figures change once a second; measuring twice as often is enough. */
const BETWEEN_MS = 500;
/** Beyond this a capture time is of another clock, not a latency. */
const CREDIBLE_MS = 10_000;

/** Watches the frames that `video` shows; returns how to stop. */
export function noteFrameLatency(video: HTMLVideoElement): (() => void) | undefined {
  if (!("requestVideoFrameCallback" in video)) return undefined;
  let notedAt = 0;
  let handle = 0;
  const onFrame: VideoFrameRequestCallback = (now, { captureTime, expectedDisplayTime }) => {
    if (captureTime !== undefined && now - notedAt >= BETWEEN_MS) {
      note(expectedDisplayTime - captureTime);
      notedAt = now;
    }
    handle = video.requestVideoFrameCallback(onFrame);
  };
  handle = video.requestVideoFrameCallback(onFrame);
  return () => video.cancelVideoFrameCallback(handle);
}

function note(totalMs: number): void {
  const shown = peerMedia.value.find((media) => media.kind === "video" && media.mode === "live");
  if (!shown || totalMs <= 0 || totalMs > CREDIBLE_MS) return;
  currentLink()?.noteLatency(shown.mid, totalMs);
}
