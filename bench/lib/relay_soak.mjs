// What a long run over the relay came to (`make soak`), kept beside the benchmarks and shown with
// them: they are measured in minutes, this takes an hour.
import { table, verdict } from './figures.mjs';
import { publishSection } from './sections.mjs';

const TITLE = 'An hour over the relay';
const LONGEST_GAP_MS = 999;
const GROWTH_MB = 2;
/** The first part of a run, in which programs take what they keep. */
export const WARM_UP_SHARE = 1 / 6;

/** Shows the results in docs/benchmarks.md. */
export function publish(results) {
  publishSection(TITLE, section(results));
}

/** Whether nothing stood still, got lost or grew. */
export function isMet({ texts, stills, memory }) {
  const lacks = [texts, stills].reduce((sum, { lost, doubled }) => sum + lost + doubled, 0);
  return lacks === 0 && texts.longestGapMs <= LONGEST_GAP_MS && memory.every(({ growthMb }) => growthMb <= GROWTH_MB);
}

function section({ build, when, machine, minutes, percent, packets, texts, stills, memory, reconnections, stalls, loads, sampleMs }) {
  const share = (100 * packets.lost / packets.every).toFixed(2);
  const ms = (figure) => `${Math.round(figure)} ms`;
  return `Three native devices, each command a program of its own, and \`helio serve\` (${build}) on one machine (${machine}, ${when} UTC, ${minutes.toFixed(0)} minutes, by \`make soak\`): \`helio message -\` at both ends of one link, a text every ${texts.everyMs} ms each way, and \`helio send\` to \`helio receive\` on another, a still every ${stills.everySeconds} s. No device tells its addresses, so everything goes from relay to relay of the server, while each datagram gets lost with ${percent} % wherever it comes in, at devices and server alike: ${packets.lost} of ${packets.every} were (${share} %). Credentials, nonces and tokens of 10 minutes end and are renewed meanwhile. Times that a program was without a path: ${reconnections.length}.

${table(['', 'sent', 'lost', 'twice', 'median', 'slowest', 'longest time without one', ''], [
    ['texts', texts.said, texts.lost, texts.doubled, ms(texts.medianMs), ms(texts.longestMs), ms(texts.longestGapMs),
      `< 1 s: ${verdict(texts.longestGapMs, LONGEST_GAP_MS)}`],
    ['stills', stills.sent, stills.lost, stills.doubled, ms(stills.medianMs), ms(stills.longestMs), ms(stills.longestGapMs),
      `${stills.repaired} were sent again`],
  ])}

The longest time between two texts that were *said* is ${ms(texts.longestPauseMs)}: by so much the machine itself was late (load average ${loads.map((load) => load.toFixed(1)).join(' to ')}). Times of more than a second without a text: ${stalls.length === 0 ? 'none' : stalls.map(({ second, ms: length, who }) => `${length} ms until second ${second} at ${who}`).join('; ')}. A still's time is that until the other device had decoded it and the sender had its word.

Resident memory, every ${sampleMs / 1000} s; growth is that from the first tenth after ${Math.round(minutes * WARM_UP_SHARE)} minutes to the last tenth of the run:

${table(['', 'begin', `after ${Math.round(minutes * WARM_UP_SHARE)} minutes`, 'half way', 'end', 'most', 'growth', ''], memory.map(memoryRow))}`;
}

function memoryRow({ who, samplesMb, growthMb }) {
  const at = (share) => samplesMb[Math.floor((samplesMb.length - 1) * share)];
  const figures = [at(0), at(WARM_UP_SHARE), at(0.5), at(1), Math.max(...samplesMb), growthMb];
  return [who, ...figures.map((mb) => `${mb.toFixed(1)} MB`), `≤ ${GROWTH_MB} MB: ${verdict(growthMb, GROWTH_MB)}`];
}
