// A revoked pair or device is cut off at once: by the server, and by its peer.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { say } from '../lib/people.mjs';
import { CLOSED_AS_REVOKED, areRevoked, connectionStates, isRevoked } from '../lib/revoked.mjs';
import { closeCodes, tokenOf } from '../lib/sockets.mjs';
import { neverLetGo } from '../lib/stubborn.mjs';
import { TwoDevices } from '../lib/two_devices.mjs';

describe('revoked', { timeout: 240_000 }, () => {
  let two;

  beforeEach(async () => { two = await TwoDevices.pair(); });
  afterEach(() => two?.close());

  test('a pair, in the page of one device, ends link and socket on both', async (t) => {
    await two.link();
    const home = await two.laptop.context.newPage();
    await home.goto(two.server.origin);
    const card = home.locator(`[data-testid=pair-card][data-pair="${two.pairId}"]`);
    await card.getByTestId('revoke-pair').click();
    const start = performance.now();
    await home.getByTestId('confirm').click();
    await areRevoked(two.all);
    t.diagnostic(`ended on both ${Math.round(performance.now() - start)} ms after the click`);
    await card.waitFor({ state: 'detached' });
    assert.deepEqual(two.server.command('pairs').pairs, []);
  });

  test('a pair, on the link page, ends the link on both and leaves the server', async (t) => {
    await two.link();
    const start = performance.now();
    await revokeOnLinkPage(two.laptop);
    await Promise.all(two.all.map(isRevoked));
    t.diagnostic(`ended on both ${Math.round(performance.now() - start)} ms after the click`);
    await serverKnows(two.laptop, true);
    assert.deepEqual(two.server.command('pairs').pairs, []);
    for (const device of two.all) await hasForgotten(two, device);
  });

  test('a pair, on the link page, stays when the person thinks better of it', async () => {
    await two.link();
    await two.laptop.page.getByTestId('link-settings').click();
    await two.laptop.page.getByTestId('link-revoke').click();
    await two.laptop.page.getByTestId('cancel').click();
    await two.laptop.page.getByTestId('confirm-dialog').waitFor({ state: 'detached' });
    await two.inState('open', 'direct');
    assert.equal(two.server.command('pairs').pairs.length, 1);
  });

  for (const [how, goOn] of [
    ['the same page', async () => {}],
    ['the next page', async (page) => { await page.goto('about:blank'); }],
  ]) {
    test(`a pair, while the server is down, is dropped by the peer at once; ${how} tells the server`, async (t) => {
      await two.link();
      await two.server.stop('SIGKILL');
      const start = performance.now();
      await revokeOnLinkPage(two.laptop);
      await Promise.all(two.all.map(isRevoked));
      t.diagnostic(`ended on both ${Math.round(performance.now() - start)} ms after the click`);
      for (const device of two.all) assert.deepEqual(await connectionStates(device), ['closed'], device.name);
      await serverKnows(two.laptop, false);
      assert.match(await two.laptop.page.locator('.stage-message').textContent(), /The server does not answer: it is told as soon as it does/);
      const { page } = two.laptop;
      await goOn(page);
      await two.server.run();
      if (page.url() === 'about:blank') {
        assert.equal(two.server.command('pairs').pairs.length, 1, 'nobody has told it yet');
        await page.goto(two.server.origin);
        await page.getByTestId('no-pairs').waitFor();
      } else {
        await serverKnows(two.laptop, true);
        assert.doesNotMatch(await page.locator('.stage-message').textContent(), /The server does not answer/);
      }
      while (two.server.command('pairs').pairs.length > 0) await new Promise((done) => setTimeout(done, 100));
      t.diagnostic(`the server knew ${Math.round(performance.now() - start)} ms after the click`);
      for (const device of two.all) await hasForgotten(two, device);
    });
  }

  test('a device, on the command line, ends link and socket on both', async (t) => {
    await two.link();
    const start = performance.now();
    two.server.order('devices', 'revoke', deviceId(two, 'phone'));
    await areRevoked(two.all);
    t.diagnostic(`ended on both ${Math.round(performance.now() - start)} ms after the command began`);
    assert.equal(deviceId(two, 'phone'), undefined, 'it is listed no more');
  });

  test('a device gets neither a token nor a socket, not with the token it still holds', async () => {
    await two.link();
    const token = await tokenOf(two.phone);
    two.server.order('devices', 'revoke', deviceId(two, 'phone'));
    await areRevoked(two.all);
    const refusal = two.phone.page.waitForResponse((reply) => reply.url().endsWith('/api/auth/webrtc-token'));
    await two.phone.page.goto(two.server.origin);
    const reply = await refusal;
    assert.equal(reply.status(), 403);
    assert.equal((await reply.json()).code, 'revoked');
    const told = two.phone.page.getByTestId('home-failure');
    assert.equal(await told.getAttribute('data-code'), 'revoked');
    assert.match(await told.textContent(), /Pair the devices again/);
    assert.deepEqual(await answerTo(two.server, token), { code: CLOSED_AS_REVOKED, said: ['error revoked'] });
  });

  test('a device with the page\'s own check removed is dropped by its peer', async (t) => {
    await two.phone.context.addInitScript(neverLetGo);
    await two.link();
    await two.phone.page.getByTestId('tab-text').click();
    await say(two.phone, 'still a friend');
    two.server.order('devices', 'revoke', deviceId(two, 'phone'));
    await isRevoked(two.laptop);
    assert.deepEqual(await connectionStates(two.laptop), ['closed']);
    // The patched page believes that all is well, until nobody answers.
    await two.phone.page.waitForFunction(() => window.__peerConnections.every(({ connectionState }) => connectionState !== 'connected'));
    t.diagnostic(`the patched page's connection is ${await connectionStates(two.phone)}, its socket ${await closeCodes(two.phone)}`);
    assert.deepEqual(await closeCodes(two.phone), [CLOSED_AS_REVOKED], 'the server has closed its socket');
    await two.phone.page.getByTestId('link-settings').click();
    await two.phone.page.getByTestId('link-restart').click();
    // It may have begun another connection by itself, which stays new: nobody answers.
    const over = ['failed', 'closed', 'new'];
    await two.phone.page.waitForFunction((states) => window.__peerConnections.every(({ connectionState }) => states.includes(connectionState)), over);
    t.diagnostic(`then ${await connectionStates(two.phone)}`);
    await isRevoked(two.laptop);
    assert.deepEqual(await connectionStates(two.laptop), ['closed'], 'the peer answers no new offer');
  });
});

