// One small time chart on uPlot: the last two minutes, one or two lines, colours from the theme.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

/** A line of a chart. */
export interface ChartLine {
  label: string;
  /** The custom property the colour is read from. */
  colour: "--ink" | "--flash" | "--good" | "--info" | "--bad";
  values: readonly (number | null)[];
}

interface ChartProps {
  title: string;
  /** The newest figure, already formatted. */
  figure: string;
  /** Seconds before now, negative, ascending. */
  seconds: readonly number[];
  lines: readonly ChartLine[];
  format: (value: number) => string;
  testid: string;
}

const HEIGHT_PX = 96;
const SPAN_SECONDS = 120;

/** A titled chart; its text alternative is the newest figure. */
export function Chart(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const shape = props.lines.map((line) => line.label).join();
  useEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(latest.current, element), data(latest.current), element);
    };
    make();
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", make);
    const sizes = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT_PX }),
    );
    sizes.observe(element);
    return () => {
      scheme.removeEventListener("change", make);
      sizes.disconnect();
      plot.current?.destroy();
    };
  }, [shape]);
  useEffect(() => plot.current?.setData(data(props)), [props.seconds, props.lines]);
  return (
    <figure class="chart" data-testid={props.testid}>
      <figcaption class="chart-head">
        <span>
          {props.title}
          {props.lines.length > 1 &&
            props.lines.map((line) => <Legend key={line.label} line={line} />)}
        </span>
        <span class="figure">{props.figure}</span>
      </figcaption>
      <div class="chart-plot" ref={host} aria-hidden="true" />
    </figure>
  );
}

function Legend({ line }: { line: ChartLine }) {
  return (
    <span class="chart-legend" style={{ "--line-colour": `var(${line.colour})` }}>
      {line.label}
    </span>
  );
}

function data(props: ChartProps): uPlot.AlignedData {
  return [[...props.seconds], ...props.lines.map((line) => [...line.values])];
}

function options(props: ChartProps, element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--ink-faint"),
    font: `11px ${style.fontFamily}`,
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    gap: 4,
  };
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { show: false },
    padding: [6, 18, 0, 0],
    scales: {
      x: { time: false, range: [-SPAN_SECONDS, 0] },
      y: { range: (_plot, _low, high) => [0, Math.max(high ?? 0, Number.EPSILON) * 1.15 || 1] },
    },
    axes: [
      {
        ...axis,
        size: 20,
        splits: () => [-60, 0],
        values: () => ["1 min ago", "now"],
      },
      { ...axis, size: 58, space: 36, values: (_plot, splits) => splits.map(props.format) },
    ],
    series: [
      {},
      ...props.lines.map((line) => ({
        stroke: colour(line.colour),
        width: 1.75,
        points: { show: false },
        spanGaps: false,
      })),
    ],
  };
}
