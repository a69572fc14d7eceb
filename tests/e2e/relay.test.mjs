// A relay that a person brings along. (The server's own and coturn are part of the journey.)
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Coturn } from '../lib/coturn.mjs';
import { pathOf } from '../lib/peer_connections.mjs';
import { allowPaths, say } from '../lib/people.mjs';
import { TwoDevices } from '../lib/two_devices.mjs';

/// Lets both devices use `policy` and waits until their link is open on `path`.
async function both(two, policy, path) {
  await Promise.all(two.all.map((device) => allowPaths(device, policy)));
  await two.inState('open', path);
}

describe('a relay of the person\'s own', { timeout: 120_000 }, () => {
  let coturn, two;

  before(async () => {
    coturn = await Coturn.start();
    two = await TwoDevices.pair({ set: { 'turn.listen': '[]', 'media.listen': '[]' } });
    await two.link();
  });

  after(async () => {
    await two?.close();
    await coturn?.close();
  });

  test('named in the settings of the link is used beside the server\'s', async () => {
    const { username, credential } = coturn.credentials();
    for (const { page } of two.all) {
      await page.getByTestId('link-settings').click();
      await page.getByTestId('relay-fold').click();
      await page.getByTestId('relay-url').fill(coturn.url);
      await page.getByTestId('relay-username').fill(username);
      await page.getByTestId('relay-credential').fill(credential);
      await Promise.all([page.waitForEvent('load'), page.getByTestId('link-settings-apply').click()]);
    }
    await both(two, 'relay', 'relayed');
    for (const device of two.all) {
      const [local] = await pathOf(device);
      assert.deepEqual([local.candidateType, local.url], ['relay', coturn.url], device.name);
      await device.page.getByTestId('tab-text').click();
    }
    await say(two.laptop, 'over a relay of our own');
    await say(two.phone, 'and back');
  });
});
