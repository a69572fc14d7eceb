// A server that is killed KILLS times (50) at random moments while it records, published in
// docs/benchmarks.md: `./run.sh node recording_soak.mjs`. SOAK_BUILD says what HELIO is.
import { loadavg } from 'node:os';
import { isMet, publish } from '../bench/lib/recording_soak.mjs';
import { Device } from './lib/browser.mjs';
import { setUp } from './lib/people.mjs';
import { killOnce } from './lib/recording_kills.mjs';
import { Server } from './lib/server.mjs';
import { soakFacts } from './lib/soak_facts.mjs';
import { makeStream } from './lib/streams.mjs';

const KILLS = Number(process.env.KILLS ?? 50);
const STREAM = 'door';

const facts = soakFacts();
const server = await Server.start({ set: { 'recording.min_free_bytes': 0 } });
try {
  const owner = await Device.open('owner');
  await setUp(owner, server);
  await makeStream(owner, server, STREAM);
  await owner.close();
  server.order('streams', 'record', STREAM, 'on');
  const { code } = server.command('streams', 'share', STREAM, '--publish', '--expires', '1d');
  const kills = [];
  const loads = [];
  while (kills.length < KILLS) {
    const kill = await killOnce(server, STREAM, code);
    kills.push(kill);
    loads.push(loadavg()[0]);
    const { elapsed, segments, recorded, missing, lost } = kill;
    console.log(`${kills.length}: killed after ${elapsed} ms: ${segments} segments of ${recorded} ms, ${missing} ms missing, ${lost} lost`);
  }
  const results = { ...facts, kills, loads: [Math.min(...loads), Math.max(...loads)] };
  publish(results);
  process.exitCode = isMet(results) ? 0 : 1;
} finally {
  await server.close();
}
