// Everything measured on a connection: its path, charts and figures.
import type { LinkPath, LinkStats } from "../../sdk";
import { Empty } from "../../ui/notice";
import { Charts } from "./charts";
import { Figures } from "./figures";
import { inboundFigures, outboundFigures, pathFigures } from "./lists";
import { mainVideo } from "./mainVideo";
import { PathDiagram } from "./pathDiagram";
import "./figures.css";

interface StatsViewProps {
  /** The last two minutes, oldest first. */
  samples: readonly LinkStats[];
  path: LinkPath | null;
  peer: string;
}

/** Path, charts, figures. */
export function StatsView({ samples, path, peer }: StatsViewProps) {
  const now = samples.at(-1);
  if (!now) {
    return (
      <Empty icon="chart" title="No figures yet" testid="no-stats">
        <p>They begin when the connection stands, and the charts keep the last two minutes.</p>
      </Empty>
    );
  }
  const inbound = mainVideo(now.inbound);
  const outbound = mainVideo(now.outbound);
  return (
    <div class="stack stack-loose">
      <PathDiagram path={path ?? now.path} peer={peer} />
      <Charts samples={samples} />
      {inbound && <Figures title="Receiving" figures={inboundFigures(inbound)} />}
      {outbound && <Figures title="Sending" figures={outboundFigures(outbound)} />}
      <Figures title="Path" figures={pathFigures(now)} />
    </div>
  );
}
