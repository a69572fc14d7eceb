// How long a link takes to come up over a long way, with and without loss, SETUPS links each:
// `node setup.mjs 'browser and native'`. DELAY_MS, an even number, is the way from anybody to
// anybody.
import { lose } from './lib/internet.mjs';
import { KINDS } from './lib/kinds.mjs';
import { Laboratory } from './lib/laboratory.mjs';
import { MATRICES } from './lib/matrices.mjs';
import { keep } from './lib/results.mjs';
import { timesRow } from './lib/summary.mjs';

const SETUPS = Number(process.env.SETUPS ?? 20);
const DELAY_MS = Number(process.env.DELAY_MS ?? 50);
const PATHS = [['direct', KINDS['port-restricted'], KINDS['port-restricted']], ['relayed', KINDS.symmetric, KINDS['port-restricted']]];

const { devices, sides } = MATRICES.find((each) => each.devices === process.argv[2]);
const laboratory = await Laboratory.open({ delayMs: DELAY_MS });
await laboratory.pair(...sides);
const rows = [];
for (const loss of [0, 0.05]) {
  await lose(loss);
  for (const [path, left, right] of PATHS) {
    const name = `${path}, ${loss * 100} % lost`;
    const row = { name, connected: [], open: [], never: 0 };
    for (let i = 0; i < SETUPS; i += 1) {
      const linked = await laboratory.tryToLink(left, right);
      if (linked.path === path) {
        row.connected.push(linked.setupMs);
        row.open.push(linked.openMs);
      } else {
        row.never += 1;
        console.log(`${devices}: ${name}: ${linked.path} ${linked.why ?? ''}`);
      }
    }
    rows.push(row);
    for (const until of ['connected', 'open']) {
      const [, links, median, p90, longest] = timesRow(name, row[until], [0.5, 0.9, 1]);
      console.log(`${devices}: ${name}: ${links} links, ${until} after ${median} ms (median), ${p90} ms (p90), ${longest} ms (longest), ${row.never} not so`);
    }
  }
}
keep(`setup of ${devices}`, { devices, delayMs: DELAY_MS, runs: SETUPS, rows });
// Everything else ends with the namespaces.
process.exit(rows.every(({ never }) => never === 0) ? 0 : 1);
