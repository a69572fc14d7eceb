// Credentials of the relay that have ended: a link that looks for another path asks for fresh ones.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { iceUfrag, pathEnds, restartedIce } from '../lib/peer_connections.mjs';
import { allowPaths, inState, say } from '../lib/people.mjs';
import { TwoDevices } from '../lib/two_devices.mjs';

describe('a link over a relay whose credentials last 5 s', { timeout: 180_000 }, () => {
  let two;

  before(async () => {
    two = await TwoDevices.pair({ set: { 'turn.credential_ttl_seconds': 5 } });
    await two.link();
    await Promise.all(two.all.map((device) => allowPaths(device, 'relay')));
    await two.inState('open', 'relayed');
    for (const { page } of two.all) await page.getByTestId('tab-text').click();
  });

  after(() => two?.close());

  for (const name of ['laptop', 'phone']) {
    test(`finds another relayed path by an ICE restart of the ${name} after they ended`, async (t) => {
      const device = two[name];
      await Promise.all(two.all.map(credentialsEnded));
      const allocations = await Promise.all(two.all.map(localAddress));
      const fragments = await Promise.all(two.all.map(iceUfrag));
      await device.page.getByTestId('link-settings').click();
      const start = performance.now();
      await device.page.getByTestId('link-restart').click();
      await Promise.all(two.all.map((each, i) => restartedIce(each, fragments[i])));
      await Promise.all(two.all.map((each, i) => movedFrom(each, allocations[i])));
      t.diagnostic(`both on new allocations ${Math.round(performance.now() - start)} ms after the press`);
      await isRelayed(two);
    });
  }

  test('is built anew by a page that is reloaded after they ended', async () => {
    await Promise.all(two.all.map(credentialsEnded));
    await two.laptop.page.reload();
    // Before that the phone's page still shows the link that it had.
    await inState(two.laptop, 'open', { path: 'relayed' });
    await inState(two.phone, 'open', { path: 'relayed' });
    await two.laptop.page.getByTestId('tab-text').click();
    await isRelayed(two);
  });
});

async function isRelayed(two) {
  for (const device of two.all) {
    await inState(device, 'open', { path: 'relayed' });
    assert.deepEqual(await pathEnds(device), ['relay', 'relay'], device.name);
    await say(device, `from the ${device.name}, over another path`);
  }
}

/// Waits until the credentials that the connection is configured with are past their end by more
/// than a second.
function credentialsEnded({ page }) {
  return page.waitForFunction(() => {
    const { iceServers } = window.__peerConnections.at(-1).getConfiguration();
    const ends = iceServers.flatMap(({ username }) => (username ? [Number(username.split(':')[0])] : []));
    return ends.length > 0 && ends.every((end) => Date.now() / 1000 > end + 1);
  });
}

/// The relayed address of the path in use.
function localAddress({ page }) {
  return page.evaluate(chosenLocalAddress);
}

async function movedFrom({ page }, before) {
  for (;;) {
    const now = await page.evaluate(chosenLocalAddress);
    if (now !== null && now !== before) return;
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

/// Runs in the page.
async function chosenLocalAddress() {
  const up = window.__peerConnections.find((pc) => pc.connectionState === 'connected');
  const report = await up?.getStats();
  const transport = [...(report?.values() ?? [])].find(({ type }) => type === 'transport');
  const chosen = report?.get(transport?.selectedCandidatePairId);
  const local = report?.get(chosen?.localCandidateId);
  return local ? `${local.address}:${local.port}` : null;
}
