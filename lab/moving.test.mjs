// A file goes on while its sender moves from network to network.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { KINDS } from './lib/kinds.mjs';
import { Laboratory } from './lib/laboratory.mjs';
import { Native } from './lib/natives.mjs';

const MEGABYTES = 48;
/// What SCTP has under way at most goes with each round trip, so that the file takes its time.
const DELAY_MS = 30;
/// Where the sender is when it has sent so much of the file, in megabytes.
const MOVES = [
  [6, KINDS['full cone']],
  [14, KINDS['UDP blocked']],
  [24, KINDS['port-restricted']],
  [36, KINDS['port-restricted']],
];
const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

describe('a device that sends a file and moves', { timeout: 180_000 }, () => {
  let laboratory, directory;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'helio-moving-'));
    laboratory = await Laboratory.open({ delayMs: DELAY_MS });
    await laboratory.pair(Native, Native);
  });

  after(async () => {
    await laboratory?.close();
    await rm(directory, { recursive: true, force: true });
  });

  test('sends each byte once, over direct and relayed paths, and the file is whole', async (t) => {
    const { devices: [sender, receiver], sites, pairId } = laboratory;
    await Promise.all(sites.map((site) => site.join(KINDS['port-restricted'])));
    const bytes = randomBytes(MEGABYTES * 1024 * 1024);
    const file = path.join(directory, 'film.bin');
    await writeFile(file, bytes);
    const receiving = receiver.device.start('file', 'receive', pairId, '--save', path.join(directory, 'inbox'), '--count', '1');
    const sending = sender.device.start('file', 'send', pairId, file);
    for (const [megabytes, kind] of MOVES) {
      const hasSent = () => sending.facts.find(({ event, bytes: sent }) => event === 'progress' && sent >= megabytes * 1024 * 1024);
      await sending.until(hasSent, `${megabytes} MB`, { timeout: 60_000 });
      await sites[0].join(kind);
    }
    assert.equal((await sending.end()).code, 0);
    const { path: stored } = await receiving.fact('received');
    assert.equal((await receiving.end()).code, 0);
    assert.equal(hashOf(await readFile(stored)), hashOf(bytes));
    const counts = sending.facts.filter(({ event }) => event === 'progress').map((fact) => fact.bytes);
    t.diagnostic(`megabytes sent, second by second: ${counts.map((count) => Math.round(count / 1024 / 1024)).join(' ')}`);
    t.diagnostic(`paths: ${sending.facts.filter(({ event }) => event === 'path').map(({ local, remote }) => `${local} to ${remote}`).join(', ')}`);
    assert.deepEqual(counts, counts.toSorted((a, b) => a - b), 'never begun anew');
  });
});
