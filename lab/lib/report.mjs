// docs/nat-matrix.md, from what was measured and nothing else.
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { table } from '../../bench/lib/figures.mjs';

/// How the runs of a cell went, in few words: `direct 9/10, failed 1/10`.
function rates({ path, runs }) {
  const counts = new Map();
  for (const run of runs) counts.set(run.path, (counts.get(run.path) ?? 0) + 1);
  const text = [...counts].map(([each, count]) => `${each} ${count}/${runs.length}`).join(', ');
  return counts.get(path) === runs.length ? text : `**${text}**`;
}

/// One cell as a line for the terminal.
export function summary(cell) {
  const failures = cell.runs.flatMap(({ why }) => why ?? []);
  const times = setups([cell]);
  const typical = times.length > 0 ? `, ${Math.round(percentile(times, 0.5))} ms` : '';
  return [`${cell.left.name} – ${cell.right.name}: ${rates(cell)}, expected ${cell.path}${typical}`, ...failures].join('\n  ');
}

export function report({ nats, matrices, runs, minutes }) {
  return `# Through which NATs a link is direct

Written by \`make lab\`; nothing here is typed by hand. Every cell is a link that was made between two devices in network namespaces, each behind routers of nftables that were built for that run, with one \`helio serve\` on the internet between them. Expected is what RFC 4787's behaviours allow (\`lab/lib/theory.mjs\` has the rule); a cell that did otherwise is in bold.

${facts(runs, minutes)}

## The NATs, as measured

Mapping was measured by two ports and two addresses of strangers, filtering by packets of strangers that had not been sent to (as RFC 5780 does).

${table(['', 'mapping', 'filtering', 'as believed'], nats.map(({ kind, measured, isAsBelieved }) => [
    kind.name, measured?.mapping ?? 'no UDP', measured?.filtering ?? 'no UDP', isAsBelieved ? 'yes' : '**no**']))}
${matrices.map(matrix).join('')}
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
  const kinds = [...new Set(cells.flatMap(({ left, right }) => [left, right]))];
  const cellOf = (a, b) => cells.find(({ left, right }) => (left === a && right === b));
  const rows = kinds.map((a) => [a.name, ...kinds.map((b) => (cellOf(a, b) ? rates(cellOf(a, b)) : ''))]);
  const wrong = cells.flatMap(({ path, runs }) => runs.filter((run) => run.path !== path));
  const reasons = [...new Set(wrong.flatMap(({ why }) => why ?? []))];
  return `
## ${devices[0].toUpperCase()}${devices.slice(1)}

${table(['', ...kinds.map(({ name }) => name)], rows)}

${wrong.length === 0 ? 'Every run went as theory says.' : `**${wrong.length} runs went otherwise.** ${reasons.join('; ')}`}

Milliseconds from the moment that the server has both devices until both are connected, without any delay on the way:

${table(['', 'links', 'median', 'p90', 'longest'], ['direct', 'relayed'].map((path) => timesRow(path, cells)))}
`;
}

function timesRow(path, cells) {
  const times = setups(cells.filter((cell) => cell.path === path));
  return [path, times.length, ...[0.5, 0.9, 1].map((share) => (times.length > 0 ? Math.round(percentile(times, share)) : '–'))];
}

function setups(cells) {
  return cells.flatMap(({ runs }) => runs.flatMap(({ setupMs }) => setupMs ?? [])).sort((a, b) => a - b);
}

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
