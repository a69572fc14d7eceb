// What the gateway says of a stream, in a line.
import type { LivePath } from "../../sdk";
import { count } from "../../ui/format";

/** `Live · 3 viewers`, `Off air`, or nothing where the gateway does not tell. */
export function liveWords(
  live: ReadonlyMap<string, LivePath> | null,
  name: string,
): { isLive: boolean; words: string } | null {
  if (live === null) return null;
  const path = live.get(name);
  if (!path?.ready) return { isLive: false, words: "Off air" };
  const viewers = path.readers.length;
  const words =
    viewers === 0 ? "no viewers" : viewers === 1 ? "1 viewer" : `${count(viewers)} viewers`;
  return { isLive: true, words: `Live · ${words}` };
}
