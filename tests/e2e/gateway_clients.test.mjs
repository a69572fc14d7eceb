// Clients that are nobody's of ours, on a page of another site: `whip-whep` publishes and watches,
// `@eyevinn/webrtc-player` watches; and `<heliograph-player>`, which is for such pages.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { FPS, pictureSteps } from '../lib/camera.mjs';
import { OtherSite } from '../lib/other_site.mjs';
import { setUp } from '../lib/people.mjs';
import { loudestPitch } from '../lib/pitch.mjs';
import { freePort, LAN, Server } from '../lib/server.mjs';
import { makeStream } from '../lib/streams.mjs';

const TONE_HZ = 660;
const PICTURES = 60;

describe('clients of others', { timeout: 180_000 }, () => {
  let server, site, owner, camera, viewer, publishing, viewing, plain, paths;

  before(async () => {
    [plain, paths] = [`${LAN}:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const set = { 'http.lan_plain': `"${plain}"`, 'paths_api.listen': `"${paths}"` };
    [server, site] = await Promise.all([Server.start({ set }), OtherSite.start()]);
    [owner, camera, viewer] = await Promise.all(['owner', 'camera', 'viewer'].map((name) => Device.open(name)));
    await setUp(owner, server);
    await makeStream(owner, server, 'yard');
    const code = (right) => server.command('streams', 'share', 'yard', right).code;
    publishing = [`${server.origin}/yard/whip`, code('--publish')];
    viewing = [`${server.origin}/yard/whep`, code('--view')];
    await camera.page.goto(site.origin);
    await camera.page.evaluate(([url, token, tone]) => window.publish(url, token, tone), [...publishing, TONE_HZ]);
  });

  after(async () => {
    await Promise.all([owner, camera, viewer].map((device) => device?.close()));
    await Promise.all([server?.close(), site?.close()]);
  });

  test('whip-whep publishes without a candidate in its offer, and trickles them', async () => {
    await camera.page.waitForFunction(() => window.connection.connectionState === 'connected');
    const [offer, ...later] = await camera.page.evaluate(() => window.requests);
    assert.ok(offer.status === 201 && !offer.body.includes('a=candidate:'));
    assert.ok(later.length > 0 && later.every(({ method, status }) => method === 'PATCH' && status === 204), JSON.stringify(later));
  });

  test('whip-whep watches, and sees and hears what is published', async (t) => {
    await viewer.page.goto(site.origin);
    await viewer.page.evaluate(([url, token]) => window.watch(url, token), viewing);
    await seesAndHears(t);
  });

  test('whip-whep is told who publishes and how many watch', async () => {
    const told = await viewer.page.evaluate(nextEvents, ['active', 'viewercount']);
    assert.deepEqual(told, [['active', {}], ['viewercount', { viewercount: 1 }]]);
  });

  test('whip-whep stops watching', async () => {
    await viewer.page.evaluate(() => window.stop());
    await server.logged(/session ended .*role="watch" why="deleted"/);
  });

  test('@eyevinn/webrtc-player watches, and sees and hears what is published', async (t) => {
    await viewer.page.goto(site.origin);
    await viewer.page.evaluate(([url, token]) => window.play(url, token), viewing);
    await seesAndHears(t);
    await viewer.page.evaluate(() => window.stop());
  });

  test('@eyevinn/webrtc-player watches in plain HTTP, and a program of this machine reads who does', async (t) => {
    const [, token] = viewing;
    await viewer.page.goto(site.origin);
    await viewer.page.evaluate(([url, code]) => window.play(url, code), [`http://${plain}/yard/whep`, token]);
    await seesAndHears(t);
    const { items } = await (await fetch(`http://${paths}/v3/paths/list`)).json();
    assert.deepEqual(items.map(({ name, ready }) => [name, ready]), [['yard', true]]);
    assert.ok(items[0].readers.length > 0, 'whoever watches');
    await viewer.page.evaluate(() => window.stop());
  });

  test('<heliograph-player> on a page of another site says what it waits for, and is seen and heard', async (t) => {
    const [src, token] = viewing;
    await viewer.page.goto(`${site.origin}/empty`);
    await viewer.page.setContent(`<script type="module" src="${server.origin}/player.js"></script>
      <heliograph-player src="${src}" controls muted></heliograph-player>`);
    const player = viewer.page.locator('heliograph-player');
    await player.locator('p').filter({ hasText: 'refused' }).waitFor();
    await player.evaluate((element, code) => element.setAttribute('token', code), token);
    await player.locator('video').waitFor();
    await seesAndHears(t, 'heliograph-player >>> video');
    assert.equal(await player.evaluate((element) => element.phase), 'open');
    await player.evaluate((element) => element.remove());
  });

  test('whip-whep stops publishing, and the stream has no source', async () => {
    await camera.page.evaluate(() => window.stop());
    await server.logged(/session ended .*role="publish" why="deleted"/);
  });

  async function seesAndHears(t, selector = 'video') {
    // The first is the last key frame, of whenever that was.
    const [, ...steps] = await pictureSteps(viewer.page, selector, PICTURES);
    const hertz = await viewer.page.evaluate(loudestPitch, [selector, 1000]);
    t.diagnostic(`${PICTURES} pictures in steps of ${[...new Set(steps)].sort((a, b) => a - b).join(' ')}, ${hertz.toFixed(1)} Hz`);
    assert.ok(steps.every((step) => step > 0 && step < FPS), 'each picture is later than the one before');
    assert.ok(Math.abs(hertz - TONE_HZ) < 5, `${hertz} Hz`);
  }
});

/// Runs in a page: the first of each of these events that the client's event stream tells from now on.
async function nextEvents(names) {
  const { url } = window.client.eventSource;
  const source = new EventSource(url);
  const told = await Promise.all(names.map((name) => new Promise((done) => {
    source.addEventListener(name, ({ data }) => done([name, JSON.parse(data)]), { once: true });
  })));
  source.close();
  return told;
}
