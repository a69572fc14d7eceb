// TURN beside coturn: processor time per relayed packet, memory per allocation, size of replies.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, spread } from './figures.mjs';
import { PEER_IP, REALM, runLoad, SECRET, startCoturn, startHelio } from './servers.mjs';

const BYTES = [200, 1000];
const ALLOCATIONS = [10, 100, 1000];
const BUSY_PACKETS = 160_000;
const LIGHT = { allocations: 10, rate: 2000, packets: 12_000 };
const GOALS = { busy: 0.5, light: 0.65, memoryMb: 10 };

const starts = { helio: startHelio, coturn: startCoturn };

function loads() {
  const light = BYTES.map((bytes) => ({ mode: 'light', bytes, ...LIGHT }));
  const busy = ALLOCATIONS.flatMap((allocations) => BYTES.map((bytes) => (
    { mode: 'busy', bytes, allocations, rate: 1, packets: BUSY_PACKETS })));
  return [...light, ...busy];
}

/** Every load on a fresh process of each server, in turns. */
export async function measureTurn(rounds, say) {
  const data = mkdtempSync(join(tmpdir(), 'helio-bench-'));
  const measured = loads().map((load) => ({ load, helio: [], coturn: [] }));
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const row of measured) {
        for (const [name, start] of Object.entries(starts)) {
          const server = await start(data);
          try {
            const values = { server: server.turn, realm: REALM, secret: SECRET, peer_ip: PEER_IP, ...row.load };
            row[name].push(await runLoad('turn_load', server, values));
          } finally {
            await server.stop();
          }
        }
        say(`turn ${round}/${rounds}: ${describe(row.load)}: ${Object.keys(starts)
          .map((name) => `${name} ${perMillion(row[name].at(-1)).toFixed(2)}`).join(', ')} s per million packets`);
      }
    }
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
  return report(measured);
}

const relayed = (run) => run.atPeer + run.returned;
const perMillion = (run) => (run.cpuMs / 1000 / relayed(run)) * 1e6;
const lost = (run) => 1 - run.returned / run.sent;
const perSecond = (run) => relayed(run) / run.seconds;
const of = (runs, figure) => median(runs.map(figure));

function describe({ mode, allocations, bytes, rate }) {
  const how = mode === 'busy' ? 'busy' : `light, ${rate} packets/s sent`;
  return `${how}, ${allocations} allocations, ${bytes} B`;
}

function report(measured) {
  const packets = measured.map(({ load, helio, coturn }) => {
    const [ours, peer] = [of(helio, perMillion), of(coturn, perMillion)];
    return {
      what: describe(load),
      ours: spread(helio.map(perMillion), 2),
      peer: spread(coturn.map(perMillion), 2),
      ratio: ours / peer,
      goal: GOALS[load.mode],
      lost: [helio, coturn].map((runs) => `${(of(runs, lost) * 100).toFixed(2)} %`).join(' / '),
      pace: [helio, coturn].map((runs) => `${Math.round(of(runs, perSecond) / 1000)} k`).join(' / '),
    };
  });
  const large = measured.filter(({ load }) => load.allocations === 1000);
  const memory = Object.keys(starts).map((name) => {
    const runs = large.flatMap((row) => row[name]);
    const mb = (kib) => (kib * 1024) / 1e6;
    const [before, after] = ['rssBeforeKib', 'rssAllocatedKib'].map((key) => mb(of(runs, (run) => run[key])));
    return { name, before, after, growth: after - before };
  });
  const replies = Object.keys(starts).map((name) => ({ name, sizes: measured[0][name][0].replies }));
  return { packets, memory, replies, goalMb: GOALS.memoryMb };
}
