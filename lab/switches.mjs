// Moves a device from network to network while its link is up, SWITCHES times each way, and
// measures when messages come through again and whether any was lost or doubled:
// `node switches.mjs 'native and native'`. In a pair of two sorts the first device moves.
import { KINDS } from './lib/kinds.mjs';
import { Laboratory } from './lib/laboratory.mjs';
import { MATRICES } from './lib/matrices.mjs';
import { keep } from './lib/results.mjs';
import { timesRow } from './lib/summary.mjs';
import { bothWays, heardAfter, settle } from './lib/talking.mjs';
import { expectedPath } from './lib/theory.mjs';

const SWITCHES = Number(process.env.SWITCHES ?? 50);
const EVERY_MS = 100;
const HOME = KINDS['port-restricted'];
/// Where the left device goes, from home and back: what the switch is called, and where to.
const ROUNDS = [
  [['direct to direct', HOME]],
  [['direct to relayed', KINDS['UDP blocked']], ['relayed to direct', HOME]],
];

const { devices: sort, sides } = MATRICES.find(({ devices }) => devices === process.argv[2]);

const laboratory = await Laboratory.open();
await laboratory.pair(...sides);
const { devices, sites } = laboratory;
const results = new Map();
const rounds = [];

for (const switches of ROUNDS) {
  for (const [name] of switches) results.set(name, []);
  await begin();
  for (let i = 0; i < SWITCHES; i += 1) {
    for (const [name, kind] of switches) results.get(name).push(await tried(name, kind));
  }
  await finish();
}

const rows = [...results].map(([name, all]) => ({ name, times: all.filter((ms) => ms !== null), never: all.filter((ms) => ms === null).length }));
for (const { name, times, never } of rows) {
  const [, switches, median, p95, longest] = timesRow(name, times, [0.5, 0.95, 1]);
  console.log(`${sort}: ${name}: ${switches} switches, usable after ${median} ms (median), ${p95} ms (p95), ${longest} ms (longest), ${never} never`);
}
keep(`switches of ${sort}`, { devices: sort, everyMs: EVERY_MS, rounds, rows });
const isWhole = rounds.every(({ lost, doubled }) => lost === 0 && doubled === 0);
// Everything else ends with the namespaces.
process.exit(isWhole && rows.every(({ never }) => never === 0) ? 0 : 1);

/// Links both from home and starts to count.
async function begin() {
  await laboratory.link(HOME, HOME, '-');
  await bothWays(devices, EVERY_MS);
}

async function finish() {
  const count = await settle(devices);
  rounds.push(count);
  console.log(`${sort}: ${count.total} texts, ${count.failed} failed in time and were said to, ${count.lost} lost, ${count.doubled} doubled`);
}

/// One switch; null where messages never came through again, and then it begins anew.
async function tried(name, kind) {
  try {
    const ms = await switchTo(kind);
    console.log(`${sort}: ${name}: ${Math.round(ms)} ms`);
    return ms;
  } catch (error) {
    const said = await Promise.all(devices.map((device) => device.complaint()));
    console.log(`${sort}: ${name}: never, ${error.message.split('\n')[0]} (${said.join('; ')})`);
    await finish();
    await begin();
    return null;
  }
}

/// Takes the left device elsewhere; milliseconds from its new network being there until messages
/// sent since came both ways, and the link is on the path that theory names.
async function switchTo(kind) {
  await sites[0].join(kind);
  const there = performance.timeOrigin + performance.now();
  const heard = await heardAfter(devices, there);
  const { path } = expectedPath(kind, HOME);
  await Promise.all(devices.map((device) => device.isOpen({ path })));
  return heard - there;
}
