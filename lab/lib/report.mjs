// docs/nat-matrix.md, from what was measured and nothing else.
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { table } from '../../bench/lib/figures.mjs';
import { rates, setupTimes, timesRow } from './summary.mjs';

export function report({ matrix: { nats, matrices, runs, minutes }, setup, switches }) {
  return `# Through which NATs a link is direct

Written by \`make lab\`; nothing here is typed by hand. Every cell is a link that was made between two devices in network namespaces, each behind routers of nftables that were built for that run, with one \`helio serve\` on the internet between them. Expected is what RFC 4787's behaviours allow (\`lab/lib/theory.mjs\` has the rule); a cell that did otherwise is in bold.

${facts(runs, minutes)}

## The NATs, as measured

Mapping was measured by two ports and two addresses of strangers, filtering by packets of strangers that had not been sent to (as RFC 5780 does).

${table(['', 'mapping', 'filtering', 'as believed'], nats.map(({ kind, measured, isAsBelieved }) => [
    kind.name, measured?.mapping ?? 'no UDP', measured?.filtering ?? 'no UDP', isAsBelieved ? 'yes' : '**no**']))}
${matrices.map(matrix).join('')}${setup ? setupText(setup) : ''}${switches ? switchesText(switches) : ''}
## Again

\`\`\`
make lab            # once through every cell
make lab RUNS=10
\`\`\`
`;
}

function facts(runs, minutes) {
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  const chromium = execFileSync('/usr/bin/chromium', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  return table(['this run', ''], [
    ['what', `commit ${commit}, ${chromium.split(' ').slice(0, 2).join(' ')}`],
    ['machine', `${os.availableParallelism()} cores, Linux ${os.release().split('-')[0]}`],
    ['when', `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, ${minutes.toFixed(1)} minutes`],
    ['runs of each cell', runs],
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

${table(['', ...kinds], rows)}

${wrong.length === 0 ? 'Every run went as theory says.' : `**${wrong.length} runs went otherwise.** ${reasons.join('; ')}`}

Milliseconds from the moment that the server has both devices until both are connected, without any delay on the way:

${table(['', 'links', 'median', 'p90', 'longest'], ['direct', 'relayed'].map((path) => (
    timesRow(path, setupTimes(cells.filter((cell) => cell.path === path)), [0.5, 0.9, 1]))))}
`;
}

function setupText({ delayMs, runs, rows }) {
  return `
## Setting up a link over a long way

Browser and browser; ${delayMs} ms from anybody to anybody (a round trip takes ${2 * delayMs} ms), ${runs} links a row. Milliseconds from the moment that the server has both devices until both are connected:

${table(['', 'links', 'median', 'p90', 'longest', 'failed'], rows.map(({ name, times, never }) => (
    [...timesRow(name, times, [0.5, 0.9, 1]), never])))}
`;
}

function switchesText({ rounds, rows }) {
  const count = (what) => rounds.reduce((sum, round) => sum + round[what], 0);
  return `
## Changing the network while the link is up

Browser and browser; one moves from network to network, unplugged in between. Milliseconds from the new network being there until messages that were sent since have come both ways, on a reliable channel on which each side sends every ${rounds[0].everyMs} ms:

${table(['', 'switches', 'median', 'p95', 'longest', 'never'], rows.map(({ name, times, never }) => (
    [...timesRow(name, times, [0.5, 0.95, 1]), never])))}

Of ${count('total')} messages ${count('lost')} were lost and ${count('doubled')} came twice${rounds.every(({ isOrdered }) => isOrdered) ? '; all came in order' : '; **not all came in order**'}. ${rounds.every(({ made }) => made.every((connections) => connections === 1)) ? 'No connection was made anew.' : '**Connections were made anew.**'}
`;
}
