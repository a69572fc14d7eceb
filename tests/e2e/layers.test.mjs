// A picture published at three sizes.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { keepPeerConnections, statistics } from '../lib/peer_connections.mjs';
import { setUp } from '../lib/people.mjs';
import { Server } from '../lib/server.mjs';
import { inPhase, makeStream } from '../lib/streams.mjs';

describe('a picture in layers', { timeout: 60_000 }, () => {
  let server, camera;

  before(async () => {
    server = await Server.start();
    camera = await Device.open('camera', { largeCamera: true });
    await camera.context.addInitScript(keepPeerConnections);
    await setUp(camera, server);
    await makeStream(camera, server, 'cam0');
  });

  after(async () => {
    await camera?.close();
    await server?.close();
  });

  test('is published at three sizes', async (t) => {
    await camera.page.goto(`${server.origin}/cam0/publish`);
    await camera.page.getByTestId('start-publishing').click();
    await inPhase(camera, 'open');
    for (const layer of ['f', 'h', 'q']) {
      await camera.page.locator(`[data-testid=layer-sent-${layer}][data-sent=true]`).waitFor({ timeout: 10_000 });
    }
    t.diagnostic(await camera.page.getByTestId('layers-sent').innerText());
    const sent = (await statistics(camera, 'outbound-rtp')).filter(({ kind }) => kind === 'video');
    const sizes = Object.fromEntries(sent.map(({ rid, frameWidth, frameHeight }) => [rid, `${frameWidth}x${frameHeight}`]));
    assert.deepEqual(sizes, { q: '240x135', h: '480x270', f: '960x540' });
  });

  test('is published at one size, and at three again, without another click', async () => {
    const { page } = camera;
    await page.getByTestId('layers').uncheck();
    await page.getByTestId('layers-sent').waitFor({ state: 'detached' });
    await page.getByTestId('stat-out-resolution').filter({ hasText: /[0-9]/ }).waitFor();
    assert.deepEqual((await statistics(camera, 'outbound-rtp')).filter(({ rid }) => rid !== undefined), []);
    await page.getByTestId('layers').check();
    await page.locator('[data-testid=layer-sent-f][data-sent=true]').waitFor();
  });
});