function deviceId(two, name) {
  return two.server.command('devices').devices.find((device) => device.name === name)?.deviceId;
}

async function revokeOnLinkPage({ page }) {
  await page.getByTestId('link-settings').click();
  await page.getByTestId('link-revoke').click();
  await page.getByTestId('confirm').click();
}

/// Waits until the link page says whether the server has learned that the pair is over.
async function serverKnows({ page }, isKnown) {
  await page.locator(`[data-testid=link-state][data-ended=revoked][data-server-knows=${isKnown}]`).waitFor();
}

/// The browser holds no keys of the pair any more.
async function hasForgotten(two, { page, name }) {
  await page.goto(`${two.server.origin}/link?pair=${two.pairId}`);
  const failure = page.getByTestId('link-failure');
  await failure.waitFor();
  assert.equal(await failure.getAttribute('data-code'), 'unknown-pair', name);
}

/// What the server says to somebody who offers `token` on a signalling socket, and how it closes it.
function answerTo(server, token) {
  const socket = new WebSocket(`${server.origin.replace('https', 'wss')}/api/signal`, ['heliograph.v1'], {
    rejectUnauthorized: false,
    headers: { authorization: `Bearer ${token}` },
  });
  const said = [];
  socket.on('message', (text) => {
    const { t, code } = JSON.parse(text);
    said.push(`${t} ${code}`);
  });
  return new Promise((done, fail) => {
    socket.once('error', fail);
    socket.once('close', (code) => done({ code, said }));
  });
}
