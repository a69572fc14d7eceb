// Signalling beside a Node `ws` relay and a bare forwarder of bytes: processor time per relayed
// message and per call, memory per idle socket.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';
import { median, spread } from './figures.mjs';
import { People } from './people.mjs';
import { runLoad, startBareForwarder, startHelio, startNodeRelay } from './servers.mjs';

const PAIRS = 1000;
const LOADS = {
  busy: { mode: 'messages', pairs: 200, count: 40_000, pause_ms: 0 },
  paced: { mode: 'messages', pairs: 200, count: 24_000, pause_ms: 100 },
  calls: { mode: 'calls', pairs: 500, count: 500, pause_ms: 0 },
  idle: { mode: 'idle', pairs: PAIRS, count: 0, pause_ms: 0 },
};
const TLS_SOCKETS = 2000;
const OPENING = 32;
const SETTLE_MS = 2000;

/** Every load on a fresh process of each server, in turns, with the same tokens. */
export async function measureSignalling(rounds, say) {
  const dir = mkdtempSync(join(tmpdir(), 'helio-bench-'));
  try {
    const ground = await prepare(dir, say);
    const measured = Object.fromEntries(Object.keys(LOADS).map((name) => [name, { helio: [], node: [], bare: [] }]));
    for (let round = 1; round <= rounds; round += 1) {
      await ground.freshTokens();
      for (const [load, runs] of Object.entries(measured)) {
        for (const [name, start] of Object.entries(ground.starts)) {
          const server = await start();
          try {
            const values = { server: server.http, tokens: ground.tokens, ...LOADS[load] };
            runs[name].push(await runLoad('signal_load', server, values));
          } finally {
            await server.stop();
          }
        }
        say(`signalling ${round}/${rounds}: ${load}: ${Object.entries(runs)
          .map(([name, list]) => `${name} ${figures[load](list.at(-1)).toFixed(2)}`).join(', ')} ${units[load]}`);
      }
    }
    await ground.freshTokens();
    const tls = await measureTls(ground, say);
    return { rows: Object.keys(LOADS).map((load) => summarise(load, measured[load])), tls };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A registry with pairs, and the ways to start each server on it. */
async function prepare(dir, say) {
  const data = join(dir, 'data');
  const [tokens, jwks] = ['tokens', 'jwks.json'].map((name) => join(dir, name));
  const first = await startHelio(data);
  const people = await People.settle(first, PAIRS);
  writeFileSync(jwks, await (await fetch(`${first.origin}/.well-known/jwks.json`)).text());
  await first.stop();
  say(`signalling: ${people.pairs.length} pairs made through the API`);
  return {
    tokens,
    starts: {
      helio: () => startHelio(data),
      node: () => startNodeRelay(jwks, people.audience),
      bare: () => startBareForwarder(),
    },
    startTls: {
      helio: () => startHelio(data, { tls: 'self-signed' }),
      node: () => startNodeRelay(jwks, people.audience, ['leaf.pem', 'leaf.key'].map((name) => join(data, 'tls', name))),
    },
    async freshTokens() {
      const server = await startHelio(data);
      await people.writeTokens(server, tokens, PAIRS);
      await server.stop();
    },
  };
}

const figures = {
  busy: (run) => (run.cpuMs * 1000) / run.relayed,
  paced: (run) => (run.cpuMs * 1000) / run.relayed,
  calls: (run) => run.cpuMs / run.relayed,
  idle: (run) => (run.rssOpenKib - run.rssBeforeKib) / run.sockets,
};
const units = { busy: 'µs', paced: 'µs', calls: 'ms', idle: 'KiB' };
const digits = (unit) => (unit === 'KiB' ? 1 : 2);
const names = {
  busy: 'message, 200 pairs answering each other',
  paced: 'message, 200 pairs, 4000 messages/s',
  calls: 'call: two sockets opened, offer, answer, 10 candidates each way, closed',
  idle: `idle socket of ${PAIRS * 2}, plain, resident memory`,
};
/** Ours over Node's, ours over the bare forwarder's, or ours alone. */
const goals = {
  busy: { node: 0.65, bare: 1.2 },
  paced: { node: 0.65, bare: 1.2 },
  calls: { node: 0.35 },
  idle: { absolute: 10 },
};

function summarise(load, runs) {
  const list = (name) => runs[name].map(figures[load]);
  const of = (name) => median(list(name));
  const spreads = Object.fromEntries(Object.keys(runs).map((name) => [name, spread(list(name), digits(units[load]))]));
  return { what: names[load], unit: units[load], helio: of('helio'), node: of('node'), bare: of('bare'), spreads, goals: goals[load] };
}

/** Memory of idle sockets over TLS, opened by Node's own client. */
async function measureTls(ground, say) {
  const tokens = readFileSync(ground.tokens, 'utf8').trim().split('\n').flatMap((line) => line.split(' ').slice(1));
  const row = { what: `idle socket of ${TLS_SOCKETS}, TLS, resident memory`, unit: 'KiB', goals: { absolute: 18 } };
  for (const [name, start] of Object.entries(ground.startTls)) {
    const server = await start();
    try {
      const before = rssKib(server.pid);
      const sockets = await openAll(server.http, tokens.slice(0, TLS_SOCKETS));
      await new Promise((done) => setTimeout(done, SETTLE_MS));
      row[name] = (rssKib(server.pid) - before) / sockets.length;
      for (const socket of sockets) socket.terminate();
    } finally {
      await server.stop();
    }
  }
  row.spreads = { helio: row.helio.toFixed(1), node: row.node.toFixed(1) };
  say(`signalling: idle over TLS: helio ${row.helio.toFixed(1)}, node ${row.node.toFixed(1)} KiB`);
  return row;
}

async function openAll(host, tokens) {
  const sockets = [];
  const waiting = [...tokens];
  await Promise.all(Array.from({ length: OPENING }, async () => {
    for (let token = waiting.shift(); token; token = waiting.shift()) {
      const headers = { authorization: `Bearer ${token}` };
      const socket = new WebSocket(`wss://${host}/api/signal`, { headers, rejectUnauthorized: false, perMessageDeflate: false });
      await new Promise((done, fail) => socket.once('message', done).once('error', fail));
      sockets.push(socket);
    }
  }));
  return sockets;
}

function rssKib(pid) {
  return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}
