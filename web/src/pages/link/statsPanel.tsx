// Live figures of the link and charts of its last two minutes.
import { StatsView } from "../figures/statsView";
import { history, linkState, peerName } from "./model";

/** Path, charts and figures. */
export function StatsPanel() {
  return (
    <StatsView samples={history.value} path={linkState.value?.path ?? null} peer={peerName.value} />
  );
}
