// The whole journey of two devices: setup, pairing, live video, stills, text.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { latencies, percentile, watchClock } from '../lib/camera.mjs';
import { keepPeerConnections, statistics } from '../lib/peer_connections.mjs';
import { inState, openLink, pair, say, setUp } from '../lib/people.mjs';
import { Server } from '../lib/server.mjs';

const round = (ms) => Math.round(ms * 10) / 10;

describe('two browsers', { timeout: 300_000 }, () => {
  let server, laptop, phone, pairId;

  before(async () => {
    server = await Server.start();
    [laptop, phone] = await Promise.all([Device.open('laptop'), Device.open('phone', { phone: true })]);
    for (const device of [laptop, phone]) await device.context.addInitScript(keepPeerConnections);
  });

  after(async () => {
    await Promise.all([laptop?.close(), phone?.close()]);
    await server?.close();
  });

  test('are set up and paired by link and words', async () => {
    await setUp(laptop, server);
    pairId = await pair(laptop, phone, server);
    const { devices } = server.command('devices');
    assert.deepEqual(devices.map(({ name }) => name).sort(), ['laptop', 'phone']);
  });

  test('link directly and say that the peer is verified', async () => {
    await Promise.all([openLink(laptop, server, pairId), openLink(phone, server, pairId)]);
    await Promise.all([inState(laptop, 'open', { path: 'direct' }), inState(phone, 'open', { path: 'direct' })]);
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
    for (const device of [laptop, phone]) await device.page.getByTestId('tab-text').click();
    for (const [from, to] of [[laptop, phone], [phone, laptop]]) {
      const ms = [];
      for (let i = 1; i <= 100; i += 1) ms.push(await say(from, `${from.name} says ${i}`));
      ms.sort((a, b) => a - b);
      t.diagnostic(`${from.name} to ${to.name} and back: p50 ${round(percentile(ms, 0.5))} ms, p99 ${round(percentile(ms, 0.99))} ms`);
      const received = await to.page.locator('[data-testid=text-item][data-from=peer] .message-text').allTextContents();
      assert.deepEqual(received, Array.from({ length: 100 }, (_, i) => `${from.name} says ${i + 1}`));
    }
  });

  test('post what they saw as metrics', async () => {
    const reply = await fetch(`http://${server.metrics}/metrics`);
    const text = await reply.text();
    assert.match(text, /helio_links_total\{path="direct"\} [1-9]/);
    assert.match(text, /helio_still_bytes_count [1-9]/);
    assert.match(text, /helio_link_phase_seconds_count\{phase="offer-to-answer"\} [1-9]/);
  });

  test('had nothing to complain about in their consoles', () => {
    assert.deepEqual([...laptop.problems, ...phone.problems], []);
  });
});

/// What sender and receiver show in ten seconds of video at 15 fps.
async function watchTenSeconds(sender, receiver) {
  const freezes = async () => {
    const inbound = await statistics(receiver, 'inbound-rtp');
    return inbound.find(({ kind }) => kind === 'video').freezeCount;
  };
  await sender.page.evaluate(watchClock, '[data-testid=video-self]');
  await receiver.page.evaluate(watchClock, '[data-testid=video-remote]');
  const before = await freezes();
  await receiver.page.waitForTimeout(10_000);
  const [local, remote] = await Promise.all(
    [sender, receiver].map(({ page }) => page.evaluate(() => window.__clock.stop())),
  );
  const frozen = (await freezes()) - before;
  return { local, remote, freezes: frozen, isSmooth: frozen === 0 && remote.frames >= 0.8 * 15 * 10 };
}

/// Runs in the page: notes what the line under the stills button says of each still.
function watchSentStills() {
  const stills = [];
  window.__stills = stills;
  const find = () => document.querySelector('[data-testid=still-sent]');
  // What stands there from an earlier run is none of this one's.
  const old = find()?.textContent;
  const note = () => {
    const line = find();
    if (!line || (stills.length === 0 && line.textContent === old)) return;
    const seq = Number(line.dataset.seq);
    const entry = { seq, bytes: Number(line.dataset.bytes), text: line.textContent };
    if (stills.at(-1)?.seq === seq) stills[stills.length - 1] = entry;
    else stills.push(entry);
  };
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}

/// Frames that a device has decoded of the stills' track, and how many were key frames.
async function decoded(device) {
  const inbound = (await statistics(device, 'inbound-rtp')).filter(({ kind }) => kind === 'video');
  const codecs = await statistics(device, 'codec');
  const [newest] = inbound.sort((a, b) => b.lastPacketReceivedTimestamp - a.lastPacketReceivedTimestamp);
  const sum = (name) => inbound.reduce((total, entry) => total + (entry[name] ?? 0), 0);
  return {
    frames: sum('framesDecoded'),
    keyFrames: sum('keyFramesDecoded'),
    codec: codecs.find(({ id }) => id === newest?.codecId)?.mimeType,
  };
}
