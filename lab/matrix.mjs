// Links two devices of one sort through every pairing of NATs, RUNS times each, and prints how it
// went: `node matrix.mjs 'native and native'`. Fails when any link did not get the path that theory
// names. What was measured is kept after each round through all cells.
import { Laboratory } from './lib/laboratory.mjs';
import { MATRICES } from './lib/matrices.mjs';
import { measureNats } from './lib/measured_nats.mjs';
import { keep } from './lib/results.mjs';
import { summary } from './lib/summary.mjs';
import { expectedPath } from './lib/theory.mjs';

const RUNS = Number(process.env.RUNS ?? 1);
const matrix = MATRICES.find(({ devices }) => devices === process.argv[2]);
if (matrix === undefined) throw new Error(`usage: node matrix.mjs '${MATRICES.map(({ devices }) => devices).join("' | '")}'`);
const { devices, sides, pairings } = matrix;

const started = Date.now();
const laboratory = await Laboratory.open();
const nats = await measureNats(laboratory.sites[0]);
await laboratory.pair(...sides);
const cells = pairings.map(([left, right]) => ({ left, right, ...expectedPath(left, right), runs: [] }));
const wrong = () => cells.flatMap(({ path, runs }) => runs.filter((run) => run.path !== path)).length;

for (let round = 1; round <= RUNS; round += 1) {
  for (const cell of cells) {
    const run = await laboratory.tryToLink(cell.left, cell.right);
    cell.runs.push(run);
    if (run.path !== cell.path) console.log(`${devices}: ${cell.left.name} – ${cell.right.name}: ${run.path} ${run.why ?? ''}`);
  }
  const minutes = (Date.now() - started) / 60_000;
  keep(`matrix of ${devices}`, { devices, nats, cells, runs: round, minutes });
  console.log(`${devices}: ${round * cells.length} links, ${wrong()} not as theory says, in ${minutes.toFixed(1)} minutes`);
}
for (const cell of cells) console.log(`${devices}: ${summary(cell)}`);
// Everything else ends with the namespaces.
process.exit(wrong() === 0 && nats.every(({ isAsBelieved }) => isAsBelieved) ? 0 : 1);
