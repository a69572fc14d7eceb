// What became of recordings whose server was killed again and again (`make soak`).
import { median, table, verdict } from './figures.mjs';
import { publishSection } from './sections.mjs';

const TITLE = 'Recordings of a server that is killed';
/** A segment: what is open may be lost. */
const MOST_MISSING_MS = 10_000;

/** Shows the results in docs/benchmarks.md. */
export function publish(results) {
  publishSection(TITLE, section(results));
}

/** Whether nothing that was finished is lost, and no more than a segment of what was not. */
export function isMet({ kills }) {
  return kills.every(({ lost, elapsed, recorded }) => lost === 0 && elapsed - recorded <= MOST_MISSING_MS);
}

function section({ build, when, machine, kills, loads }) {
  const of = (member) => kills.map((kill) => kill[member]);
  const sum = (numbers) => numbers.reduce((all, each) => all + each, 0);
  const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
  const row = (what, numbers, goal) => [what, seconds(Math.min(...numbers)), seconds(median(numbers)), seconds(Math.max(...numbers)), goal];
  const short = kills.map(({ elapsed, recorded }) => Math.max(0, elapsed - recorded));
  return `\`helio serve\` (${build}) on one machine (${machine}, ${when} UTC, by \`make soak\`, load average ${loads.map((load) => load.toFixed(1)).join(' to ')}), killed with \`kill -9\` ${kills.length} times at random moments while FFmpeg publishes H.264 and Opus by WHIP and it is recorded in segments of 10 s, and started again each time. All ${sum(of('segments'))} segments (${seconds(sum(of('recorded')))}) are decoded by FFmpeg without a fault. Finished segments lost: ${sum(of('lost'))}. Where less than nothing is missing at the end, FFmpeg was ahead of the clock.

${table(['', 'least', 'median', 'most', ''], [
    row('from the beginning of the recording to the kill', of('elapsed'), ''),
    row('missing at the end, by the clock', of('missing'), ''),
    row('recorded less than elapsed', short, `≤ ${MOST_MISSING_MS / 1000} s: ${verdict(Math.max(...short), MOST_MISSING_MS)}`),
  ])}`;
}
