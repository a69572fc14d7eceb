// A server that is killed, or stopped and started again, while somebody publishes and others watch:
// the pages go on by themselves.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { pictureSteps } from '../lib/camera.mjs';
import { setUp } from '../lib/people.mjs';
import { Server } from '../lib/server.mjs';
import { inPhase, makeStream } from '../lib/streams.mjs';

const AWAY_MS = 3000;

describe('after its server', { timeout: 200_000 }, () => {
  let server, owner, watcher;

  before(async () => {
    server = await Server.start();
    owner = await Device.open('owner');
    watcher = await Device.open('watcher');
    await setUp(owner, server);
    await makeStream(owner, server, 'door');
    const { url } = server.command('streams', 'share', 'door', '--view');
    await owner.page.goto(`${server.origin}/door/publish`);
    await owner.page.getByTestId('start-publishing').click();
    await inPhase(owner, 'open');
    await watcher.page.goto(url);
    await inPhase(watcher, 'open');
    await pictureSteps(watcher.page, 'video', 5);
  });

  after(async () => {
    await owner?.close();
    await watcher?.close();
    await server?.close();
  });

  for (const [signal, what] of [['SIGKILL', 'was killed'], ['SIGTERM', 'was stopped']]) {
    test(`${what}, whoever publishes goes on, and whoever watches`, async (t) => {
      await server.stop(signal);
      await Promise.all([owner, watcher].map(({ page }) => page.locator('[data-testid=stream-state]:not([data-phase=open])').waitFor()));
      await new Promise((done) => setTimeout(done, AWAY_MS));
      await server.run();
      const start = Date.now();
      const since = async (device) => {
        await inPhase(device, 'open');
        return Date.now() - start;
      };
      const [published, watched] = await Promise.all([since(owner), since(watcher)]);
      const steps = await pictureSteps(watcher.page, 'video', 10);
      t.diagnostic(`published again after ${published} ms, watched after ${watched} ms, pictures after ${Date.now() - start} ms`);
      assert.ok(steps.length >= 9, 'the picture moves');
      assert.ok(Date.now() - start < 30_000);
    });
  }
});
