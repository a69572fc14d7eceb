// Links that may use relays only: through the embedded TURN, through coturn, and back.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Coturn } from '../lib/coturn.mjs';
import { pathEnds, pathOf } from '../lib/peer_connections.mjs';
import { allowPaths, say } from '../lib/people.mjs';
import { TwoDevices } from '../lib/two_devices.mjs';

/// Lets both devices use `policy` and waits until their link is open on `path`.
async function both(two, policy, path) {
  await Promise.all(two.all.map((device) => allowPaths(device, policy)));
  await two.inState('open', path);
}

/// Texts each way; the milliseconds until their acks.
async function talk({ laptop, phone }, what) {
  const there = await say(laptop, `${what}, says the laptop`);
  const back = await say(phone, `${what}, says the phone`);
  return [there, back].map((ms) => Math.round(ms * 10) / 10);
}

async function isRelayedOnBothSides(two) {
  for (const device of two.all) assert.deepEqual(await pathEnds(device), ['relay', 'relay'], device.name);
}

describe('a link over the embedded relay', { timeout: 180_000 }, () => {
  let two;

  before(async () => {
    two = await TwoDevices.pair({ set: { 'turn.credential_ttl_seconds': 5 } });
    await two.link();
    for (const { page } of two.all) await page.getByTestId('tab-text').click();
  });

  after(() => two?.close());

  test('opens on relay candidates at both ends and carries texts', async (t) => {
    await both(two, 'relay', 'relayed');
    await isRelayedOnBothSides(two);
    for (const { page } of two.all) await page.getByTestId('tab-text').click();
    t.diagnostic(`milliseconds to an ack, there and back: ${await talk(two, 'over the relay')}`);
  });

  test('outlives credentials of 5 s: after 30 s it still carries texts', async (t) => {
    const started = await connections(two);
    await two.laptop.page.waitForTimeout(30_000);
    t.diagnostic(`milliseconds to an ack, 30 s later: ${await talk(two, 'half a minute later')}`);
    await isRelayedOnBothSides(two);
    assert.deepEqual(await connections(two), started, 'no connection was made anew');
  });

  test('is counted as relayed by the server', async () => {
    const text = await (await fetch(`http://${two.server.metrics}/metrics`)).text();
    assert.match(text, /helio_links_total\{path="relayed"\} [1-9]/);
  });

  test('goes back to a direct path', async (t) => {
    await both(two, 'all', 'direct');
    for (const device of two.all) assert.ok(!(await pathEnds(device)).includes('relay'), device.name);
    for (const { page } of two.all) await page.getByTestId('tab-text').click();
    t.diagnostic(`milliseconds to an ack, direct: ${await talk(two, 'direct again')}`);
  });
});

describe('a link over coturn', { timeout: 120_000 }, () => {
  let coturn, two;

  before(async () => {
    coturn = await Coturn.start();
    // Without UDP ports of its own the server has no relay to offer beside coturn.
    const set = { 'turn.external': coturn.external, 'turn.listen': '[]', 'media.listen': '[]' };
    two = await TwoDevices.pair({ set });
    await two.link();
  });

  after(async () => {
    await two?.close();
    await coturn?.close();
  });

  test('opens with the credentials that the server signs for it', async (t) => {
    await both(two, 'relay', 'relayed');
    await isRelayedOnBothSides(two);
    for (const device of two.all) {
      const [local] = await pathOf(device);
      assert.equal(local.url, coturn.url, `${device.name} allocated at coturn`);
      await device.page.getByTestId('tab-text').click();
    }
    t.diagnostic(`milliseconds to an ack, there and back: ${await talk(two, 'over coturn')}`);
  });

  test('goes back to a direct path', async () => {
    await both(two, 'all', 'direct');
    for (const device of two.all) assert.ok(!(await pathEnds(device)).includes('relay'), device.name);
  });
});

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
    await talk(two, 'over a relay of our own');
  });
});

/// How many connections each page has made so far.
function connections(two) {
  return Promise.all(two.all.map(({ page }) => page.evaluate(() => window.__peerConnections.length)));
}
