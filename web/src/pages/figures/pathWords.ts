// Path kinds in words.
import type { LinkPath, PathEnd } from "../../sdk";

/** What each end kind means to a person. */
export const END_WORDS: Record<PathEnd, string> = {
  host: "own address",
  srflx: "through its router",
  prflx: "through its router",
  relay: "over a relay",
};

/** `host / srflx · udp`, the figures' form. */
export function pathWords(path: LinkPath): string {
  return `${path.local} / ${path.remote} · ${path.protocol}`;
}

/** Whether either end runs over a relay. */
export function isRelayed(path: LinkPath): boolean {
  return path.local === "relay" || path.remote === "relay";
}
