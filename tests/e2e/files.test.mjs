// Files between two browsers: 20 MB each way with the link broken midway, names made harmless.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { iceUfrag, restartedIce } from '../lib/peer_connections.mjs';
import { openLink } from '../lib/people.mjs';
import { TwoDevices } from '../lib/two_devices.mjs';

const MEGABYTES = 20;
const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

describe('files between two browsers', { timeout: 300_000 }, () => {
  let two, directory;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'helio-files-'));
    two = await TwoDevices.pair();
    await two.link();
    await Promise.all(two.all.map(({ page }) => page.getByTestId('tab-files').click()));
  });

  after(async () => {
    await two?.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function make(name, bytes = randomBytes(MEGABYTES * 1024 * 1024)) {
    const file = path.join(directory, name);
    await writeFile(file, bytes);
    return { file, name, hash: hashOf(bytes) };
  }

  const send = ({ page }, { file }) => page.getByTestId('files-input').setInputFiles(file);
  const row = ({ page }, from, name, state) =>
    page.locator(`[data-testid=file][data-from=${from}][data-state=${state}]`, { hasText: name });

  async function accept(device, name) {
    const offer = row(device, 'peer', name, 'offered');
    await offer.getByTestId('file-accept').click();
  }

  /// Waits until so much of a file has come, and not all of it.
  async function midway(device, name) {
    const progress = row(device, 'peer', name, 'receiving').locator('progress');
    await progress.waitFor();
    await device.page.waitForFunction(
      (bar) => bar.value > 3_000_000, await progress.elementHandle(), { polling: 20 });
    assert.ok(await progress.evaluate((bar) => bar.value < bar.max), `${name} is still on its way`);
  }

  async function saved(device, name) {
    const whole = row(device, 'peer', name, 'received');
    await whole.waitFor({ timeout: 120_000 });
    const download = device.page.waitForEvent('download');
    await whole.getByTestId('file-save').click();
    const file = await download;
    return { name: file.suggestedFilename(), hash: hashOf(await readFile(await file.path())) };
  }

  test('go on over an ICE restart, each way', async (t) => {
    for (const [from, to] of [[two.laptop, two.phone], [two.phone, two.laptop]]) {
      const file = await make(`restart from the ${from.name}.bin`);
      const start = performance.now();
      await send(from, file);
      await accept(to, file.name);
      await midway(to, file.name);
      const earlier = await Promise.all(two.all.map(iceUfrag));
      await from.page.evaluate(() => window.__peerConnections.at(-1).restartIce());
      await Promise.all(two.all.map((device, i) => restartedIce(device, earlier[i])));
      await row(from, 'self', file.name, 'sent').waitFor({ timeout: 120_000 });
      t.diagnostic(`${MEGABYTES} MB from the ${from.name} in ${Math.round(performance.now() - start)} ms`);
      assert.deepEqual(await saved(to, file.name), { name: file.name, hash: file.hash });
    }
  });

  test('go on over another connection when the network of either side changes', async (t) => {
    for (const mover of two.all) {
      const file = await make(`moving with the ${mover.name}.bin`);
      const start = performance.now();
      await send(two.laptop, file);
      await accept(two.phone, file.name);
      await midway(two.phone, file.name);
      await mover.context.setOffline(true);
      await mover.context.setOffline(false);
      await row(two.laptop, 'self', file.name, 'sent').waitFor({ timeout: 120_000 });
      t.diagnostic(`${MEGABYTES} MB in ${Math.round(performance.now() - start)} ms, moving with the ${mover.name}`);
      assert.deepEqual(await saved(two.phone, file.name), { name: file.name, hash: file.hash });
    }
  });

  test('go on after the receiving page was reloaded, without asking again', async () => {
    const file = await make('reload of the receiver.bin');
    await send(two.laptop, file);
    await accept(two.phone, file.name);
    await midway(two.phone, file.name);
    await two.phone.page.reload();
    await two.phone.page.getByTestId('tab-files').click();
    assert.deepEqual(await saved(two.phone, file.name), { name: file.name, hash: file.hash });
    await row(two.laptop, 'self', file.name, 'sent').waitFor();
  });

  test('go on after the sending page was reloaded and the file chosen again', async () => {
    const file = await make('reload of the sender.bin');
    await send(two.phone, file);
    await accept(two.laptop, file.name);
    await midway(two.laptop, file.name);
    await two.phone.page.reload();
    await openLink(two.phone, two.place, two.pairId);
    await two.phone.page.getByTestId('tab-files').click();
    const paused = row(two.laptop, 'peer', file.name, 'paused');
    await paused.waitFor();
    const stored = await paused.locator('progress').evaluate((bar) => bar.value);
    assert.ok(stored > 0, 'what came before the reload is kept');
    await send(two.phone, file);
    assert.deepEqual(await saved(two.laptop, file.name), { name: file.name, hash: file.hash });
  });

  test('get harmless names', async () => {
    const { file } = await make('plain.txt', Buffer.from('hello'));
    const buffer = await readFile(file);
    await two.laptop.page.getByTestId('files-input').setInputFiles(
      { name: '\u202etxt.exe:con', mimeType: 'text/plain', buffer });
    await accept(two.phone, 'txt.exe_con');
    const { name, hash } = await saved(two.phone, 'txt.exe_con');
    assert.deepEqual({ name, hash }, { name: 'txt.exe_con', hash: hashOf(buffer) });
  });

  test('chosen together are all offered', async () => {
    const files = await Promise.all(['one.txt', 'two.txt', 'three.txt'].map((name) => make(name, Buffer.from(name))));
    await two.laptop.page.getByTestId('files-input').setInputFiles(files.map(({ file }) => file));
    for (const { name, hash } of files) {
      await accept(two.phone, name);
      assert.equal((await saved(two.phone, name)).hash, hash);
    }
  });

  test('can be refused, and the sender is told', async () => {
    const file = await make('unwanted.txt', Buffer.from('no'));
    await send(two.laptop, file);
    await row(two.phone, 'peer', file.name, 'offered').getByTestId('file-remove').click();
    const refused = row(two.laptop, 'self', file.name, 'failed');
    await refused.filter({ hasText: 'Refused' }).waitFor();
  });
});
