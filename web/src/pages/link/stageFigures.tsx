// Three figures over the picture: size, rate, delay.
import type { LinkStats } from "../../sdk";
import { mainVideo } from "../figures/mainVideo";
import { bitRate, millis } from "../../ui/format";

/** The strip of figures; details are in the statistics panel. */
export function StageFigures({ now }: { now: LinkStats | null }) {
  const video = now ? (mainVideo(now.inbound) ?? mainVideo(now.outbound)) : undefined;
  if (!now || !video) return null;
  const figures = [
    video.height === null ? null : `${video.height}p`,
    video.fps === null ? null : `${Math.round(video.fps)} fps`,
    bitRate(video.bitrateBps),
    now.rttMs === null ? null : millis(now.rttMs),
  ].filter((figure) => figure !== null);
  return (
    <p class="stage-figures figure" aria-hidden="true">
      {figures.join("  ·  ")}
    </p>
  );
}
