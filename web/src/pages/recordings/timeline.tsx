// A day from left to right: what is recorded of it, and where the player is.
import { clock } from "./days";
import { day, daySpans, moment, wish } from "./model";

/** The hours that have a mark. */
const HOURS = [0, 6, 12, 18, 24];
/** How far the arrow keys go. */
const STEP_MS = 60_000;

/** One day, as a slider. */
export function Timeline() {
  const { begin, end } = day.value;
  const place = (ms: number) => `${(((ms - begin) / (end - begin)) * 100).toFixed(3)}%`;
  const at = moment.value ?? wish.value ?? begin;
  const go = (ms: number) => (wish.value = Math.min(Math.max(ms, begin), end - 1));
  const onKey = (event: KeyboardEvent) => {
    const step = {
      ArrowLeft: -STEP_MS,
      ArrowRight: STEP_MS,
      PageUp: 60 * STEP_MS,
      PageDown: -60 * STEP_MS,
    }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    go(at + step);
  };
  return (
    <div class="timeline">
      <div
        class="timeline-bar"
        role="slider"
        tabIndex={0}
        aria-label="Time of day"
        aria-valuemin={begin}
        aria-valuemax={end}
        aria-valuenow={Math.round(at)}
        aria-valuetext={clock(at)}
        data-testid="timeline"
        onKeyDown={onKey}
        onClick={(event) => {
          const { left, width } = event.currentTarget.getBoundingClientRect();
          go(begin + ((event.clientX - left) / width) * (end - begin));
        }}
      >
        {daySpans.value.map(({ from, to }) => (
          <span
            key={from}
            class="timeline-span"
            style={{ insetInlineStart: place(from), width: place(begin + to - from) }}
          />
        ))}
        <span class="timeline-needle" style={{ insetInlineStart: place(at) }} />
      </div>
      <div class="timeline-hours faint" aria-hidden="true">
        {HOURS.map((hour) => (
          <span key={hour}>{String(hour).padStart(2, "0")}</span>
        ))}
      </div>
    </div>
  );
}
