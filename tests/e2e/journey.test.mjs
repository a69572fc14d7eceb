// The whole journey of two devices in one run: setup, invite, words, link, live video, stills,
// text, relays, a server that restarts, and the end of the pair.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { latencies, percentile } from '../lib/camera.mjs';
import { Coturn } from '../lib/coturn.mjs';
import { watchTenSeconds } from '../lib/live.mjs';
import { iceUfrag, keepPeerConnections, pathEnds, pathOf, restartedIce } from '../lib/peer_connections.mjs';
import { allowPaths, inState, openLink, pair, say, setUp } from '../lib/people.mjs';
import { CLOSED_AS_REVOKED, areRevoked, connectionStates, isRevoked } from '../lib/revoked.mjs';
import { Server } from '../lib/server.mjs';
import { closeCodes, keepSockets } from '../lib/sockets.mjs';
import { decoded, watchSentStills } from '../lib/stills.mjs';
import { neverLetGo } from '../lib/stubborn.mjs';

const round = (ms) => Math.round(ms * 10) / 10;

describe('two browsers', { timeout: 400_000 }, () => {
  let server, coturn, laptop, phone, all, pairId;

  const openPages = () => Promise.all(all.map((device) => openLink(device, server, pairId)));
  const areOpen = (path) => Promise.all(all.map((device) => inState(device, 'open', { path })));
  const showTexts = () => Promise.all(all.map(({ page }) => page.getByTestId('tab-text').click()));
  const usePaths = (policy) => Promise.all(all.map((device) => allowPaths(device, policy)));

  /// Texts each way; the milliseconds until their acks.
  async function talk(what) {
    await showTexts();
    const there = await say(laptop, `${what}, says the laptop`);
    const back = await say(phone, `${what}, says the phone`);
    return `milliseconds to an ack, there and back: ${[there, back].map(round)}`;
  }

  before(async () => {
    coturn = await Coturn.start();
    server = await Server.start({ set: { 'turn.credential_ttl_seconds': 5 } });
    all = await Promise.all([Device.open('laptop'), Device.open('phone', { phone: true })]);
    [laptop, phone] = all;
    for (const { context } of all) {
      await context.addInitScript(keepPeerConnections);
      await context.addInitScript(keepSockets);
    }
  });

  after(async () => {
    await Promise.all([laptop?.close(), phone?.close()]);
    await server?.close();
    await coturn?.close();
  });

  test('are set up and paired by link and words', async () => {
    await setUp(laptop, server);
    pairId = await pair(laptop, phone, server);
    const { devices } = server.command('devices');
    assert.deepEqual(devices.map(({ name }) => name).sort(), ['laptop', 'phone']);
  });

  test('link directly and say that the peer is verified', async () => {
    await openPages();
    await areOpen('direct');
    assert.equal(await laptop.page.getByTestId('link-verified').getAttribute('data-verified'), 'true');
  });

  test('show each other live video with a clock that can be read', async (t) => {
    await phone.page.getByTestId('preset-low').check();
    // A test picture has harder edges than a room: 300 kbit/s would cost it frames.
    await phone.page.getByTestId('fine-settings').click();
    await phone.page.getByTestId('bitrate').selectOption('600000');
    await phone.page.getByTestId('start-live').click();
    await phone.page.getByTestId('stop-live').waitFor();
    await laptop.page.waitForFunction(() => document.querySelector('[data-testid=video-remote]').videoWidth > 0);
    // The estimate of the bandwidth has to grow first.
    await laptop.page.waitForFunction(() => document.querySelector('[data-testid=video-remote]').getVideoPlaybackQuality().totalVideoFrames > 30);
    // Whatever else the machine does may cost a frame: one of three spans of ten seconds is whole.
    let span;
    for (let attempt = 1; attempt <= 3 && !span?.isSmooth; attempt += 1) {
      span = await watchTenSeconds(phone, laptop);
      t.diagnostic(`frames shown in 10 s: ${span.remote.frames}, longest gap ${round(span.remote.longestGapMs)} ms, freezes ${span.freezes}`);
    }
    await phone.page.getByTestId('stop-live').click();
    const late = latencies(span.local, span.remote);
    t.diagnostic(`latency from preview to screen: p50 ${round(percentile(late, 0.5))} ms, p95 ${round(percentile(late, 0.95))} ms over ${late.length} frames`);
    assert.ok(span.isSmooth, `${span.remote.frames} frames of 150, ${span.freezes} freezes`);
    assert.ok(late.length > 30, 'the clock is read on both sides');
  });

  for (const codec of ['H264', 'VP8']) {
    test(`send 20 stills as ${codec} key frames, each shown before the next`, async (t) => {
      await phone.page.getByTestId('link-settings').click();
      await phone.page.getByTestId('codec').selectOption(codec);
      await phone.page.getByTestId('link-settings-close').click();
      await laptop.page.getByTestId('tab-stills').click();
      await phone.page.getByTestId('tab-stills').click();
      await phone.page.getByTestId('stills-interval').selectOption('1000');
      await phone.page.evaluate(watchSentStills);
      const before = await decoded(laptop);
      await phone.page.getByTestId('start-stills').click();
      await phone.page.waitForFunction(() => window.__stills.length >= 20, null, { timeout: 90_000 });
      await phone.page.getByTestId('stop-stills').click();
      const sent = await phone.page.evaluate(() => window.__stills);
      const now = await decoded(laptop);
      const sizes = sent.map(({ bytes }) => bytes).sort((a, b) => a - b);
      t.diagnostic(`${sent.length} stills, ${sizes[0]} to ${sizes.at(-1)} bytes; ${sent.slice(0, 3).map(({ text }) => text).join('; ')}`);
      for (const still of sent) {
        assert.ok(still.bytes > 0 && still.bytes <= 100_000, `${still.bytes} bytes`);
        assert.match(still.text, /shown after/, 'the receiver told that it was on the screen');
      }
      assert.equal(now.frames - before.frames, now.keyFrames - before.keyFrames, 'every frame is a key frame');
      assert.ok(now.frames - before.frames >= 20);
      assert.equal(now.codec, `video/${codec}`);
      const pictures = await laptop.page.getByTestId('still-item').locator('img').evaluateAll((images) =>
        images.map((image) => `${image.naturalWidth}x${image.naturalHeight}`));
      assert.equal(pictures.length, 20);
      assert.deepEqual([...new Set(pictures)], ['600x400']);
    });
  }

  test('exchange 100 texts each way, all acked', async (t) => {
    await showTexts();
    for (const [from, to] of [[laptop, phone], [phone, laptop]]) {
      const ms = [];
      for (let i = 1; i <= 100; i += 1) ms.push(await say(from, `${from.name} says ${i}`));
      ms.sort((a, b) => a - b);
      t.diagnostic(`${from.name} to ${to.name} and back: p50 ${round(percentile(ms, 0.5))} ms, p99 ${round(percentile(ms, 0.99))} ms`);
      const received = await to.page.locator('[data-testid=text-item][data-from=peer] .message-text').allTextContents();
      assert.deepEqual(received, Array.from({ length: 100 }, (_, i) => `${from.name} says ${i + 1}`));
    }
  });

  test('talk over the embedded relay, also 30 s after credentials of 5 s', async (t) => {
    await usePaths('relay');
    await areOpen('relayed');
    for (const device of all) assert.deepEqual(await pathEnds(device), ['relay', 'relay'], device.name);
    t.diagnostic(await talk('over the relay'));
    const connections = () => Promise.all(all.map(({ page }) => page.evaluate(() => window.__peerConnections.length)));
    const started = await connections();
    await laptop.page.waitForTimeout(30_000);
    t.diagnostic(await talk('half a minute later'));
    for (const device of all) assert.deepEqual(await pathEnds(device), ['relay', 'relay'], device.name);
    assert.deepEqual(await connections(), started, 'no connection was made anew');
  });

  test('post what they saw as metrics', async () => {
    const text = await (await fetch(`http://${server.metrics}/metrics`)).text();
    assert.match(text, /helio_links_total\{path="direct"\} [1-9]/);
    assert.match(text, /helio_links_total\{path="relayed"\} [1-9]/);
    assert.match(text, /helio_still_bytes_count [1-9]/);
    assert.match(text, /helio_link_phase_seconds_count\{phase="offer-to-answer"\} [1-9]/);
  });

  test('had nothing to complain about in their consoles', () => {
    // From here on the server goes away at times, and browsers log every failed connection.
    assert.deepEqual([...laptop.problems, ...phone.problems], []);
  });

  test('talk over coturn, when that is the relay that the server has', async (t) => {
    const { set } = server;
    await server.stop();
    // Without UDP ports of its own the server has no relay to offer beside coturn.
    server.set = { ...set, 'turn.external': coturn.external, 'turn.listen': '[]', 'media.listen': '[]' };
    await server.run();
    await openPages();
    await areOpen('relayed');
    for (const device of all) {
      const [local, remote] = await pathOf(device);
      assert.deepEqual([local.candidateType, remote.candidateType], ['relay', 'relay'], device.name);
      assert.equal(local.url, coturn.url, `${device.name} allocated at coturn`);
    }
    t.diagnostic(await talk('over coturn'));
    server.set = set;
  });

  test('go back to a direct path', async (t) => {
    await usePaths('all');
    await areOpen('direct');
    for (const device of all) assert.ok(!(await pathEnds(device)).includes('relay'), device.name);
    t.diagnostic(await talk('direct again'));
  });

  test('go on without the server, and restart ICE with a fresh token when it is back', async (t) => {
    const fragments = await Promise.all(all.map(iceUfrag));
    await server.stop();
    t.diagnostic(await talk('nobody in between'));
    const tokens = all.map(({ page }) => page.waitForResponse((reply) => reply.url().endsWith('/api/auth/webrtc-token') && reply.ok()));
    await server.run();
    await Promise.all([...tokens, ...all.map((device, i) => restartedIce(device, fragments[i]))]);
    await areOpen('direct');
    t.diagnostic(await talk('after the restart'));
    for (const { name, page } of all) {
      assert.equal(await page.evaluate(() => window.__peerConnections.length), 1, `${name} has made one connection`);
    }
  });

  test('lose link and socket when their pair is revoked', async () => {
    const home = await laptop.context.newPage();
    await home.goto(server.origin);
    await home.locator(`[data-testid=pair-card][data-pair="${pairId}"]`).getByTestId('revoke-pair').click();
    await home.getByTestId('confirm').click();
    await areRevoked(all);
    await home.close();
    assert.deepEqual(server.command('pairs').pairs, []);
  });

  test('once paired anew, drop a revoked device whose owner has patched its page', async (t) => {
    await phone.context.addInitScript(neverLetGo);
    pairId = await pair(laptop, phone, server);
    await openPages();
    await areOpen('direct');
    t.diagnostic(await talk('friends again'));
    const { devices } = server.command('devices');
    server.order('devices', 'revoke', devices.find(({ name }) => name === 'phone').deviceId);
    await isRevoked(laptop);
    assert.deepEqual(await connectionStates(laptop), ['closed']);
    // The patched page believes that all is well, until nobody answers.
    await phone.page.waitForFunction(() => window.__peerConnections.every(({ connectionState }) => connectionState !== 'connected'));
    assert.deepEqual(await closeCodes(phone), [CLOSED_AS_REVOKED], 'the server has closed its socket');
  });
});
