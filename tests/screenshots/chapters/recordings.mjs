// Recordings of a stream: none yet, while it is recorded, a month of them, and what goes wrong.
import { execFileSync } from 'node:child_process';
import { copyFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Device } from '../../lib/browser.mjs';
import { segmentsOf, until } from '../../lib/recordings.mjs';
import { makeStream } from '../../lib/streams.mjs';

const STREAM = 'garden';
const DAY_MS = 24 * 60 * 60 * 1000;
const HOUR_MS = 60 * 60 * 1000;
/// When else it looks as if something had been recorded: days and hours before the real film.
const BEFORE = [[0, 2], [0, 2.4], [0, 5], [1, 0], [1, 3], [2, 6], [2, 6.2], [2, 7], [2, 9], [4, 1], [7, 0], [8, 4], [12, 2], [13, 2]];
const fitted = { whole: false };

export async function recordings(scene) {
  const { server, laptop, album } = scene;
  const { page } = laptop;
  await makeStream(laptop, server, STREAM);
  await page.goto(`${server.origin}/${STREAM}/recordings`);
  await page.getByTestId('no-recordings').waitFor();
  await album.take('recordings-empty', page, { narrow: true });
  await growing(scene);
  await month(scene);
  await failing(scene);
  await stranger(scene);
}

const inPhase = (page, phase) =>
  page.locator(`[data-testid=stream-state][data-phase=${phase}]`).waitFor({ timeout: 40_000 });

async function publish({ server, phone }) {
  await phone.page.goto(`${server.origin}/${STREAM}/publish`);
  await phone.page.getByTestId('start-publishing').click();
  await inPhase(phone.page, 'open');
}

/// Shows the picture of some seconds after the beginning, and stands still there.
async function play(page) {
  const video = page.getByTestId('recording-video');
  await video.waitFor();
  await page.waitForFunction(() => document.querySelector('video').readyState >= 3);
  await video.evaluate((element) => new Promise((done) => {
    element.addEventListener('seeked', done, { once: true });
    element.currentTime += 2.5;
  }));
  // The browser's own controls say for a moment that they wait.
  await page.waitForTimeout(1000);
}

async function growing(scene) {
  const { server, laptop, phone, album } = scene;
  server.order('streams', 'record', STREAM, 'on');
  await publish(scene);
  await until('three segments', () => segmentsOf(server, STREAM).length >= 3, 90_000);
  await laptop.page.reload();
  await inPhase(laptop.page, 'recording');
  await play(laptop.page);
  await album.take('recordings-growing', laptop.page);
  await phone.page.getByTestId('stop-publishing').click();
  await until('it waits', () => server.command('streams').streams.some(({ name, recording }) => name === STREAM && recording === 'waiting'));
}

/// The same film as if it had been recorded at other times as well.
async function month({ server, laptop, album }) {
  const segments = segmentsOf(server, STREAM);
  await server.stop();
  for (const [days, hours] of BEFORE) {
    for (const { path, start, duration, run } of segments) {
      const shift = days * DAY_MS + hours * HOUR_MS;
      const rest = path.split('-').slice(-2).join('-');
      copyFileSync(path, join(dirname(path), `${start - shift}-${duration}-${run - shift}-${rest}`));
    }
  }
  // Nobody sees what was recorded before the stream was theirs.
  const since = `UPDATE streams SET created_ms = created_ms - ${30 * DAY_MS}`;
  const script = 'import sqlite3, sys; base = sqlite3.connect(sys.argv[1]); base.execute(sys.argv[2]); base.commit()';
  execFileSync('python3', ['-c', script, join(server.data, 'heliograph.db'), since]);
  await server.run();
  const { page } = laptop;
  await page.reload();
  await inPhase(page, 'waiting');
  await play(page);
  await album.take('recordings', page, { narrow: true });
  await page.getByTestId('recorded-day').first().click();
  await play(page);
  await album.take('recordings-other-day', page, fitted);
  await page.getByTestId('delete-day').click();
  await album.take('recordings-delete', page, fitted);
  await page.getByTestId('cancel').click();
}

async function failing(scene) {
  const { server, laptop, album } = scene;
  const { page } = laptop;
  // Somebody deletes the files themselves: the list does not know yet.
  for (const { path } of segmentsOf(server, STREAM).slice(0, 3)) rmSync(path);
  await page.reload();
  await inPhase(page, 'waiting');
  await page.getByTestId('recorded-day').first().click();
  await page.getByTestId('recording-failure').waitFor();
  await album.take('recordings-failure', page);
  await server.stop();
  server.set['recording.min_free_bytes'] = String(2n ** 62n);
  await server.run();
  await publish(scene);
  await page.reload();
  await inPhase(page, 'disk-full');
  await album.take('recordings-disk-full', page, fitted);
  await scene.phone.page.getByTestId('stop-publishing').click();
}

async function stranger({ server, album }) {
  const guest = await Device.open('guest');
  await guest.page.goto(`${server.origin}/${STREAM}/recordings`);
  await guest.page.getByTestId('stream-failure').waitFor();
  await album.take('recordings-stranger', guest.page);
  await guest.close();
}
