// The journey in short between Chromium and Firefox. Without its H.264 plugin, which is a
// download, Firefox proves that the pages fall back to VP8.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { Firefox } from '../lib/firefox.mjs';
import { keepPeerConnections, statistics } from '../lib/peer_connections.mjs';
import { percentile } from '../lib/camera.mjs';
import { inState, invite, matchingSet, openLink, say, setUp } from '../lib/people.mjs';
import { shownFrames } from '../lib/screen.mjs';
import { Server } from '../lib/server.mjs';

const round = (ms) => Math.round(ms * 10) / 10;

describe('chromium and firefox', { timeout: 300_000 }, () => {
  let server, laptop, fox, pairId;

  before(async () => {
    server = await Server.start();
    [laptop, fox] = await Promise.all([Device.open('laptop'), Firefox.open('fox')]);
    await laptop.context.addInitScript(keepPeerConnections);
    await fox.page.evaluateOnNewDocument(keepPeerConnections);
  });

  after(async () => {
    await Promise.all([laptop?.close(), fox?.close()]);
    await server?.close();
  });

  test('pair by link and words', async () => {
    await setUp(laptop, server);
    const link = await invite(laptop, server);
    await fox.page.goto(link);
    await fox.waitFor('[data-testid=join][data-state=naming]');
    await fox.fill('join-name', 'fox');
    await fox.click('join-submit');
    const words = await fox.attribute('words-shown', 'data-words');
    await laptop.page.getByTestId(`words-set-${await matchingSet(laptop, words)}`).click();
    await laptop.page.getByTestId('words-confirm').click();
    await laptop.page.getByTestId('paired').waitFor();
    pairId = await laptop.page.getByTestId('paired').getAttribute('data-pair');
    assert.equal(await fox.attribute('paired', 'data-pair'), pairId);
  });

  test('link directly and call each other verified', async () => {
    await Promise.all([openLink(laptop, server, pairId), fox.page.goto(`${server.origin}/link?pair=${pairId}`)]);
    await Promise.all([
      inState(laptop, 'open', { path: 'direct' }),
      fox.waitFor('[data-testid=link-state][data-state=open][data-path=direct]'),
    ]);
    assert.equal(await laptop.page.getByTestId('link-verified').getAttribute('data-verified'), 'true');
    assert.equal(await fox.attribute('link-verified', 'data-verified'), 'true');
  });

  test('firefox shows its camera to chromium, as VP8', async (t) => {
    await fox.click('preset-low');
    await fox.click('start-live');
    await fox.waitFor('[data-testid=stop-live]');
    await moving(t, laptop, 'firefox to chromium');
    await fox.click('stop-live');
    await stopped(laptop);
  });

  test('chromium shows its camera to firefox, as VP8', async (t) => {
    await laptop.page.getByTestId('preset-low').check();
    await laptop.page.getByTestId('start-live').click();
    await laptop.page.getByTestId('stop-live').waitFor();
    await moving(t, fox, 'chromium to firefox');
    await laptop.page.getByTestId('stop-live').click();
    await stopped(fox);
  });

  test('firefox sends stills to chromium', async (t) => {
    await fox.click('tab-stills');
    await fox.choose('stills-interval', '1000');
    await laptop.page.getByTestId('tab-stills').click();
    await fox.click('start-stills');
    await pictures(t, laptop, 'firefox to chromium');
    await fox.click('stop-stills');
  });

  test('chromium sends stills to firefox', async (t) => {
    await laptop.page.getByTestId('stills-interval').selectOption('1000');
    await laptop.page.getByTestId('start-stills').click();
    await pictures(t, fox, 'chromium to firefox');
    await laptop.page.getByTestId('stop-stills').click();
  });

  test('send each other stills from the same moment on', async (t) => {
    await Promise.all([openLink(laptop, server, pairId), fox.page.goto(`${server.origin}/link?pair=${pairId}`)]);
    await Promise.all([inState(laptop, 'open'), fox.waitFor('[data-testid=link-state][data-state=open]')]);
    await laptop.page.getByTestId('tab-stills').click();
    await fox.click('tab-stills');
    // Both offer a section at once: one offer gives way, on whichever side is polite.
    const start = () => document.querySelector('[data-testid=start-stills]').click();
    await Promise.all([laptop, fox].map(({ page }) => page.evaluate(start)));
    await Promise.all([pictures(t, laptop, 'firefox to chromium, at once'), pictures(t, fox, 'chromium to firefox, at once')]);
    await laptop.page.getByTestId('stop-stills').click();
    await fox.click('stop-stills');
  });

  test('exchange texts, all acked', async (t) => {
    await laptop.page.getByTestId('tab-text').click();
    await fox.click('tab-text');
    for (const [from, to] of [[laptop, fox], [fox, laptop]]) {
      const ms = [];
      for (let i = 1; i <= 20; i += 1) ms.push(await say(from, `${from.name} says ${i}`));
      ms.sort((a, b) => a - b);
      t.diagnostic(`${from.name} to ${to.name} and back: p50 ${round(percentile(ms, 0.5))} ms, p99 ${round(percentile(ms, 0.99))} ms`);
      const received = await to.page.evaluate(() =>
        [...document.querySelectorAll('[data-testid=text-item][data-from=peer] .message-text')].map((item) => item.textContent));
      assert.deepEqual(received, Array.from({ length: 20 }, (_, i) => `${from.name} says ${i + 1}`));
    }
  });

  test('had nothing to complain about in their consoles', () => {
    assert.deepEqual([...laptop.problems, ...fox.problems], []);
  });
});

