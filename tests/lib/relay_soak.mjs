// Native devices that talk and show each other pictures over the server's own relay, for as long
// as one likes, and what became of it.
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { losingAnyOf } from './lossy.mjs';
import { ended, NativeDevice, pairNatives } from './native.mjs';
import { Server } from './server.mjs';

const TEXT_EVERY_MS = 100;
const STILL_EVERY_SECONDS = 3;
const STALL_MS = 1000;
/// The programs that run.
const NAMES = ['server', 'message, box', 'message, laptop', 'send', 'receive'];
/// A text is given up after 3 s, and a still is asked for until the next one.
const AFTERMATH_MS = 5000;

/// A box that talks with a laptop and sends stills to a screen; no device tells its addresses, so
/// both links go from relay to relay.
export class RelaySoak {
  /// `set` is configuration of the server.
  static async open({ set = {} } = {}) {
    const soak = new RelaySoak();
    soak.server = await Server.start({ set });
    soak.devices = ['box', 'laptop', 'screen'].map((name) => new NativeDevice(name));
    const [box, laptop, screen] = soak.devices;
    await ended(box.pair(soak.server.setupLink()), 'set-up');
    for (const joiner of [laptop, screen]) await pairNatives(box, joiner);
    const over = ['--paths', 'relay', '--wait', '60'];
    soak.talking = [box.start('message', 'laptop', '-', ...over), laptop.start('message', 'box', '-', ...over)];
    soak.sending = box.start('send', 'screen', '--every', String(STILL_EVERY_SECONDS), ...over);
    soak.receiving = screen.start('receive', 'box', ...over);
    await Promise.all(soak.commands.map((run) => run.fact('linked')));
    return soak;
  }

  get commands() {
    return [...this.talking, this.sending, this.receiving];
  }

