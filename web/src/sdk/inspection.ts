// What tests and curious people may look at: the links of a page, read-only.
import type { LinkState } from "./link_state";
import type { LinkStats } from "./link_stats";

/** The visible part of a link. */
interface Inspectable {
  readonly pair: { readonly pairId: string };
  readonly state: LinkState;
  readonly history: readonly LinkStats[];
}

/** A link as `window.__heliograph.links` shows it. */
interface Inspection {
  readonly pairId: string;
  readonly state: LinkState;
  readonly stats: LinkStats | null;
}

const links: Inspectable[] = [];

/** Shows a link at `globalThis.__heliograph.links`; every build has it. */
export function exposeLink(link: Inspectable): void {
  links.push(link);
  if ("__heliograph" in globalThis) return;
  const hook = {
    get links(): Inspection[] {
      return links.map(({ pair, state, history }) => ({
        pairId: pair.pairId,
        state: { ...state },
        stats: structuredClone(history.at(-1) ?? null),
      }));
    },
  };
  Object.defineProperty(globalThis, "__heliograph", { value: Object.freeze(hook) });
}
