// A native device: `helio` with a home of its own, its facts read as lines of JSON.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HELIO } from './server.mjs';

export class NativeDevice {
  #running = new Set();

  constructor(name) {
    this.name = name;
    this.home = mkdtempSync(join(tmpdir(), 'helio-home-'));
  }

  /// Starts `helio` with these words.
  start(...words) {
    const run = new Run(spawn(HELIO, [...words, '--json', '--home', this.home], { stdio: 'pipe', env: this.#env() }));
    this.#running.add(run);
    void run.exited.then(() => this.#running.delete(run));
    return run;
  }

  /// Starts `helio pair` with these words.
  pair(...words) {
    return this.start('pair', ...words, '--name', this.name, '--kind', 'box');
  }

  /// Runs a command that lists, and returns its JSON.
  list(what) {
    const { status, stdout, stderr } = spawnSync(HELIO, [what, '--json', '--home', this.home], { encoding: 'utf8', env: this.#env() });
    if (status !== 0) throw new Error(`helio ${what}: ${status}\n${stderr}`);
    return JSON.parse(stdout);
  }

  #env() {
    return { PATH: process.env.PATH, HOME: this.home, RUST_BACKTRACE: '1' };
  }

  async close() {
    for (const run of this.#running) await run.kill();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/// One running command.
export class Run {
  #told = [];
  #waiting = [];
  errors = '';

  constructor(child) {
    this.child = child;
    this.exited = new Promise((done) => child.once('close', (code, signal) => done(signal ?? code)));
    child.stderr.on('data', (bytes) => { this.errors += bytes; });
    child.stdin.on('error', () => {});
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#told.push(JSON.parse(line));
      this.#waiting.splice(0).forEach((wake) => wake());
    });
    void this.exited.then(() => this.#waiting.splice(0).forEach((wake) => wake()));
  }

  /// The next fact of a kind; those before it are passed over.
  async fact(event) {
    let isOver = false;
    void this.exited.then(() => { isOver = true; });
    for (;;) {
      while (this.#told.length > 0) {
        const fact = this.#told.shift();
        if (fact.event === event) return fact;
        if (fact.event === 'failed') throw new Error(`not ${event}: ${JSON.stringify(fact)}`);
      }
      if (isOver) throw new Error(`ended without ${event}: ${await this.exited}\n${this.errors}`);
      await new Promise((wake) => this.#waiting.push(wake));
    }
  }

  /// Types a line.
  type(text) {
    this.child.stdin.write(`${text}\n`);
  }

  /// Exit code and the last fact of a command that ends by itself.
  async end() {
    const code = await this.exited;
    return { code, last: this.#told.at(-1), errors: this.errors };
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
