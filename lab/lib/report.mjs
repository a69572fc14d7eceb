// docs/nat-matrix.md, from what was measured and nothing else.
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { table } from '../../bench/lib/figures.mjs';
import { rates, setupTimes, timesRow } from './summary.mjs';

/// `matrices`, `setups` and `switches` have one entry for each sort of devices that was measured.
export function report({ matrices, setups, switches }) {
  const [{ nats }] = matrices;
  return `# Through which NATs a link is direct

Written by \`make lab\`; nothing here is typed by hand. Every cell is a link that was made between two devices in network namespaces, each behind routers of nftables that were built for that run, with one \`helio serve\` on the internet between them. Expected is what RFC 4787's behaviours allow (\`lab/lib/theory.mjs\` has the rule); a cell that did otherwise is in bold.

${facts(matrices)}

## The NATs, as measured

Mapping was measured by two ports and two addresses of strangers, filtering by packets of strangers that had not been sent to (as RFC 5780 does).

${table(['', 'mapping', 'filtering', 'as believed'], nats.map(({ kind, measured, isAsBelieved }) => [
    kind.name, measured?.mapping ?? 'no UDP', measured?.filtering ?? 'no UDP', isAsBelieved ? 'yes' : '**no**']))}
${matrices.map(matrix).join('')}${setups.length > 0 ? setupText(setups) : ''}${switches.length > 0 ? switchesText(switches) : ''}
## Again

\`\`\`
make lab            # once through every cell
make lab RUNS=10
\`\`\`
`;
}

function facts(matrices) {
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  const chromium = execFileSync('/usr/bin/chromium', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  return table(['this run', ''], [
    ['what', `commit ${commit}, ${chromium.split(' ').slice(0, 2).join(' ')}`],
    ['machine', `${os.availableParallelism()} cores, Linux ${os.release().split('-')[0]}`],
    ['load', `${os.loadavg()[2].toFixed(1)} processes ready to run, on average over 15 minutes`],
    ['when', `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`],
    ...matrices.map(({ devices, runs, minutes }) => [devices, `${runs} runs of each cell in ${minutes.toFixed(0)} minutes`]),
  ]);
}

function matrix({ devices, cells }) {
  const kinds = [...new Set(cells.flatMap(({ left, right }) => [left.name, right.name]))];
  const cellOf = (a, b) => cells.find(({ left, right }) => left.name === a && right.name === b);
  const rows = kinds.map((a) => [a, ...kinds.map((b) => (cellOf(a, b) ? rates(cellOf(a, b)) : ''))]);
  const wrong = cells.flatMap(({ path, runs }) => runs.filter((run) => run.path !== path));
  const reasons = [...new Set(wrong.flatMap(({ why }) => why ?? []))];
  return `
## ${devices[0].toUpperCase()}${devices.slice(1)}

${table([devices === 'browser and native' ? 'browser ↓ native →' : '', ...kinds], rows)}

${wrong.length === 0 ? 'Every run went as theory says.' : `**${wrong.length} runs went otherwise.** ${reasons.join('; ')}`}

Milliseconds from the moment that the server has both devices until both are connected, without any delay on the way, the other matrices beside it:

${table(['', 'links', 'median', 'p90', 'longest'], ['direct', 'relayed'].map((path) => (
    timesRow(path, setupTimes(cells.filter((cell) => cell.path === path)), [0.5, 0.9, 1]))))}
`;
}

function setupText(setups) {
  const [{ delayMs, runs }] = setups;
  const rows = setups.flatMap(({ devices, rows: each }) => each.flatMap(({ name, connected, open, never }) => (
    [['connected', connected], ['open', open]].map(([until, times]) => [devices, ...timesRow(`${name}: ${until}`, times, [0.5, 0.9, 1]), never]))));
  return `
## Setting up a link over a long way

${delayMs} ms from anybody to anybody (a round trip takes ${2 * delayMs} ms), ${runs} links a row. Milliseconds from the moment that the server has both devices until both are connected, and until the keys are proven on both and messages can go:

${table(['', '', 'links', 'median', 'p90', 'longest', 'failed'], rows)}
`;
}

function switchesText(switches) {
  const rows = switches.flatMap(({ devices, rows: each }) => each.map(({ name, times, never }) => (
    [devices, ...timesRow(name, times, [0.5, 0.95, 1]), never])));
  return `
## Changing the network while the link is up

One device moves from network to network, unplugged in between. Milliseconds from the new network being there until messages that were sent since have come both ways:

${table(['', '', 'switches', 'median', 'p95', 'longest', 'never'], rows)}

${switches.map(whole).join(' ')}
`;
}

/// What became of the messages that were sent all the while.
function whole({ devices, what, everyMs, rounds }) {
  const count = (each) => rounds.reduce((sum, round) => sum + round[each], 0);
  const isFaulty = count('lost') + count('doubled') > 0 || rounds.some(({ isOrdered }) => isOrdered === false);
  const order = rounds.every(({ isOrdered }) => isOrdered) ? ', all came in order' : '';
  const made = rounds.flatMap((round) => round.made);
  const anew = made.some((connections) => connections > 1) ? ' **Connections were made anew.**' : '';
  const failed = rounds.some((each) => each.failed > 0) ? `${count('failed')} did not arrive within their three seconds and their sender was told, ` : '';
  const text = `${failed}${count('lost')} were lost and ${count('doubled')} came twice${order}`;
  return `Between ${devices}, ${what} every ${everyMs} ms each way: of ${count('total')} ${isFaulty ? `**${text}**` : text}.${anew}`;
}