  /// Goes on for so long while of a hundred datagrams so many are lost, wherever they come in.
  /// Returns what became of it. `say` is told how it goes.
  async run(ms, { percent, sampleMs, say = () => {} }) {
    const loads = [];
    let start;
    const memory = this.#programs().map(([who]) => ({ who, samplesMb: [] }));
    const said = this.talking.map(() => []);
    const packets = await losingAnyOf(percent, async () => {
      start = now();
      const timer = setInterval(() => this.#talk(said), TEXT_EVERY_MS);
      try {
        for (let due = 0; due <= ms; due += sampleMs) {
          await setTimeout(Math.max(0, start + due - now()));
          this.#sample(memory);
          loads.push(loadavg()[0]);
          const resident = memory.map(({ who, samplesMb }) => `${who} ${samplesMb.at(-1).toFixed(1)} MB`);
          say(`${Math.round(due / 1000)} s: ${resident.join(', ')}; ${said[0].length + said[1].length} texts said`);
        }
      } finally {
        clearInterval(timer);
      }
      await setTimeout(AFTERMATH_MS);
    });
    const figures = { minutes: ms / 60_000, percent, packets, sampleMs, texts: this.#talked(said), stills: this.#shown(), memory };
    return { ...figures, paths: this.#paths(), loads: [Math.min(...loads), Math.max(...loads)], stalls: this.#stalls(start), reconnections: this.#reconnections(start) };
  }

  #programs() {
    return [this.server.pid, ...this.commands.map(({ child }) => child.pid)].map((pid, i) => [NAMES[i], pid]);
  }

  #sample(memory) {
    for (const [i, { child, errors, facts }] of this.commands.entries()) {
      if (child.exitCode === null && child.signalCode === null) continue;
      const last = facts.slice(-3).map((fact) => JSON.stringify(fact)).join(' ');
      throw new Error(`${NAMES[1 + i]} ended with ${child.signalCode ?? child.exitCode}: ${errors} ${last}`);
    }
    for (const [i, [, pid]] of this.#programs().entries()) memory[i].samplesMb.push(residentMb(pid));
  }

  #talk(said) {
    for (const [i, run] of this.talking.entries()) {
      run.type(said[i].length);
      said[i].push(now());
    }
  }

  /// Both ways together. A gap is the time from a text that came to the next one; a pause is that
  /// between two that were said, and more than `everyMs` only where this machine was busy.
  #talked(said) {
    const came = this.talking.map(({ facts }) => facts.filter(({ event }) => event === 'text'));
    const waits = came.flatMap((texts, i) => texts.map(({ text, at }) => at - said[1 - i][Number(text)])).sort((a, b) => a - b);
    const total = said[0].length + said[1].length;
    const distinct = came.reduce((sum, texts) => sum + new Set(texts.map(({ text }) => text)).size, 0);
    const at = (share) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))];
    return {
      everyMs: TEXT_EVERY_MS,
      said: total,
      lost: total - distinct,
      doubled: waits.length - distinct,
      undelivered: this.#counted('undelivered'),
      medianMs: at(0.5),
      p99Ms: at(0.99),
      longestMs: at(1),
      longestGapMs: Math.max(...came.map((texts) => longestGap(texts.map((text) => text.at)))),
      longestPauseMs: Math.max(...said.map(longestGap)),
    };
  }

  /// The last still may be under way.
  #shown() {
    const sent = this.sending.facts.filter(({ event }) => event === 'still');
    const came = this.receiving.facts.filter(({ event }) => event === 'still');
    const heard = new Set(came.map(({ seq }) => seq));
    const shown = sent.flatMap(({ shownMs }) => shownMs ?? []).sort((a, b) => a - b);
    return {
      everySeconds: STILL_EVERY_SECONDS,
      sent: sent.length,
      unconfirmed: sent.length - shown.length,
      lost: sent.filter(({ seq }) => !heard.has(seq)).length,
      doubled: came.length - heard.size,
      repaired: sent.filter(({ resends }) => resends > 0).length,
      medianMs: shown[Math.floor(shown.length / 2)],
      longestMs: shown.at(-1),
      longestGapMs: longestGap(came.map(({ at }) => at)),
    };
  }

  /// The kinds of path that each link took. A link may go from one relayed address to a better one.
  #paths() {
    const kinds = ({ facts }) => facts.flatMap(({ event, local, remote }) => (event === 'path' ? [`${local}-${remote}`] : []));
    return this.commands.map((run) => [...new Set(kinds(run))]);
  }

  /// Times without a text that were longer than a second: when each ended, and how long it was.
  #stalls(start) {
    return this.talking.flatMap(({ facts }, i) => {
      const times = facts.filter(({ event }) => event === 'text').map(({ at }) => at);
      const ended = times.flatMap((at, j) => (j > 0 && at - times[j - 1] > STALL_MS ? [{ at, ms: Math.round(at - times[j - 1]) }] : []));
      return ended.map(({ at, ms }) => ({ who: NAMES[1 + i], second: Math.round((at - start) / 1000), ms }));
    });
  }

  /// When which link was without a path.
  #reconnections(start) {
    return this.commands.flatMap(({ facts }, i) => {
      const lost = facts.filter(({ event, phase }) => event === 'phase' && phase === 'reconnecting');
      return lost.map(({ at }) => ({ who: NAMES[1 + i], second: Math.round((at - start) / 1000) }));
    });
  }

  #counted(event) {
    return this.commands.flatMap(({ facts }) => facts).filter((fact) => fact.event === event).length;
  }

  async close() {
    for (const device of this.devices) await device.close();
    await this.server.close();
  }
}

/// Of a series of samples: how much the last tenth is above what came after a first part.
export function growthMb(samplesMb, warmUpShare) {
  const tenth = Math.ceil(samplesMb.length / 10);
  const from = Math.floor(samplesMb.length * warmUpShare);
  const mean = (part) => part.reduce((sum, mb) => sum + mb, 0) / part.length;
  return mean(samplesMb.slice(-tenth)) - mean(samplesMb.slice(from, from + tenth));
}

function residentMb(pid) {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
}

function longestGap(times) {
  return times.reduce((longest, at, i) => (i === 0 ? 0 : Math.max(longest, at - times[i - 1])), 0);
}

function now() {
  return performance.timeOrigin + performance.now();
}
