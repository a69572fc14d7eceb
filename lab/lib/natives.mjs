// `helio` on the device of a site. Each link is a run of `helio message`, each run a link.
import { setTimeout } from 'node:timers/promises';
import { helioOf } from './server.mjs';

/// A link is given this long to open, in milliseconds.
const PATIENCE_MS = 30_000;

/// A device without a browser, and what the matrix asks of every device.
export class Native {
  #run = null;
  #talk = null;
  #said = [];

  static async open(site, name) {
    const native = new Native();
    native.site = site;
    native.device = helioOf(name, { LAB_NAMESPACE: site.namespace });
    return native;
  }

  /// Makes the account.
  async setUp(server) {
    await this.device.pair(server.setupLink()).fact('set-up');
  }

  /// Invites a device; `join` is handed the link and shows the words.
  async invite(server, join) {
    const run = this.device.pair('--invite');
    const words = await join((await run.fact('invite')).link);
    const { sets } = await run.fact('choosing');
    run.type(sets.indexOf(words) + 1);
    return (await run.fact('paired')).pairId;
  }

  /// Joins by an invite's link, and returns the words that it shows.
  async join(link) {
    this.joining = this.device.pair(link);
    return (await this.joining.fact('showing')).words;
  }

  /// Knows that it has joined.
  async joined() {
    return (await this.joining.fact('paired')).pairId;
  }

  /// Leaves the link, so that the next one starts from nothing.
  async rest() {
    clearInterval(this.#talk);
    this.#run?.child.kill('SIGINT');
    await this.#run?.exited;
    this.#run = null;
  }

  /// Starts a link.
  async link(_server, pairId, ...options) {
    this.#run = this.device.start('message', pairId, '--wait', String(PATIENCE_MS / 1000), ...options);
  }

  /// Waits until the link is open, on `path` where that is given.
  async isOpen({ path, timeout = PATIENCE_MS } = {}) {
    const look = () => (this.#last('phase')?.phase === 'open' && (path === undefined || this.#path() === path) ? true : undefined);
    await this.#run.until(look, `open link${path ? ` that is ${path}` : ''}`, { timeout });
  }

  /// `direct` or `relayed`.
  async path() {
    return this.#path();
  }

  /// When the server had this device, when its connection was up and when messages could go:
  /// milliseconds.
  async times() {
    const first = (is) => this.#run.facts.find(({ event, phase }) => event === 'phase' && is(phase))?.at ?? null;
    return {
      ready: first(() => true),
      connected: first((phase) => ['securing', 'open'].includes(phase)),
      open: first((phase) => phase === 'open'),
    };
  }

  /// Has nothing to get ready: it hears texts from the beginning.
  async prepareTalking() {
    this.#said = [];
  }

  /// Says the next number every so many milliseconds. The link was started with `-`.
  async startTalking(everyMs) {
    this.#talk = setInterval(() => {
      this.#run.type(this.#said.length);
      this.#said.push(performance.timeOrigin + performance.now());
    }, everyMs);
  }

  /// The first number that was said after a moment.
  async saidAfter(moment) {
    while (!(this.#said.at(-1) >= moment)) await setTimeout(5);
    return this.#said.findIndex((at) => at >= moment);
  }

  /// When a number had come, or one after it.
  async hasHeard(number) {
    const find = () => this.#run.facts.find(({ event, text }) => event === 'text' && Number(text) >= number);
    return (await this.#run.until(find, `number ${number}`, { timeout: PATIENCE_MS })).at;
  }

  /// Falls silent; returns how many numbers were said.
  async stopTalking() {
    clearInterval(this.#talk);
    return this.#said.length;
  }

  /// The numbers that it was told did not arrive (they may have: the ack got lost).
  async failed() {
    return this.#run.facts.filter(({ event }) => event === 'undelivered').map(({ text }) => Number(text));
  }

  /// All numbers that came, of so many that were said. What does not come in ten seconds is lost.
  async allHeard(said) {
    const heard = () => this.#run.facts.filter(({ event }) => event === 'text').map(({ text }) => Number(text));
    await this.#run.until(() => heard().length >= said || undefined, `${said} texts`, { timeout: 10_000 }).catch(() => {});
    return heard();
  }

  /// Where it stands, for the line of a run that failed.
  async complaint() {
    const { local, remote } = this.#last('path') ?? {};
    const errors = this.#run?.errors.trim().split('\n').at(-1);
    return [this.#last('phase')?.phase ?? 'no phase', local && `${local} to ${remote}`, errors].filter(Boolean).join(' ');
  }

  #last(event) {
    return this.#run?.facts.findLast((fact) => fact.event === event);
  }

  #path() {
    const path = this.#last('path');
    if (path === undefined) return undefined;
    return [path.local, path.remote].includes('relay') ? 'relayed' : 'direct';
  }

  close() {
    return this.device.close();
  }
}
