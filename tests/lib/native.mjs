// A native device: `helio` with a home of its own, its facts read as lines of JSON.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { HELIO } from './server.mjs';

export class NativeDevice {
  #running = new Set();

  #more;

  /// `env` is added to the little that its commands are given.
  constructor(name, { env = {} } = {}) {
    this.name = name;
    this.#more = env;
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
    return { PATH: process.env.PATH, HOME: this.home, RUST_BACKTRACE: '1', ...this.#more };
  }

  async close() {
    for (const run of this.#running) await run.kill();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/// One running command.
export class Run {
  /// What it told so far. `at` is when that was read, in milliseconds on the clock that the pages
  /// of one machine share.
  facts = [];
  #passed = 0;
  #isOver = false;
  #waiting = [];
  errors = '';

  constructor(child) {
    this.child = child;
    this.exited = new Promise((done) => child.once('close', (code, signal) => done(signal ?? code)));
    child.stderr.on('data', (bytes) => { this.errors += bytes; });
    child.stdin.on('error', () => {});
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.facts.push({ ...JSON.parse(line), at: performance.timeOrigin + performance.now() });
      this.#wake();
    });
    void this.exited.then(() => {
      this.#isOver = true;
      this.#wake();
    });
  }

  #wake() {
    this.#waiting.splice(0).forEach((wake) => wake());
  }

  /// Looks again at each fact, until there is something to see.
  async until(look, wanted, { timeout } = {}) {
    let isLate = false;
    const alarm = timeout && setTimeout(() => {
      isLate = true;
      this.#wake();
    }, timeout);
    try {
      for (;;) {
        const seen = look();
        if (seen !== undefined) return seen;
        if (isLate) throw new Error(`no ${wanted} after ${timeout} ms`);
        if (this.#isOver) throw new Error(`ended without ${wanted}: ${await this.exited}\n${this.errors}`);
        await new Promise((wake) => this.#waiting.push(wake));
      }
    } finally {
      clearTimeout(alarm);
    }
  }

  /// The next fact of a kind; those before it are passed over.
  fact(event) {
    return this.until(() => {
      while (this.#passed < this.facts.length) {
        const fact = this.facts[this.#passed];
        this.#passed += 1;
        if (fact.event === event) return fact;
        if (fact.event === 'failed') throw new Error(`not ${event}: ${JSON.stringify(fact)}`);
      }
    }, event);
  }

  /// Types a line.
  type(text) {
    this.child.stdin.write(`${text}\n`);
  }

  /// Exit code and the last fact of a command that ends by itself.
  async end() {
    const code = await this.exited;
    return { code, last: this.facts.slice(this.#passed).at(-1), errors: this.errors };
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

/// Pairs a device that has an account with one that joins it.
export async function pairNatives(inviter, joiner) {
  const inviting = inviter.pair('--invite');
  const joining = joiner.pair((await inviting.fact('invite')).link);
  const { words } = await joining.fact('showing');
  const { sets } = await inviting.fact('choosing');
  inviting.type(sets.indexOf(words) + 1);
  await Promise.all([ended(inviting, 'paired'), ended(joining, 'paired')]);
}

/// Waits for a fact that a command ends well with.
export async function ended(run, event) {
  await run.fact(event);
  const { code, errors } = await run.end();
  if (code !== 0) throw new Error(`${event}, and then ${code}: ${errors}`);
}
