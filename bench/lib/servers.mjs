// The servers that are measured: each on its own port of loopback, stopped by its pid.
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { LAN } from '../../tests/lib/server.mjs';

export const { HELIO, LOAD } = process.env;
export const SECRET = 'a secret of the benchmark';
export const REALM = 'bench';
/** No address of an interface, so that it is a peer like any other; still loopback. */
export const PEER_IP = '127.0.0.2';

const HOST = '127.0.0.1';
const PATIENCE_MS = 30_000;

export async function freePort() {
  const server = createServer().listen(0, HOST);
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

class Child {
  constructor(program, words, options = {}) {
    this.log = '';
    this.process = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.exited = new Promise((done) => this.process.once('exit', done));
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (bytes) => {
        if (this.log.length < 64 * 1024) this.log += bytes;
      });
    }
  }

  get pid() {
    return this.process.pid;
  }

  /** Polls until `isReady` holds, or fails with what the program said. */
  async until(isReady) {
    const end = Date.now() + PATIENCE_MS;
    while (!(await isReady())) {
      if (this.process.exitCode !== null || Date.now() > end) throw new Error(`${this.process.spawnfile}:\n${this.log}`);
      await new Promise((done) => setTimeout(done, 50));
    }
    return this;
  }

  async stop() {
    this.process.kill('SIGTERM');
    await this.exited;
  }
}

/** `helio serve`. Limits that one load from one address would meet are raised, nothing else. */
export async function startHelio(data, { tls = 'off' } = {}) {
  const [http, turn] = [await freePort(), await freePort()];
  const origin = `${tls === 'off' ? 'http' : 'https'}://localhost:${http}`;
  const set = {
    'http.listen': `["${HOST}:${http}"]`,
    'http.tls': `"${tls}"`,
    'http.public_origins': '["http://localhost"]',
    'media.listen': `["${HOST}:${http}"]`,
    'turn.listen': `["${HOST}:${turn}"]`,
    'turn.tls_listen': '[]',
    'turn.realm': `"${REALM}"`,
    'turn.secrets': `["${SECRET}"]`,
    'turn.relay_ip': `["${HOST}"]`,
    'turn.allow_peers': `["${PEER_IP}/32"]`,
    'metrics.listen': '""',
    'limits.connects_per_ip_per_minute': 1_000_000,
    'limits.sockets_per_ip': 100_000,
    'limits.sockets_per_account': 100_000,
    'limits.unauthenticated_sockets': 100_000,
    'limits.messages_per_second': 1_000_000,
    'limits.messages_burst': 1_000_000,
    'limits.turn_allocations_per_device': 4096,
    'limits.turn_bytes_per_second': 0,
  };
  const words = ['--data', data, ...Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${value}`])];
  const child = new Child(HELIO, ['serve', ...words]);
  // The certificate is its own CA's, and this is loopback.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  await child.until(() => fetch(`${origin}/readyz`).then(({ ok }) => ok, () => false));
  return Object.assign(child, {
    origin,
    http: `${HOST}:${http}`,
    turn: `${HOST}:${turn}`,
    command: (...what) => JSON.parse(execFileSync(HELIO, [...what, '--json', ...words], { encoding: 'utf8' })),
  });
}

/** Debian's coturn, as its package starts it but for what a loopback needs. */
export async function startCoturn(data) {
  const port = await freePort();
  const child = new Child('turnserver', [
    '-n', '--no-cli', '--no-tls', '--no-dtls', '--no-software-attribute', '--log-file=/dev/null',
    '--use-auth-secret', `--static-auth-secret=${SECRET}`, `--realm=${REALM}`,
    `--listening-ip=${HOST}`, `--listening-port=${port}`, `--relay-ip=${HOST}`, '--allow-loopback-peers',
    `--pidfile=${join(data, 'coturn.pid')}`, `--userdb=${join(data, 'coturn.db')}`,
  ]);
  await child.until(() => answersBinding(port));
  return Object.assign(child, { turn: `${HOST}:${port}` });
}

/** One STUN binding request (RFC 8489). */
function answersBinding(port) {
  const request = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');
  const socket = createSocket('udp4');
  return new Promise((done) => {
    const end = (answer) => {
      clearTimeout(timer);
      socket.close();
      done(answer);
    };
    const timer = setTimeout(() => end(false), 300);
    socket.once('message', () => end(true));
    socket.once('error', () => end(false));
    socket.send(request, port, HOST);
  });
}

/** The relay on Node; `jwks` is a file with the keys that our tokens are signed with. */
export function startNodeRelay(jwks, audience, tls = []) {
  const relay = new URL('../node_relay.mjs', import.meta.url).pathname;
  return startPrinting(process.execPath, [relay, jwks, audience, ...tls]);
}

export function startBareForwarder() {
  return startPrinting(join(LOAD, 'bare_forwarder'), []);
}

export function startBareGateway() {
  return startPrinting(join(LOAD, 'bare_gateway'), []);
}

/** Debian's Janus with its video room and its HTTP transport, as they come but for the ports. */
export async function startJanus(data) {
  const [http, etc] = [await freePort(), join(data, 'janus')];
  mkdirSync(etc, { recursive: true });
  const files = {
    'janus.jcfg': `general: { debug_level = 1, session_timeout = 0 }
media: { }
nat: { ice_enforce_list = "${LAN}" }
plugins: { disable = "${others('plugins', 'libjanus_videoroom.so')}" }
transports: { disable = "${others('transports', 'libjanus_http.so')}" }`,
    'janus.plugin.videoroom.jcfg': 'general: { }',
    'janus.transport.http.jcfg': `general: { json = "compact", base_path = "/janus", http = true, port = ${http}, ip = "${HOST}", https = false }
admin: { admin_http = false, admin_https = false }`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(etc, name), text);
  const child = new Child('janus', ['--configs-folder', etc, '--disable-colors']);
  await child.until(() => fetch(`http://${HOST}:${http}/janus/info`).then(({ ok }) => ok, () => false));
  return Object.assign(child, { http: `${HOST}:${http}` });
}

/** Its modules of a kind but one. */
function others(kind, needed) {
  const names = readdirSync(`/usr/lib/x86_64-linux-gnu/janus/${kind}`);
  return names.filter((name) => name.endsWith('.so') && name !== needed).join(',');
}

async function startPrinting(program, words) {
  const child = new Child(program, words);
  const address = () => /listening on (\S+)/.exec(child.log)?.[1];
  await child.until(() => address() !== undefined);
  return Object.assign(child, { http: address() });
}

/** Runs a load on a server and returns what it prints. */
export function runLoad(program, server, values) {
  const words = Object.entries({ pid: server.pid, ...values }).map(([name, value]) => `${name}=${value}`);
  const child = new Child(join(LOAD, program), words);
  return child.exited.then((code) => {
    if (code !== 0) throw new Error(`${program} ${words.join(' ')}:\n${child.log}`);
    return JSON.parse(child.log);
  });
}

/** Debian's version of a package. */
export function packageVersion(name) {
  return execFileSync('dpkg-query', ['--show', '--showformat=${Version}', name], { encoding: 'utf8' });
}

export function readCpuModel() {
  return /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';
}
