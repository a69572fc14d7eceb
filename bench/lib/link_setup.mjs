// How long a link takes to come up, on the virtual clock of crates/sim: no machine is measured.
import { execFileSync } from 'node:child_process';
import { table, verdict } from './figures.mjs';

const SEEDS = 1000;
const GOALS = { direct: 5, relayed: 6, p90Ms: 1000 };
const PATHS = ['direct', 'relayed'];

/** Runs the simulation's own test, which holds the goals, and reads what it prints. */
export function measureSetup(_rounds, say) {
  const args = ['test', '--quiet', '--package', 'sim', '--test', 'setup', '--', '--nocapture'];
  const env = { ...process.env, SETUP_SEEDS: String(SEEDS) };
  const printed = execFileSync('cargo', args, { cwd: new URL('../..', import.meta.url), encoding: 'utf8', env });
  const [, ...trips] = /direct ([\d.]+) round trips, relayed ([\d.]+)/.exec(printed);
  return PATHS.map((path, at) => {
    const line = new RegExp(`${path}: p50 (\\d+) ms, p90 (\\d+) ms, p99 (\\d+) ms`).exec(printed);
    const [, p50, p90, p99] = line.map(Number);
    say(`set-up ${path}: ${trips[at]} round trips, ${p90} ms (p90) at 5 % loss`);
    return { path, trips: Number(trips[at]), p50, p90, p99 };
  });
}

export function setupText(rows) {
  const lines = rows.map(({ path, trips, p50, p90, p99 }) => [path, trips.toFixed(2), `≤ ${GOALS[path]}`,
    verdict(trips, GOALS[path]), `${p50} ms`, `${p90} ms`, `${p99} ms`, `< 1 s: ${verdict(p90, GOALS.p90Ms - 1)}`]);
  return `Two native devices, the hub and the relay on a virtual clock (\`crates/sim/tests/setup.rs\`): from the token in both hands, over the connection that it came on, to frames that flow both ways, so that signalling, ICE with trickled candidates, DTLS, SCTP and the proof of the keys are in it. A round trip is one between the devices; a server stands half as far. *Direct*: both behind port-restricted NATs. *Relayed*: both behind symmetric ones. Whichever device comes first, the figure is the same. With loss: 50 ms there and back, 5 % of all packets lost between the devices, streams to the server slowed by it as TCP is, ${SEEDS} seeds.

${table(['path', 'round trips', 'goal', '', 'p50 at 5 % loss', 'p90', 'p99', 'goal (p90)'], lines)}`;
}
