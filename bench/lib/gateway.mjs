// One stream to many viewers, beside a bare str0m forwarder and Janus: processor time per forwarded packet,
// memory per viewer, how soon a viewer sees something.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LAN } from '../../tests/lib/server.mjs';
import { median, spread, table, verdict } from './figures.mjs';
import { openStream } from './people.mjs';
import { packageVersion, runLoad, startBareGateway, startHelio, startJanus } from './servers.mjs';

const LOADS = [600, 2500].flatMap((kbps) => [10, 50, 200].map((viewers) => ({ viewers, kbps, transport: 'udp' })));
/// Neither peer takes media over TCP.
const TCP_LOADS = [10, 50].map((viewers) => ({ viewers, kbps: 600, transport: 'tcp' }));
const SECONDS = 4;
const GOALS = { bare: 1.25, packetMs: 50, pictureMs: 120 };
const STREAM = 'cam0';

const starts = { helio: startOurs, bare: startBare, janus: startPeer };

/** Ours with a public stream and a code to publish to it. */
async function startOurs(data) {
  const server = await startHelio(data);
  return Object.assign(server, { by: 'whip', token: await openStream(server, STREAM) });
}

async function startBare() {
  return Object.assign(await startBareGateway(), { by: 'whip', token: '-' });
}

async function startPeer(data) {
  return Object.assign(await startJanus(data), { by: 'janus', token: '-' });
}

/** Every load on a fresh process of each server, in turns. */
export async function measureGateway(rounds, say) {
  const rows = [...LOADS, ...TCP_LOADS].map((load) => ({ load, ...Object.fromEntries(Object.keys(starts).map((name) => [name, []])) }));
  for (let round = 1; round <= rounds; round += 1) {
    for (const row of rows) {
      for (const [name, start] of Object.entries(starts)) {
        if (row.load.transport === 'tcp' && name !== 'helio') continue;
        const run = await runOnce(start, row.load).catch((error) => say(`${name}: ${error.message.split('\n')[1] ?? error.message}`));
        if (run) row[name].push(run);
      }
      say(`gateway ${round}/${rounds}: ${describe(row.load)}: ${Object.keys(starts)
        .map((name) => `${name} ${row[name].length > 0 ? perMillion(row[name].at(-1)).toFixed(2) : '–'}`).join(', ')} s per million packets`);
    }
  }
  return rows;
}

/** One load on a server with a registry of its own, where it has one. */
async function runOnce(start, load) {
  const data = mkdtempSync(join(tmpdir(), 'helio-bench-'));
  const server = await start(data);
  try {
    const [whip, whep] = ['whip', 'whep'].map((what) => `/${STREAM}/${what}`);
    const { http, by, token } = server;
    return await runLoad('watch_load', server, { server: http, ip: LAN, by, whip, whep, token, seconds: SECONDS, ...load });
  } finally {
    await server.stop();
    rmSync(data, { recursive: true, force: true });
  }
}

/** What ran beside ours. */
export function gatewayPeers() {
  return `str0m 0.25.0, Janus ${packageVersion('janus')}`;
}

const perMillion = (run) => (run.cpuMs / 1000 / run.received) * 1e6;
const lost = (run) => run.missing / (run.received + run.missing);
const perCore = (run, viewers) => viewers / (run.cpuMs / 1000 / run.seconds);
const perViewerKib = (run, viewers) => (run.rssKib - run.rssBeforeKib) / viewers;

function describe({ viewers, kbps, transport }) {
  const rate = kbps < 1000 ? `${kbps} kbit/s` : `${kbps / 1000} Mbit/s`;
  return `${viewers} viewers, ${rate}${transport === 'tcp' ? ', ICE-TCP' : ''}`;
}

export function gatewayText(rows) {
  const names = Object.keys(starts);
  const of = (runs, figure) => median(runs.map(figure));
  // A run in which a viewer saw no whole key frame for 20 s is none.
  const cell = (runs, write) => (runs.length > 0 ? write(runs) : '–');
  const all = (row, figure, write) => names.map((name) => (
    cell(row[name], (runs) => write(of(runs, (run) => figure(run, row.load.viewers)))))).join(' / ');
  const packets = rows.map((row) => {
    const compared = row.bare.length > 0 ? of(row.helio, perMillion) / of(row.bare, perMillion) : null;
    const goal = compared === null ? ['–', '–', ''] : [compared.toFixed(2), `≤ ${GOALS.bare}`, verdict(compared, GOALS.bare)];
    return [describe(row.load), ...names.map((name) => cell(row[name], (runs) => spread(runs.map(perMillion), 2))), ...goal, all(row, lost, (share) => `${(share * 100).toFixed(2)} %`),
      all(row, perViewerKib, (kib) => `${kib.toFixed(0)} KiB`), Math.round(of(row.helio, (run) => perCore(run, row.load.viewers)))];
  });
  const joins = rows.map((row) => {
    const time = (who, what) => (name) => cell(row[name], (runs) => `${of(runs, (run) => run[who][what]).toFixed(0)} ms`);
    const [packet, picture] = ['packetMs', 'pictureMs'].map((what) => (
      Math.max(...['first', 'last'].map((who) => of(row.helio, (run) => run[who][what])))));
    return [describe(row.load), ...['first', 'last'].flatMap((who) => ['packetMs', 'pictureMs'].map((what) => (
      names.map(time(who, what)).join(' / ')))),
    `${verdict(packet, GOALS.packetMs)}, ${verdict(picture, GOALS.pictureMs)}`];
  });
  return `One publisher by WHIP, viewers by WHEP, IPv4 on loopback, UDP or, where a row says so, viewers over TCP connections to the one port, VP8 in 30 frames a second of equal packets; each frame leaves the load as a burst, packet by packet. *Bare* is a loop of str0m in RTP mode that believes everybody and forwards with GSO (\`bench/load/src/bin/bare_gateway.rs\`); it has no key frame to show, limits nothing and counts nothing. *Janus* is Debian's, its video room by its own API, with the modules that this does not need left out. CPU seconds per million packets that arrived at viewers, over ${SECONDS} s with all of them there; *lost* is what no repair brought back; memory is the growth of the process per viewer. A dash is what a peer cannot, or a run in which a viewer of the load saw no whole key frame for 20 s.

${table(['load', 'ours', 'bare', 'Janus', 'ours / bare', 'goal', '', 'lost, ours / bare / Janus', 'memory per viewer, ours / bare / Janus', 'viewers that a core of ours carries'], packets)}

From the request of a viewer to its first packet, and to its first whole key frame, ours / bare / Janus; the goals are ≤ ${GOALS.packetMs} ms and ≤ ${GOALS.pictureMs} ms:

${table(['load', 'first viewer: packet', 'picture', 'last viewer: packet', 'picture', ''], joins)}`;
}
