// The charts of a link: the last two minutes, one sample a second.
import type { LinkStats } from "../../sdk";
import { Chart } from "../../ui/chart";
import { bitRate, count, millis, percent } from "../../ui/format";
import { mainVideo } from "./mainVideo";

type Read = (sample: LinkStats) => number | null;

const inboundVideo = (sample: LinkStats) => mainVideo(sample.inbound);
const outboundVideo = (sample: LinkStats) => mainVideo(sample.outbound);

/** Round trip always; bit rate, frames and loss while media runs. */
export function Charts({ samples }: { samples: readonly LinkStats[] }) {
  const newest = samples.at(-1);
  if (!newest) return null;
  const seconds = samples.map((sample) => (sample.at - newest.at) / 1000);
  const values = (read: Read) => samples.map(read);
  const incoming = inboundVideo(newest);
  const video = incoming ?? outboundVideo(newest);
  return (
    <div class="charts">
      <Chart
        title="Round trip"
        figure={millis(newest.rttMs ?? undefined)}
        seconds={seconds}
        format={millis}
        lines={[{ label: "rtt", colour: "--info", values: values((sample) => sample.rttMs) }]}
        testid="chart-rtt"
      />
      {video && (
        <>
          <Chart
            title="Bit rate"
            figure={bitRate(video?.bitrateBps)}
            seconds={seconds}
            format={bitRate}
            lines={[
              {
                label: "in",
                colour: "--good",
                values: values((each) => inboundVideo(each)?.bitrateBps ?? null),
              },
              {
                label: "out",
                colour: "--flash",
                values: values((each) => outboundVideo(each)?.bitrateBps ?? null),
              },
            ]}
            testid="chart-bitrate"
          />
          <Chart
            title="Frames per second"
            figure={count(video?.fps ?? undefined)}
            seconds={seconds}
            format={(value) => String(Math.round(value))}
            lines={[
              {
                label: "in",
                colour: "--good",
                values: values((each) => inboundVideo(each)?.fps ?? null),
              },
              {
                label: "out",
                colour: "--flash",
                values: values((each) => outboundVideo(each)?.fps ?? null),
              },
            ]}
            testid="chart-fps"
          />
          <Chart
            title="Loss"
            figure={percent(video?.lossRatio)}
            seconds={seconds}
            format={percent}
            lines={[
              {
                label: "loss",
                colour: "--bad",
                values: values(
                  (each) => (inboundVideo(each) ?? outboundVideo(each))?.lossRatio ?? null,
                ),
              },
            ]}
            testid="chart-loss"
          />
        </>
      )}
    </div>
  );
}
