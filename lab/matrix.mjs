// Links two devices through every pairing of NATs, RUNS times each, and prints how it went. Fails
// when any run did not get the path that theory names.
import { measureNats } from './lib/measured_nats.mjs';
import { Laboratory } from './lib/laboratory.mjs';
import { keep } from './lib/results.mjs';
import { summary } from './lib/summary.mjs';
import { expectedPath, pairings } from './lib/theory.mjs';

const RUNS = Number(process.env.RUNS ?? 1);

const started = Date.now();
const laboratory = await Laboratory.open();
const nats = await measureNats(laboratory.sites[0]);
await laboratory.pairBrowsers();
const cells = [];
for (const [left, right] of pairings()) {
  const cell = { left, right, ...expectedPath(left, right), runs: [] };
  for (let run = 0; run < RUNS; run += 1) cell.runs.push(await laboratory.tryToLink(left, right));
  cells.push(cell);
  console.log(summary(cell));
}
await laboratory.close();

const minutes = (Date.now() - started) / 60_000;
const wrong = cells.flatMap(({ path, runs }) => runs.filter((run) => run.path !== path)).length;
keep('matrix', { nats, matrices: [{ devices: 'browser and browser', cells }], runs: RUNS, minutes });
console.log(`${cells.length * RUNS} links, ${wrong} not as theory says, in ${minutes.toFixed(1)} minutes`);
process.exitCode = wrong === 0 && nats.every(({ isAsBelieved }) => isAsBelieved) ? 0 : 1;
