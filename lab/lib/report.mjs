// docs/nat-matrix.md, from what was measured and nothing else.
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { table } from '../../bench/lib/figures.mjs';
import { rates, setupTimes, timesRow } from './summary.mjs';

/// The part before the first heading.
const INTRODUCTION = '';
const AGAIN = `
\`\`\`
make lab            # once through every cell
make lab RUNS=10
\`\`\`
`;

/// What was measured, as sections of the report by their headings. `matrices`, `setups` and
/// `switches` have one entry for each sort of devices that was measured.
export function sections({ matrices, setups, switches }) {
  const all = new Map();
  if (matrices.length > 0) {
    all.set(INTRODUCTION, introduction(matrices));
    all.set('The NATs, as measured', nats(matrices));
  }
  for (const each of matrices) all.set(`${each.devices[0].toUpperCase()}${each.devices.slice(1)}`, matrix(each));
  if (setups.length > 0) all.set('Setting up a link over a long way', setupText(setups));
  if (switches.length > 0) all.set('Changing the network while the link is up', switchesText(switches));
  if (matrices.length > 0) all.set('Again', AGAIN);
  return all;
}

/// The report of before with what was measured in the place of its sections of the same headings.
export function together(before, measured) {
  const parts = before.split(/^## /m).map((part, i) => {
    const end = part.indexOf('\n');
    return i === 0 ? [INTRODUCTION, part] : [part.slice(0, end), part.slice(end + 1)];
  });
  const all = new Map([...parts, ...measured]);
  return [...all].map(([heading, text]) => (heading === INTRODUCTION ? text : `## ${heading}\n${text.trimEnd()}\n\n`)).join('').trimEnd() + '\n';
}

function introduction(matrices) {
  return `# Through which NATs a link is direct

Written by \`make lab\`; nothing here is typed by hand. Every cell is a link that was made between two devices in network namespaces, each behind routers of nftables that were built for that run, with one \`helio serve\` on the internet between them. Expected is what RFC 4787's behaviours allow (\`lab/lib/theory.mjs\` has the rule); a cell that did otherwise is in bold.

${facts(matrices.map(({ devices, runs, minutes }) => [devices, `${runs} runs of each cell in ${minutes.toFixed(0)} minutes`]))}

`;
}

function nats([{ nats: each }]) {
  return `
Mapping was measured by two ports and two addresses of strangers, filtering by packets of strangers that had not been sent to (as RFC 5780 does).

${table(['', 'mapping', 'filtering', 'as believed'], each.map(({ kind, measured, isAsBelieved }) => [
    kind.name, measured?.mapping ?? 'no UDP', measured?.filtering ?? 'no UDP', isAsBelieved ? 'yes' : '**no**']))}
`;
}

/// What was run on what, and when; written when it ends.
function facts(rows) {
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  const chromium = execFileSync('/usr/bin/chromium', ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  return table(['this run', ''], [
    ['what', `commit ${commit}, ${chromium.split(' ').slice(0, 2).join(' ')}`],
    ['machine', `${os.availableParallelism()} cores, Linux ${os.release().split('-')[0]}`],
    ['load', `${os.loadavg()[2].toFixed(1)} processes ready to run, on average over 15 minutes`],
    ['when', `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`],
    ...rows,
  ]);
}

function matrix({ devices, cells }) {
  const kinds = [...new Set(cells.flatMap(({ left, right }) => [left.name, right.name]))];
  const cellOf = (a, b) => cells.find(({ left, right }) => left.name === a && right.name === b);
  const rows = kinds.map((a) => [a, ...kinds.map((b) => (cellOf(a, b) ? rates(cellOf(a, b)) : ''))]);
  const wrong = cells.flatMap(({ path, runs }) => runs.filter((run) => run.path !== path));
  const reasons = [...new Set(wrong.flatMap(({ why }) => why ?? []))];
  return `
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
${facts([])}

${delayMs} ms from anybody to anybody (a round trip takes ${2 * delayMs} ms), ${runs} links a row. Milliseconds from the moment that the server has both devices until both are connected, and until the keys are proven on both and messages can go:

${table(['', '', 'links', 'median', 'p90', 'longest', 'failed or another path'], rows)}
`;
}

function switchesText(switches) {
  const rows = switches.flatMap(({ devices, rows: each }) => each.map(({ name, times, never }) => (
    [devices, ...timesRow(name, times, [0.5, 0.95, 1]), never])));
  return `
${facts([])}

One device moves from network to network, unplugged in between. Milliseconds from the new network being there until texts that were said since have come both ways:

${table(['', '', 'switches', 'median', 'p95', 'longest', 'never'], rows)}

${switches.map(whole).join(' ')}
`;
}

/// What became of the texts that were said all the while.
function whole({ devices, everyMs, rounds }) {
  const count = (each) => rounds.reduce((sum, round) => sum + round[each], 0);
  const isFaulty = count('lost') + count('doubled') > 0;
  const failed = rounds.some((each) => each.failed > 0) ? `${count('failed')} did not arrive within their three seconds and their sender was told, ` : '';
  const text = `${failed}${count('lost')} were lost and ${count('doubled')} came twice`;
  return `Between ${devices}, texts every ${everyMs} ms each way, where the link took them: of ${count('total')} ${isFaulty ? `**${text}**` : text}.`;
}
