// Files between a native device and a browser, each way, and what goes wrong with them.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { BoxAndLaptop } from '../lib/box_and_laptop.mjs';

const MEGABYTES = 20;
const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

describe('files between a native device and a browser', { timeout: 240_000 }, () => {
  let both, page, box, directory, inbox;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'helio-files-'));
    inbox = path.join(directory, 'inbox');
    both = await BoxAndLaptop.pair();
    ({ box, laptop: { page } } = both);
    await both.openPage();
    await page.getByTestId('tab-files').click();
  });

  after(async () => {
    await both?.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function make(name, bytes = randomBytes(MEGABYTES * 1024 * 1024)) {
    const file = path.join(directory, name);
    await writeFile(file, bytes);
    return { file, name, hash: hashOf(bytes) };
  }

  const send = (...files) => box.start('file', 'send', 'laptop', ...files.map(({ file }) => file));
  const receive = (...options) => box.start('file', 'receive', 'laptop', '--save', inbox, ...options);
  const row = (from, name, state) =>
    page.locator(`[data-testid=file][data-from=${from}][data-state=${state}]`, { hasText: name });
  const accept = (name) => row('peer', name, 'offered').getByTestId('file-accept').click();

  async function saved(name) {
    const whole = row('peer', name, 'received');
    await whole.waitFor({ timeout: 120_000 });
    const download = page.waitForEvent('download');
    await whole.getByTestId('file-save').click();
    return hashOf(await readFile(await (await download).path()));
  }

  test('go from the command line to the page, several in one run', async (t) => {
    const files = [await make('film.bin'), await make('note.txt', Buffer.from('hello')), await make('empty', Buffer.alloc(0))];
    const start = performance.now();
    const run = send(...files);
    for (const { name } of files) await accept(name);
    assert.equal((await run.end()).code, 0);
    t.diagnostic(`${MEGABYTES} MB and two small files in ${Math.round(performance.now() - start)} ms, asking included`);
    for (const { name, hash } of files) assert.equal(await saved(name), hash, name);
  });

  test('go from the page to a directory', async (t) => {
    const run = receive('--count', '1');
    await run.fact('linked');
    const file = await make('photo.bin');
    const start = performance.now();
    await page.getByTestId('files-input').setInputFiles(file.file);
    const { name, path: stored } = await run.fact('received');
    t.diagnostic(`${MEGABYTES} MB in ${Math.round(performance.now() - start)} ms`);
    assert.deepEqual({ name, stored }, { name: 'photo.bin', stored: path.join(inbox, 'photo.bin') });
    assert.equal((await run.end()).code, 0);
    assert.equal(hashOf(await readFile(stored)), file.hash);
    await row('self', 'photo.bin', 'sent').waitFor();
  });

  test('go on where a killed receiver stopped', async () => {
    const killed = receive();
    await killed.fact('linked');
    const file = await make('long.bin', randomBytes(3 * MEGABYTES * 1024 * 1024));
    await page.getByTestId('files-input').setInputFiles(file.file);
    const { bytes } = await killed.fact('progress');
    await killed.kill();
    assert.ok((await readdir(inbox)).includes('.long.bin.part'), `${bytes} bytes were told to be stored`);
    const run = receive('--count', '1');
    const first = await run.fact('progress');
    assert.ok(first.bytes >= bytes, `${first.bytes} goes on behind ${bytes}`);
    await run.fact('received');
    assert.equal((await run.end()).code, 0);
    assert.equal(hashOf(await readFile(path.join(inbox, 'long.bin'))), file.hash);
    assert.deepEqual((await readdir(inbox)).filter((name) => name.startsWith('.')), []);
  });

  test('get harmless names, and stay inside the directory', async () => {
    const run = receive('--count', '1');
    await run.fact('linked');
    await page.getByTestId('files-input').setInputFiles(
      { name: '..\\..\\.bashrc', mimeType: 'text/plain', buffer: Buffer.from('alias ls=rm') });
    const { path: stored } = await run.fact('received');
    assert.equal(path.dirname(stored), inbox);
    assert.ok(!path.basename(stored).startsWith('.'), stored);
    assert.equal((await run.end()).code, 0);
  });

  test('say why they were not sent, each with its exit code', async () => {
    const unwanted = await make('unwanted.txt', Buffer.from('no'));
    const run = send(unwanted);
    await row('peer', unwanted.name, 'offered').getByTestId('file-remove').click();
    assert.equal((await run.fact('not-sent')).code, 'refused');
    const refused = await run.end();
    assert.equal(refused.code, 3, refused.errors);
    assert.match(refused.errors, /1 of 1 files not sent/);
    // What is no file is told at once, also while the other device is away.
    await page.goto('about:blank');
    const none = await send({ file: path.join(directory, 'none') }).end();
    assert.equal(none.code, 2);
    assert.match(none.errors, /none: No such file/);
    const folder = await send({ file: directory }).end();
    assert.equal(folder.code, 2);
    assert.match(folder.errors, /only regular files/);
  });
});
