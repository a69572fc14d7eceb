// docs/benchmarks.md, from what was measured and nothing else.
import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { table, verdict } from './figures.mjs';
import { HELIO, readCpuModel } from './servers.mjs';

const ratio = (figure) => figure.toFixed(2);

/** What stands before and after the sections. */
export function frame() {
  return {
    intro: `# Benchmarks

Written by \`make bench\`; nothing here is typed by hand. Each section says of which run it is. Ours and the peers run in turns in one run, each time a fresh process, and the same load goes to each. A figure is the median of the rounds, with the least and the most in brackets; a ratio is that of the medians. What is measured is processor time of the processes that a row is about, user and system (\`/proc/PID/stat\`), per unit of work, since that says what a machine can carry. It still depends on what else runs there: the brackets and the load average say how far to trust a row.`,
    last: {
      Again: `\`\`\`
make bench                              # builds, measures, writes this file
HELIO=path bench/run.sh                 # measures another build
BENCH_ROUNDS=5 bench/run.sh
BENCH_ONLY='setup links' bench/run.sh   # writes these sections, and keeps the others
\`\`\`
The loads are \`bench/load\` (\`turn_load\`, \`signal_load\`, \`watch_load\`, \`link_load\`), the peers \`bench/node_relay.mjs\`, \`bare_forwarder\` and \`bare_gateway\` in \`bench/load/src/bin\`, and Debian's \`turnserver\`; how each is started stands in \`bench/lib/servers.mjs\`.`,
    },
  };
}

/** What a section's run was. */
export function facts({ rounds, loads, minutes, peers }) {
  const version = execFileSync(HELIO, ['--version'], { encoding: 'utf8' }).trim();
  const cores = os.availableParallelism();
  const when = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const span = [Math.min(...loads), Math.max(...loads)].map((load) => load.toFixed(1)).join(' to ');
  return [
    `> ${version}, release build, ${process.env.BENCH_COMMIT}${peers ? `; ${peers}` : ''}`,
    `${cores} cores, ${readCpuModel()}, Linux ${os.release().split('-')[0]}`,
    `${when} UTC, ${minutes.toFixed(1)} minutes, ${rounds} rounds`,
    `load average (1 minute) ${span}, the benchmark's own programs included`,
  ].join('; ');
}

export function turnText({ packets, memory, replies, goalMb }) {
  const [ours, peer] = memory;
  const mb = (figure) => `${figure.toFixed(1)} MB`;
  const rows = packets.map((row) => [row.what, row.ours, row.peer, ratio(row.ratio),
    `≤ ${row.goal}`, verdict(row.ratio, row.goal), row.lost, row.pace]);
  return `CPU seconds per million relayed packets. ChannelData over UDP and IPv4; a peer sends each packet back, and each direction counts as one. *Busy*: frames of 8 packets, 8 frames in flight over the clients in turn, as fast as they return. *Light*: single packets at even distances. The load sends every packet by itself, so no server is handed batches that the kernel made.

${table(['load', 'ours', 'coturn', 'ratio', 'goal', '', 'lost, ours / coturn', 'relayed a second, ours / coturn'], rows)}

Resident memory of the whole process, ours with registry, pages and signalling in it:

${table(['', 'without clients', 'with 1000 allocations', 'growth'], memory.map((row) => [
    row.name, mb(row.before), mb(row.after), mb(row.growth)]))}

The goal is ≤ ${goalMb} MB at 1000 allocations: ${verdict(ours.growth, goalMb)} by what the allocations add (coturn's add ${mb(peer.growth)}), ${verdict(ours.after, goalMb)} by the whole process.

Replies to requests that nobody signed, bytes of request → reply (an amplifier would show here):

${table(['', ...replies[0].sizes.map(({ name }) => name)], replies.map(({ name, sizes }) => [
    name, ...sizes.map(({ request, reply }) => `${request} → ${reply}`)]))}`;
}

export function signallingText({ rows, tls }) {
  const cell = (text, unit) => (text === undefined ? '–' : `${text} ${unit}`);
  const lines = [...rows, tls].map((row) => {
    const against = { node: row.helio / row.node, bare: row.helio / row.bare };
    const judged = Object.entries(row.goals).map(([name, goal]) => (name === 'absolute'
      ? `≤ ${goal} ${row.unit}: ${verdict(row.helio, goal)}`
      : `≤ ${goal} × ${name}: ${verdict(against[name], goal)}`));
    return [row.what, cell(row.spreads.helio, row.unit), cell(row.spreads.node, row.unit), cell(row.spreads.bare, row.unit),
      ratio(against.node), Number.isNaN(against.bare) ? '–' : ratio(against.bare), judged.join('; ')];
  });
  return `\`/api/signal\` over plain WebSockets on loopback, with link tokens of pairs that two devices signed, made through the API. *Node* is a relay on \`ws\` that verifies the same tokens, parses each message, checks its pair, sets its sender and relays it; it has no registry, limits or counters. *Bare* is tokio-tungstenite with the same 4 KiB buffers that passes bytes on and checks nothing, tokens neither. Our limits of rates and of sockets from one address are raised, since the load is one address.

${table(['per', 'ours', 'Node', 'bare', 'ours / Node', 'ours / bare', 'goal'], lines)}

Messages are candidates of about 300 bytes; a call's offer and answer hold 5000 bytes of SDP. Ours looks up the pair in the registry for every socket; the peers do not. Opening the sockets is part of a call and no part of a message. The idle sockets over TLS are measured once, after the rounds.`;
}
