// Starts the real program on free ports and an empty data directory, and stops it by pid.
import { spawn, spawnSync, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const HELIO = resolve(process.env.HELIO ?? '../target/debug/helio');

/// The address that browsers reach the server by: of the test's own namespace where there is one.
export const LAN = process.env.HELIO_TEST_LAN ?? firstAddress();

function firstAddress() {
  const addresses = Object.values(networkInterfaces()).flat();
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/// Whether a server can be given a disk of its own.
export const CAN_MOUNT = spawnSync('unshare', ['--mount', 'true']).status === 0;

/// A disk of so many MiB, in memory, for the recordings of one server. It is empty after a restart.
export class SmallDisk {
  constructor(mebibytes) {
    this.at = mkdtempSync(join(tmpdir(), 'helio-disk-'));
    const mount = `mount -t tmpfs -o size=${mebibytes}m tmpfs '${this.at}' && exec "$@"`;
    /// What starts a program that sees it.
    this.launcher = ['unshare', '--mount', 'sh', '-c', mount, 'sh'];
  }

  /// The disk as everybody else finds it.
  seen(server) {
    return `/proc/${server.pid}/root${this.at}`;
  }
}

/// A running server. `origin` is what people open.
export class Server {
  #child;
  #disk;
  #exited;
  log = '';

  /// `set` holds configuration keys over what a test run needs; `disk` is for the recordings.
  static async start({ data, set = {}, host = LAN, port, env = {}, disk } = {}) {
    if (!existsSync(HELIO)) throw new Error(`no program at ${HELIO}: build it, or name it in HELIO`);
    const server = new Server();
    server.isOwnData = data === undefined;
    server.data = data ?? mkdtempSync(join(tmpdir(), 'helio-test-'));
    server.port = port ?? await freePort();
    server.turnPort = await freePort();
    server.origin = new URL(`https://${host}:${server.port}`).origin;
    server.metrics = `127.0.0.1:${await freePort()}`;
    server.env = env;
    server.#disk = disk;
    server.set = {
      'http.listen': `["${LAN}:${server.port}", "127.0.0.1:${server.port}"]`,
      'http.public_origins': `["${server.origin}"]`,
      'media.listen': `["${LAN}:${server.port}"]`,
      'turn.listen': `["${LAN}:${server.turnPort}"]`,
      'turn.tls_listen': '[]',
      'turn.relay_ip': `["${LAN}"]`,
      'metrics.listen': `"${server.metrics}"`,
      'limits.connects_per_ip_per_minute': 6000,
      ...(disk && { 'recording.dir': `"${disk.at}"` }),
      ...set,
    };
    await server.run();
    return server;
  }

  get pid() {
    return this.#child.pid;
  }

  /// Where the folders of recorded streams are.
  get recordings() {
    return this.#disk?.seen(this) ?? join(this.data, 'recordings');
  }

  arguments() {
    return ['--data', this.data, ...Object.entries(this.set).flatMap(([key, value]) => ['--set', `${key}=${value}`])];
  }

  async run() {
    const [program, ...words] = [...(this.#disk?.launcher ?? []), HELIO, 'serve', ...this.arguments()];
    this.#child = spawn(program, words, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.env },
    });
    this.#exited = new Promise((done) => this.#child.once('exit', done));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (bytes) => { this.log += bytes; });
    }
    const gone = this.#exited.then((code) => { throw new Error(`helio exited with ${code}:\n${this.log}`); });
    await Promise.race([this.#ready(), gone]);
    gone.catch(() => {});
  }

  async #ready() {
    for (;;) {
      if (await this.get('/readyz').then((reply) => reply.status === 200, () => false)) return;
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  /// A request that accepts the self-signed certificate of this server alone.
  get(path) {
    return request(this.origin + path);
  }

  /// Waits until the log says so.
  async logged(pattern) {
    const gone = this.#exited.then(() => true);
    while (!pattern.test(this.log)) {
      const isOver = await Promise.race([gone, new Promise((done) => setTimeout(done, 50))]);
      if (isOver) throw new Error(`helio is gone and never said ${pattern}`);
    }
  }

  /// Runs a command of the program on this server's data and returns its JSON.
  command(...words) {
    return JSON.parse(execFileSync(HELIO, [...words, '--json', ...this.arguments()], { encoding: 'utf8' }));
  }

  /// Runs a command that answers in words for people.
  order(...words) {
    return execFileSync(HELIO, [...words, ...this.arguments()], { encoding: 'utf8' });
  }

  setupLink() {
    return this.command('setup').url;
  }

  async stop(signal = 'SIGTERM') {
    this.#child.kill(signal);
    await this.#exited;
  }

  async restart(signal = 'SIGTERM') {
    await this.stop(signal);
    await this.run();
  }

  async close() {
    await this.stop();
    if (this.isOwnData) rmSync(this.data, { recursive: true, force: true });
    if (this.#disk) rmSync(this.#disk.at, { recursive: true, force: true });
  }
}

async function request(url) {
  const { get } = await import('node:https');
  return new Promise((done, fail) => {
    // A connection of its own: one that is kept may have been closed while a test was busy.
    get(url, { rejectUnauthorized: false, family: 4, agent: false }, (reply) => {
      let body = '';
      reply.on('data', (bytes) => { body += bytes; });
      reply.on('end', () => done({ status: reply.statusCode, headers: reply.headers, body }));
    }).on('error', fail);
  });
}
