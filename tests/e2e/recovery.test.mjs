// A server that stops, politely or not: the link goes on without it, and finds a new path after.
// A network that changes: the link makes another connection, and what was said goes over that.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { iceUfrag, restartedIce } from '../lib/peer_connections.mjs';
import { inState, say } from '../lib/people.mjs';
import { TwoDevices } from '../lib/two_devices.mjs';

const round = (ms) => Math.round(ms * 10) / 10;

for (const signal of ['SIGTERM', 'SIGKILL']) {
  describe(`a direct link, while the server is stopped by ${signal}`, { timeout: 120_000 }, () => {
    let two, tokens, fragments;

    before(async () => {
      two = await TwoDevices.pair();
      await two.link();
      tokens = new Map(two.all.map((device) => [device, 0]));
      for (const device of two.all) {
        await device.page.getByTestId('tab-text').click();
        await device.page.evaluate(() => { window.__isFirstPage = true; });
        device.page.on('response', (reply) => {
          if (reply.url().endsWith('/api/auth/webrtc-token') && reply.ok()) tokens.set(device, tokens.get(device) + 1);
        });
      }
      fragments = await Promise.all(two.all.map(iceUfrag));
    });

    after(() => two?.close());

    test('carries texts each way without it', async (t) => {
      await two.server.stop(signal);
      t.diagnostic(`milliseconds to an ack: ${await talk(two, 'nobody in between')}`);
      await two.inState('open', 'direct');
    });

    test('restarts ICE by itself with a fresh token when it is back', async (t) => {
      const start = performance.now();
      await two.server.run();
      const up = performance.now();
      await Promise.all(two.all.map((device, i) => restartedIce(device, fragments[i])));
      t.diagnostic(`server up after ${round(up - start)} ms, ICE restarted ${round(performance.now() - up)} ms later`);
      for (const device of two.all) assert.ok(tokens.get(device) >= 1, `${device.name} asked for a token`);
      await two.inState('open', 'direct');
      t.diagnostic(`milliseconds to an ack: ${await talk(two, 'after the restart')}`);
    });

    test('restarts ICE at the press of a button, from either side', async (t) => {
      for (const device of two.all) {
        const earlier = await Promise.all(two.all.map(iceUfrag));
        await device.page.getByTestId('link-settings').click();
        const start = performance.now();
        await device.page.getByTestId('link-restart').click();
        await Promise.all(two.all.map((each, i) => restartedIce(each, earlier[i])));
        t.diagnostic(`${device.name}: new fragments on both sides ${round(performance.now() - start)} ms after the press`);
        await inState(device, 'open', { path: 'direct' });
        await talk(two, `restarted by the ${device.name}`);
      }
    });

    test('did all this on one page and one connection', async () => {
      for (const { name, page } of two.all) {
        const [isFirstPage, connections] = await page.evaluate(() => [window.__isFirstPage, window.__peerConnections.length]);
        assert.equal(isFirstPage, true, `${name} was not reloaded`);
        assert.equal(connections, 1, `${name} has made one connection`);
      }
    });
  });
}

describe('a link of which a device changes its network', { timeout: 120_000 }, () => {
  let two;

  before(async () => {
    two = await TwoDevices.pair();
    await two.link();
    await Promise.all(two.all.map(({ page }) => page.getByTestId('tab-text').click()));
  });

  after(() => two?.close());

  // One of the two is the polite one, which otherwise never makes a first offer.
  for (const name of ['laptop', 'phone']) {
    test(`makes another connection when the ${name} is online again`, async () => {
      const { context } = two[name];
      const before = await connections(two);
      await context.setOffline(true);
      await context.setOffline(false);
      await two.inState('open', 'direct');
      assert.deepEqual(await connections(two), before.map((count) => count + 1));
      await talk(two, `after the ${name} was offline`);
    });

    test(`shows a text once that the ${name} says as its network changes`, async () => {
      const [before, text] = [await connections(two), `said on the move of the ${name}`];
      const other = two.all.find((device) => device !== two[name]);
      await two[name].page.getByTestId('text-input').fill(text);
      await two[name].page.evaluate(() => {
        document.querySelector('[data-testid=text-send]').click();
        window.dispatchEvent(new Event('online'));
      });
      await two[name].page.locator('[data-testid=text-item][data-state=delivered]', { hasText: text }).waitFor();
      await two.inState('open', 'direct');
      assert.deepEqual(await connections(two), before.map((count) => count + 1));
      await talk(two, `after the move of the ${name}`);
      assert.equal(await other.page.locator('[data-testid=text-item][data-from=peer]', { hasText: text }).count(), 1);
    });
  }
});

/// How many connections each page has made.
function connections({ all }) {
  return Promise.all(all.map(({ page }) => page.evaluate(() => window.__peerConnections.length)));
}

async function talk({ laptop, phone }, what) {
  const there = await say(laptop, `${what}, says the laptop`);
  const back = await say(phone, `${what}, says the phone`);
  return [there, back].map(round);
}
