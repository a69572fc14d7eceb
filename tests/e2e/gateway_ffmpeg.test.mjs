// A camera that is nobody's of ours: FFmpeg publishes by WHIP with a share link's code.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { FPS, pictureSteps } from '../lib/camera.mjs';
import { FfmpegWhip } from '../lib/ffmpeg_whip.mjs';
import { setUp } from '../lib/people.mjs';
import { loudestPitch } from '../lib/pitch.mjs';
import { Server } from '../lib/server.mjs';
import { inPhase, makeStream } from '../lib/streams.mjs';

const TONE_HZ = 440;
const PICTURES = 60;

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
    // The first is the last key frame, of whenever that was.
    const [, ...steps] = await pictureSteps(viewer.page, '[data-testid=video-remote]', PICTURES);
    t.diagnostic(`${PICTURES} pictures in steps of ${[...new Set(steps)].join(' ')}`);
    assert.ok(steps.every((step) => step > 0 && step < FPS), 'each later than the one before');
  });

  test('is heard at its pitch', async (t) => {
    const hertz = await viewer.page.evaluate(loudestPitch, ['[data-testid=video-remote]', 1000]);
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
