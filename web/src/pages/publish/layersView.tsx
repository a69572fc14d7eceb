// The sizes that a picture is sent in: whether several, and what goes out of each.
import { LAYERED_FROM_PIXELS, type LinkStats, type OutboundStats } from "../../sdk";
import { Switch } from "../../ui/field";
import { bitRate } from "../../ui/format";
import { layerName, layerSize } from "../gateway/layerWords";
import { changeLive, liveSettings, liveState } from "../live/live";
import "./layers.css";

/** Whether a large picture is sent at smaller sizes too. */
export function LayersSwitch() {
  return (
    <div class="stack stack-tight">
      <Switch
        checked={liveSettings.value.layers}
        onChange={(layers) => void changeLive({ layers })}
        testid="layers"
      >
        Smaller sizes as well
      </Switch>
      <p class="field-hint">
        Viewers on narrow connections then get a smaller picture, the others the whole one. It takes
        about 40 % more of your upload, and is for pictures of {LAYERED_FROM_PIXELS} pixels and
        more.
      </p>
    </div>
  );
}

/** What goes out of each size; nothing where there is one. */
export function LayersSent({ now }: { now: LinkStats | null }) {
  const videos = now?.outbound.filter(({ kind, rid }) => kind === "video" && rid !== null) ?? [];
  if (videos.length === 0 || liveState.value !== "on") return null;
  const highestFirst = videos.toSorted((a, b) => ORDER.indexOf(a.rid) - ORDER.indexOf(b.rid));
  return (
    <section class="stack stack-tight" data-testid="layers-sent">
      <h2 class="figures-title">Sizes sent</h2>
      <ul class="layers">
        {highestFirst.map((layer, rank) => (
          <LayerSent key={layer.rid} name={layerName(rank, videos.length)} layer={layer} />
        ))}
      </ul>
    </section>
  );
}

const ORDER: readonly (string | null)[] = ["f", "h", "q"];

function LayerSent({ name, layer }: { name: string; layer: OutboundStats }) {
  const { rid, width, height, fps, bitrateBps } = layer;
  const isSent = bitrateBps > 0;
  return (
    <li class="layers-one" data-testid={`layer-sent-${rid}`} data-sent={isSent}>
      <span>{name}</span>
      {isSent ? (
        <span class="figure">
          {[
            layerSize(width, height),
            fps === null ? "" : `${Math.round(fps)} fps`,
            bitRate(bitrateBps),
          ]
            .filter((word) => word !== "")
            .join(" · ")}
        </span>
      ) : (
        <span class="faint">not sent: the path or the processor does not carry it</span>
      )}
    </li>
  );
}