/// Waits until the peer's camera moves on the screen, and checks what carried it there.
async function moving(t, device, way) {
  const shown = await device.page.evaluate(shownFrames, 60);
  const [inbound, codec] = await videoInbound(device);
  t.diagnostic(`${way}: ${shown.count} frames on the screen at ${round(shown.perSecond)} a second, ${shown.size}; ${inbound.framesDecoded} decoded`);
  assert.equal(codec, 'video/VP8');
  assert.equal(shown.count, 60, 'frames that reached the screen in 30 s');
  assert.ok(inbound.framesDecoded >= 60, `${inbound.framesDecoded} frames`);
}

async function stopped(device) {
  await device.page.waitForFunction(() => document.querySelector('.stage').dataset.showing !== 'live', { timeout: 30_000 });
}

/// The video section that frames come in by, and its codec.
async function videoInbound(device) {
  const inbound = (await statistics(device, 'inbound-rtp')).filter(({ kind }) => kind === 'video');
  const codecs = await statistics(device, 'codec');
  const busiest = inbound.sort((a, b) => (b.framesDecoded ?? 0) - (a.framesDecoded ?? 0))[0];
  return [busiest, codecs.find(({ id }) => id === busiest?.codecId)?.mimeType];
}

/// Waits for five stills in the gallery whose pictures can be seen.
async function pictures(t, device, way) {
  const loaded = () => {
    const images = [...document.querySelectorAll('[data-testid=still-item] img')];
    return images.filter((image) => image.complete && image.naturalWidth > 0).length >= 5;
  };
  const started = performance.now();
  await device.page.waitForFunction(loaded, { timeout: 60_000 });
  const stills = await device.page.evaluate(() => [...document.querySelectorAll('[data-testid=still-item]')].map((item) => {
    const image = item.querySelector('img');
    const canvas = new OffscreenCanvas(60, 40);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0, 60, 40);
    const { data } = context.getImageData(0, 0, 60, 40);
    return { seq: item.dataset.seq, bytes: item.dataset.bytes, size: `${image.naturalWidth}x${image.naturalHeight}`, hasColour: data.some((value, i) => i % 4 < 3 && value > 60) };
  }));
  t.diagnostic(`${way}: ${stills.length} stills in ${round(performance.now() - started)} ms, numbers ${stills.map(({ seq }) => seq).join(', ')} of ${stills.map(({ bytes }) => bytes ?? '?').join(', ')} bytes`);
  assert.deepEqual([...new Set(stills.map(({ size }) => size))], ['600x400']);
  assert.ok(stills.every(({ bytes }) => Number(bytes) > 0 && Number(bytes) <= 100_000), 'each still fits');
  assert.ok(stills.every(({ hasColour }) => hasColour), 'no still is black');
}
