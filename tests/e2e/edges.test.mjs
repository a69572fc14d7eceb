// An edge: Chromium watches at one server what FFmpeg publishes to another. The edge has it only
// while somebody watches, bit by bit as it was sent, and again once its origin is back.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { FPS, pictureSteps } from '../lib/camera.mjs';
import { FfmpegWhip } from '../lib/ffmpeg_whip.mjs';
import { figure } from '../lib/metrics.mjs';
import { NativeDevice } from '../lib/native.mjs';
import { setUp } from '../lib/people.mjs';
import { loudestPitch } from '../lib/pitch.mjs';
import { until } from '../lib/recordings.mjs';
import { freePort, Server } from '../lib/server.mjs';
import { inPhase, makeStream } from '../lib/streams.mjs';

const TONE_HZ = 440;
const PICTURES = 45;
const VIDEO = '[data-testid=video-remote]';

describe('an edge', { timeout: 120_000 }, () => {
  let origin, edge, viewer, box, camera, folder, code;

  const publish = async () => FfmpegWhip.start(origin, 'pier', code, { toneHz: TONE_HZ, isFilm: true });
  const pulled = () => figure(edge, 'helio_edge_streams');

  /// Those whom the origin sends the stream to.
  async function readers() {
    const { items } = await (await fetch(`http://${origin.list}/v3/paths/list`)).json();
    return items.find(({ name }) => name === 'pier')?.readers.length ?? 0;
  }

  /// Saves a few seconds of the stream.
  function save(server, name) {
    const ca = join(server.data, 'tls', 'ca.pem');
    const run = box.start('watch', `${server.origin}/pier/whep`, '--ca', ca, '--save', join(folder, name), '--seconds', '4');
    return run.exited.then((status) => assert.equal(status, 0, run.errors));
  }

  before(async () => {
    const list = `127.0.0.1:${await freePort()}`;
    origin = await Server.start({ set: { 'paths_api.listen': `"${list}"` } });
    origin.list = list;
    viewer = await Device.open('viewer');
    box = new NativeDevice('box');
    folder = mkdtempSync(join(tmpdir(), 'helio-edge-'));
    await setUp(viewer, origin);
    await makeStream(viewer, origin, 'pier');
    origin.order('streams', 'public', 'pier', 'on');
    ({ code } = origin.command('streams', 'share', 'pier', '--publish'));
    const view = origin.command('streams', 'share', 'pier', '--view').code;
    const ca = join(origin.data, 'tls', 'ca.pem');
    const entry = `{ stream = "*", origin = "${origin.origin}", credential = "${view}", ca = "${ca}" }`;
    edge = await Server.start({ set: { edges: `[${entry}]` } });
    await setUp(viewer, edge);
    await makeStream(viewer, edge, 'pier');
    edge.order('streams', 'public', 'pier', 'on');
  });

  after(async () => {
    await camera?.stop();
    await Promise.all([viewer?.close(), box?.close()]);
    await Promise.all([origin?.close(), edge?.close()]);
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  test('of a stream that nobody publishes anywhere says so, and its viewers wait', async () => {
    await viewer.page.goto(`${edge.origin}/pier/`);
    await inPhase(viewer, 'waiting');
    const refused = await figure(edge, 'helio_edge_refused_total{cause="nothing"}');
    assert.ok(refused >= 1, `${refused}`);
  });

  test('shows and sounds as its origin does, once somebody publishes there', async (t) => {
    camera = await publish();
    await viewer.page.locator(VIDEO).waitFor({ state: 'visible' });
    const [, ...steps] = await pictureSteps(viewer.page, VIDEO, PICTURES);
    t.diagnostic(`${PICTURES} pictures in steps of ${[...new Set(steps)].join(' ')}`);
    assert.ok(steps.every((step) => step > 0 && step < FPS), 'each later than the one before');
    const hertz = await viewer.page.evaluate(loudestPitch, [VIDEO, 1000]);
    t.diagnostic(`${hertz.toFixed(1)} Hz`);
    assert.ok(Math.abs(hertz - TONE_HZ) < 5, `${hertz} Hz`);
    assert.equal(await pulled(), 1);
  });

  test('passes pictures on bit by bit, and asks its origin once for all its viewers', async (t) => {
    await Promise.all([save(origin, 'origin.mp4'), save(edge, 'edge.mp4'), (async () => {
      await edge.logged(/session opened .*caller="anyone"/);
      // The edge and the box at the origin.
      await until('both watch', async () => (await readers()) === 2);
    })()]);
    const [there, here] = ['origin.mp4', 'edge.mp4'].map((name) => pictures(join(folder, name)));
    const same = here.filter((hash) => there.includes(hash));
    t.diagnostic(`${here.length} pictures at the edge, ${there.length} at the origin, ${same.length} the same`);
    assert.ok(same.length > 2 * FPS, 'seconds of them were saved at both');
    assert.deepEqual(same, there.filter((hash) => here.includes(hash)), 'in the same order');
    const [first, last] = [here.indexOf(same[0]), here.lastIndexOf(same.at(-1))];
    assert.equal(last - first + 1, same.length, 'and none between them is another');
  });

  test('has the stream again once its origin is back', async (t) => {
    await origin.stop('SIGKILL');
    const killed = Date.now();
    await camera.stop();
    await edge.logged(/the origin is gone/);
    await origin.run();
    camera = await publish();
    const [, ...steps] = await pictureSteps(viewer.page, VIDEO, PICTURES);
    t.diagnostic(`${PICTURES} pictures ${((Date.now() - killed) / 1000).toFixed(1)} s after the origin was killed`);
    assert.ok(steps.length > 0);
  });

  test('lets go of it when nobody watches', async () => {
    await viewer.page.goto('about:blank');
    await edge.logged(/no longer pulling a stream .*why="nobody watches"/);
    assert.equal(await pulled(), 0);
    await until('the origin has no reader', async () => (await readers()) === 0);
  });
});

/// The hashes of a film's decoded pictures.
function pictures(path) {
  const words = ['-v', 'error', '-i', path, '-map', '0:v', '-vsync', 'passthrough', '-enc_time_base', '-1', '-f', 'framemd5', '-'];
  const lines = execFileSync('ffmpeg', words, { encoding: 'utf8', maxBuffer: 1 << 24 }).split('\n');
  return lines.filter((line) => line && !line.startsWith('#')).map((line) => line.split(',').at(-1).trim());
}
