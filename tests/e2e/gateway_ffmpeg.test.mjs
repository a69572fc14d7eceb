// A camera that is nobody's of ours: FFmpeg publishes by WHIP with a share link's code.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { FPS, SECONDS, watchClock } from '../lib/camera.mjs';
import { FfmpegWhip } from '../lib/ffmpeg_whip.mjs';
import { setUp } from '../lib/people.mjs';
import { Server } from '../lib/server.mjs';
import { inPhase, makeStream } from '../lib/streams.mjs';

const TONE_HZ = 440;
const WATCHED_MS = 4000;

describe('a camera that speaks WHIP', { timeout: 120_000 }, () => {
  let server, owner, viewer, camera;

  before(async () => {
    server = await Server.start();
    [owner, viewer] = await Promise.all(['owner', 'viewer'].map((name) => Device.open(name)));
    await setUp(owner, server);
    await makeStream(owner, server, 'door');
    server.order('streams', 'public', 'door', 'on');
    const { code } = server.command('streams', 'share', 'door', '--publish');
    camera = await FfmpegWhip.start(server, 'door', code, { toneHz: TONE_HZ });
    await viewer.page.goto(`${server.origin}/door/`);
    await viewer.page.getByTestId('video-remote').waitFor({ state: 'visible' });
  });

  after(async () => {
    await camera?.stop();
    await Promise.all([owner, viewer].map((device) => device?.close()));
    await server?.close();
  });

  test('is seen picture by picture', async (t) => {
    await viewer.page.evaluate(watchClock, '[data-testid=video-remote]');
    await viewer.page.waitForTimeout(WATCHED_MS);
    const { seen } = await viewer.page.evaluate(() => window.__clock.stop());
    const pictures = FPS * SECONDS;
    const steps = seen.slice(1).map(({ number }, i) => (number - seen[i].number + pictures) % pictures);
    t.diagnostic(`${seen.length} pictures in ${WATCHED_MS} ms, steps ${[...new Set(steps)].join(' ')}`);
    assert.ok(seen.length > (FPS * WATCHED_MS) / 2000, 'half of them at least');
    assert.ok(steps.every((step) => step > 0 && step < FPS), 'each later than the one before');
  });

  test('is heard at its pitch', async (t) => {
    const hertz = await viewer.page.evaluate(loudestPitch, 1000);
    t.diagnostic(`${hertz.toFixed(1)} Hz`);
    assert.ok(Math.abs(hertz - TONE_HZ) < 5, `${hertz} Hz`);
  });

  test('says goodbye, and the page waits for it', async () => {
    await camera.stop();
    assert.match(camera.errors, /Exiting normally/);
    assert.match(server.log, /session ended .*role="publish" why="deleted"/);
    await viewer.page.reload();
    await inPhase(viewer, 'waiting');
  });
});

/// Runs in a page: the pitch that the remote sound is loudest at.
async function loudestPitch(listenMs) {
  const video = document.querySelector('[data-testid=video-remote]');
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 32768;
  context.createMediaStreamSource(video.srcObject).connect(analyser);
  await new Promise((done) => setTimeout(done, listenMs));
  const levels = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(levels);
  const loudest = levels.indexOf(Math.max(...levels));
  await context.close();
  return (loudest * context.sampleRate) / analyser.fftSize;
}
