// The path as a drawing: two stations in sight of each other, or a relay between them.
import type { LinkPath } from "../../sdk";
import { END_WORDS, isRelayed } from "./pathWords";

/** Both ends, and how each runs. */
export function PathDiagram({ path, peer }: { path: LinkPath | null; peer: string }) {
  if (!path) return null;
  const relayed = isRelayed(path);
  return (
    <figure class="path" data-testid="path" data-local={path.local} data-remote={path.remote}>
      <svg class="path-drawing" viewBox={relayed ? "0 0 320 60" : "0 32 320 28"} aria-hidden="true">
        {relayed ? (
          <>
            <path class="path-line path-line-relay" d="M18 46 160 16 302 46" />
            <rect class="path-relay" x="150" y="6" width="20" height="20" rx="4" />
          </>
        ) : (
          <path class="path-line" d="M18 46H302" />
        )}
        <circle class="path-end" cx="18" cy="46" r="9" />
        <circle class="path-end" cx="302" cy="46" r="9" />
      </svg>
      <figcaption class="path-ends">
        <span>
          <strong>This device</strong>
          <span class="faint">{END_WORDS[path.local]}</span>
        </span>
        <span class={relayed ? "tag tag-info" : "tag tag-good"}>
          {relayed ? "Relayed" : "Direct"}
        </span>
        <span>
          <strong class="clip">{peer}</strong>
          <span class="faint">{END_WORDS[path.remote]}</span>
        </span>
      </figcaption>
    </figure>
  );
}
