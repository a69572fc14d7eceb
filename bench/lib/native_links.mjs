// Links of native devices, among themselves and with Chromium: round trips, bulk, memory.
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoxAndLaptop } from '../../tests/lib/box_and_laptop.mjs';
import { Server } from '../../tests/lib/server.mjs';
import { openBrowser, sendBare } from './bare_channels.mjs';
import { median, spread, table, verdict } from './figures.mjs';
import { order, startLinkLoad } from './link_load.mjs';
import { cpuSeconds, family, residentBytes, threads } from './processes.mjs';
import { LOAD } from './servers.mjs';

const BULK_BYTES = 200e6;
/** The ceiling takes no disk and no hash, and needs no long look. */
const BARE_BYTES = 50e6;
/** What str0m and Chromium put into one, about. */
const PACKET_BYTES = 1150;
const TEXTS = 1000;
const LINKS = [1, 50, 100];
const IDLE_MS = 5000;
const GOALS = { rttMs: 2, bulkMbps: 200 };
/** One machine stands for many devices. */
const LIMITS = {
  'limits.sockets_per_ip': 100_000,
  'limits.sockets_per_account': 100_000,
  'limits.unauthenticated_sockets': 100_000,
  'limits.turn_allocations_per_device': 4096,
};

/** Everything of this section. */
export async function measureLinks(rounds, say) {
  const directory = mkdtempSync(join(tmpdir(), 'helio-bench-links-'));
  try {
    const file = (name) => writeRandom(join(directory, name));
    const natives = await measureNatives(directory, file, rounds, say);
    const pages = await measurePages(directory, file, rounds, say);
    return { ...natives, pages, bare: await measureBare(rounds, say) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A file that no disk and no hash can shorten. */
function writeRandom(path) {
  writeFileSync(path, randomFillSync(Buffer.allocUnsafe(BULK_BYTES)));
  return path;
}

async function measureNatives(directory, file, rounds, say) {
  const server = await Server.start({ set: LIMITS });
  const runs = [];
  try {
    const homes = join(directory, 'homes');
    const secret = server.setupLink().split('#')[1];
    const words = { origin: server.origin, secret, homes, count: LINKS.at(-1) };
    execFileSync(join(LOAD, 'link_settle'), Object.entries(words).map(([name, value]) => `${name}=${value}`));
    for (const each of ['hub', 'leaves']) runs.push(await startLinkLoad(join(homes, each), join(directory, `to-${each}`)));
    const [hub, leaves] = runs;
    const memory = [{ links: 0, bytes: residentBytes(hub.child.pid) }];
    const open = async (links) => {
      await Promise.all(runs.map((run) => order(run, `open ${links}`, 'open')));
      memory.push({ links, bytes: residentBytes(hub.child.pid) });
      say(`links: ${links} are open, ${(memory.at(-1).bytes / 1e6).toFixed(1)} MB`);
    };
    await open(1);
    const [trips, bulk] = [[], []];
    await order(hub, `say ${TEXTS}`, 'said');
    for (let round = 1; round <= rounds; round += 1) {
      trips.push(await order(hub, `say ${TEXTS}`, 'said'));
      say(`links ${round}/${rounds}: ${TEXTS} texts, p99 ${(trips.at(-1).p99Us / 1000).toFixed(2)} ms`);
      const path = file(`native-${round}`);
      bulk.push(await timed(pids(hub), pids(leaves), BULK_BYTES, () => order(hub, `send ${path}`, 'sent')));
      say(`links ${round}/${rounds}: native to native ${describe(bulk.at(-1))}`);
    }
    for (const links of LINKS.slice(1)) await open(links);
    const before = cpuSeconds(hub.child.pid);
    await new Promise((done) => setTimeout(done, IDLE_MS));
    const idle = (cpuSeconds(hub.child.pid) - before) / (IDLE_MS / 1000) / LINKS.at(-1);
    return { trips, bulk, memory, idle };
  } finally {
    for (const run of runs) await run.kill();
    await server.close();
  }
}

/** A page and a native device: a file each way, each under a name of its own. */
async function measurePages(directory, file, rounds, say) {
  const both = await BoxAndLaptop.pair();
  const { page } = both.laptop;
  let box;
  try {
    box = await startLinkLoad(both.box.home, join(directory, 'to-box'));
    await both.openPage();
    await order(box, 'open 1', 'open');
    await page.getByTestId('tab-files').click();
    const row = (from, name, state) => page.locator(`[data-testid=file][data-from=${from}][data-state=${state}]`, { hasText: name });
    const [native, browser] = [pids(box), () => family(`--user-data-dir=${both.laptop.profile}`)];
    const [toPage, fromPage] = [[], []];
    for (let round = 1; round <= rounds; round += 1) {
      const [there, back] = [`there-${round}.bin`, `back-${round}.bin`];
      box.type(`send ${file(there)}`);
      const accept = row('peer', there, 'offered').getByTestId('file-accept');
      await accept.waitFor();
      toPage.push(await timed(native, browser, BULK_BYTES, async () => {
        await accept.click();
        await box.fact('sent');
      }));
      say(`links ${round}/${rounds}: native to Chromium ${describe(toPage.at(-1))}`);
      await row('peer', there, 'received').getByTestId('file-remove').click();
      const path = file(back);
      fromPage.push(await timed(browser, native, BULK_BYTES, async () => {
        await page.getByTestId('files-input').setInputFiles(path);
        await box.fact('received');
      }));
      say(`links ${round}/${rounds}: Chromium to native ${describe(fromPage.at(-1))}`);
    }
    return { toPage, fromPage };
  } finally {
    await box?.kill();
    await both.close();
  }
}

const pids = (run) => () => [run.child.pid];

/** The same ends with nothing of ours on them. */
async function measureBare(rounds, say) {
  const browser = await openBrowser();
  const runs = { natives: [], toPage: [], fromPage: [], pages: [] };
  const ends = { natives: [], toPage: [null, browser], fromPage: [browser, null], pages: [browser, browser] };
  try {
    for (let round = 1; round <= rounds; round += 1) {
      for (const [name, [from, to]] of Object.entries(ends)) {
        runs[name].push(await sendBare(BARE_BYTES, from, to, timed));
        say(`links ${round}/${rounds}: bare ${name} ${describe(runs[name].at(-1))}`);
      }
    }
    return runs;
  } finally {
    await browser.close();
  }
}

/** Runs a transfer; what it took, and what the processes of each end spent on it, and which thread most. */
async function timed(senders, receivers, bytes, transfer) {
  const spent = () => [cpuSeconds(...senders()), cpuSeconds(...receivers())];
  const each = () => threads(new Set([...senders(), ...receivers()]));
  const [before, threadsBefore, begun] = [spent(), each(), performance.now()];
  await transfer();
  const seconds = (performance.now() - begun) / 1000;
  const perGb = (total, earlier) => ((total - earlier) / bytes) * 1e9;
  const [sender, receiver] = spent().map((total, end) => perGb(total, before[end]));
  const rows = [...each()].map(([id, { name, seconds: total }]) => (
    { name, perGb: perGb(total, threadsBefore.get(id)?.seconds ?? 0) }));
  const busiest = rows.reduce((most, row) => (row.perGb > most.perGb ? row : most));
  return { mbps: (bytes * 8) / 1e6 / seconds, sender, receiver, busiest };
}

function describe({ mbps, sender, receiver, busiest }) {
  const most = `${busiest.name} ${busiest.perGb.toFixed(1)}`;
  return `${mbps.toFixed(0)} Mbit/s, ${sender.toFixed(2)} + ${receiver.toFixed(2)} CPU s/GB, of it ${most}`;
}

export function linksText({ trips, bulk, memory, idle, pages, bare }) {
  const of = (runs, figure, digits) => spread(runs.map(figure), digits);
  const p99 = (trip) => trip.p99Us / 1000;
  const transfers = [
    transfer('file, native → native', bulk),
    transfer('file, native → Chromium', pages.toPage, { goal: GOALS.bulkMbps }),
    transfer('file, Chromium → native', pages.fromPage, { goal: GOALS.bulkMbps }),
    transfer('bare, native → native', bare.natives),
    transfer('bare, native → Chromium', bare.toPage),
    transfer('bare, Chromium → native', bare.fromPage),
    transfer('bare, two pages of one Chromium', bare.pages, { isOneProgram: true }),
  ];
  const [none, one] = memory;
  const most = memory.at(-1);
  const each = (most.bytes - one.bytes) / (most.links - one.links);
  return `Native devices on \`crates/peer\` and a page in Debian's Chromium, each in a process of its own, linked through \`helio serve\` on the same machine and its own LAN address: \`bench/load/src/bin/link_load.rs\` holds the links and says and sends through the public API.

Round trips of the channel \`ctl\`: ${TEXTS} texts, after as many that are not counted, each said when the one before was acknowledged, from the call to its return, so that both devices' queues and tasks are in it. Each device runs on one thread: with more, most of the time is that of one thread waking the other.

${table(['native ↔ native', 'p50', 'p99', 'goal (p99)', ''], [['text and its acknowledgement',
    `${of(trips, (trip) => trip.p50Us / 1000, 2)} ms`, `${of(trips, p99, 2)} ms`, `< ${GOALS.rttMs} ms`, verdict(median(trips.map(p99)), GOALS.rttMs)]])}

*File*: ${BULK_BYTES / 1e6} MB from disk to disk (in the page: to IndexedDB), read, hashed, sealed, sent, stored and checked, from the moment that the receiver wants it to the sender's knowledge that it is stored. *Bare*: ${BARE_BYTES / 1e6} MB over one data channel with nothing of ours around it, messages of the same size, set-up included: str0m in a loop on one thread (\`bench/load/src/bin/bare_channel.rs\`) and a page that counts. Chromium's figures are those of all its processes.

${table(['', 'sender, CPU s per GB', 'receiver, CPU s per GB', 'Mbit/s', `goal`, '', 'busiest thread, CPU s per GB', `cores at ${GOALS.bulkMbps} Mbit/s`], transfers)}

Both ends share this machine's ${availableParallelism()} cores: the last column is what ${GOALS.bulkMbps} Mbit/s take of them, and no thread carries more than one core. What *bare* takes is the ceiling. In Chromium it is a price of packets, about ${Math.round(1e6 / PACKET_BYTES)} thousand per GB and half as many acknowledgements: each passes from the network process to the page's, and there through one thread for its arrival, one for DTLS and SCTP and, once a message is whole, one for JavaScript.

Resident memory of a process that holds links, all open and idle: ${memory.map(({ links, bytes }) => `${(bytes / 1e6).toFixed(1)} MB with ${links}`).join(', ')}. That is ${((one.bytes - none.bytes) / 1e6).toFixed(1)} MB for the first link, with what all of them share, and ${(each / 1e3).toFixed(0)} KB for each further one. An idle link takes ${(idle * 1000).toFixed(1)} ms of processor time a second.`;
}

/** A row of the table of transfers. */
function transfer(what, runs, { goal, isOneProgram = false } = {}) {
  const of = (figure, digits) => spread(runs.map(figure), digits);
  const rate = median(runs.map(({ mbps }) => mbps));
  const both = median(runs.map(({ sender, receiver }) => (isOneProgram ? sender : sender + receiver)));
  const busiest = runs.toSorted((a, b) => a.busiest.perGb - b.busiest.perGb)[runs.length >> 1].busiest;
  return [what, of(({ sender }) => sender, 2), isOneProgram ? 'in that' : of(({ receiver }) => receiver, 2), of(({ mbps }) => mbps, 0),
    goal ? `≥ ${goal}` : '–', goal ? verdict(goal, rate) : '',
    `${busiest.perGb.toFixed(1)} (\`${busiest.name}\`)`, ((both * GOALS.bulkMbps) / 8000).toFixed(2)];
}
