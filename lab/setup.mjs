// How long a link takes to come up over a long way, with and without loss, SETUPS links each.
import { lose } from './lib/internet.mjs';
import { KINDS } from './lib/kinds.mjs';
import { Laboratory } from './lib/laboratory.mjs';
import { keep } from './lib/results.mjs';
import { timesRow } from './lib/summary.mjs';

const SETUPS = Number(process.env.SETUPS ?? 20);
const DELAY_MS = 50;
const PATHS = [['direct', KINDS['port-restricted'], KINDS['port-restricted']], ['relayed', KINDS.symmetric, KINDS['port-restricted']]];

const laboratory = await Laboratory.open({ delayMs: DELAY_MS });
await laboratory.pairBrowsers();
const rows = [];
for (const loss of [0, 0.05]) {
  await lose(loss);
  for (const [path, left, right] of PATHS) {
    const name = `${path}, ${loss * 100} % lost`;
    const times = [];
    let never = 0;
    for (let i = 0; i < SETUPS; i += 1) {
      const linked = await laboratory.tryToLink(left, right);
      if (linked.path === path) times.push(linked.setupMs);
      else never += 1;
      if (linked.path !== path) console.log(`${name}: ${linked.path} ${linked.why ?? ''}`);
    }
    rows.push({ name, times, never });
    const [, links, median, p90, longest] = timesRow(name, times, [0.5, 0.9, 1]);
    console.log(`${name}: ${links} links, ${median} ms (median), ${p90} ms (p90), ${longest} ms (longest), ${never} not so`);
  }
}
await laboratory.close();
keep('setup', { delayMs: DELAY_MS, runs: SETUPS, rows });
process.exitCode = rows.every(({ never }) => never === 0) ? 0 : 1;
