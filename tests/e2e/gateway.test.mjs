// The gateway's pages: one browser publishes, others watch, by their account, by a share link and
// as strangers; the picture is compared by its frame counter, and of the sound that it is there.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { latencies, percentile, watchClock } from '../lib/camera.mjs';
import { figure as metric } from '../lib/metrics.mjs';
import { keepPeerConnections, pathOf, restartedIce, iceUfrag, statistics } from '../lib/peer_connections.mjs';
import { pair, setUp } from '../lib/people.mjs';
import { shownFrames } from '../lib/screen.mjs';
import { Server } from '../lib/server.mjs';
import { inPhase, makeStream } from '../lib/streams.mjs';

const round = (number) => Math.round(number * 10) / 10;
/// Chromium's fake microphone beeps once a second.
const BEEP_SECONDS = 4;

describe('a stream', { timeout: 270_000 }, () => {
  let server, camera, owner, guest;

  before(async () => {
    server = await Server.start();
    [camera, owner, guest] = await Promise.all(['camera', 'owner', 'guest'].map((name) => Device.open(name)));
    for (const { context } of [camera, owner, guest]) await context.addInitScript(keepPeerConnections);
    await setUp(owner, server);
    await pair(owner, camera, server);
  });

  after(async () => {
    await Promise.all([camera, owner, guest].map((device) => device?.close()));
    await server?.close();
  });

  test('is made on the streams page', async () => {
    await makeStream(owner, server, 'cam0');
  });

  test('says that nothing is published yet', async () => {
    await owner.page.goto(`${server.origin}/cam0`);
    await inPhase(owner, 'waiting');
    assert.equal(new URL(owner.page.url()).pathname, '/cam0/');
    assert.match(await owner.page.getByTestId('stage-empty').textContent(), /Nothing is published here yet/);
  });

  test('carries a page\'s camera and microphone to a page that waited for it', async (t) => {
    await startPublishing(camera, server);
    await watches(t, owner, 'who waited');
    const late = await watchBoth(camera, owner, 5000);
    t.diagnostic(`latency from preview to screen: p50 ${round(percentile(late, 0.5))} ms, p95 ${round(percentile(late, 0.95))} ms over ${late.length} frames`);
    assert.ok(late.length > 30, 'the frame counter is read on both sides');
  });

  test('has sound that can be heard', async (t) => {
    const [sound] = (await statistics(owner, 'inbound-rtp')).filter(({ kind }) => kind === 'audio');
    assert.ok(sound.packetsReceived > 0, 'packets of sound');
    await owner.page.getByTestId('sound').click();
    assert.equal(await owner.page.getByTestId('video-remote').evaluate((video) => video.muted), false);
    const loudest = await owner.page.evaluate(loudestOf, BEEP_SECONDS);
    t.diagnostic(`loudest sample in ${BEEP_SECONDS} s: ${round(loudest * 100)} % of full scale`);
    assert.ok(loudest > 0.01, 'the microphone\'s beep arrives');
  });

  test('tells its figures on both pages', async (t) => {
    for (const [device, prefix] of [[owner, ''], [camera, 'out-']]) {
      const told = {};
      for (const id of ['resolution', 'fps', 'bitrate']) told[id] = await figure(device, `stat-${prefix}${id}`);
      told.path = await figure(device, 'stat-path');
      t.diagnostic(`${device.name}: ${JSON.stringify(told)}`);
    }
    const [local, remote] = await pathOf(owner);
    t.diagnostic(`path ${local.candidateType} / ${remote.candidateType} over ${local.protocol}`);
  });

  test('is not shown to a stranger, who is told what to do', async () => {
    await guest.page.goto(`${server.origin}/cam0/`);
    const refusal = guest.page.getByTestId('stream-refusal');
    await refusal.waitFor();
    assert.match(await refusal.textContent(), /not public/);
    assert.match(await refusal.textContent(), /share link/);
    await guest.page.goto(`${server.origin}/cam0/publish`);
    assert.match(await guest.page.getByTestId('stream-failure').textContent(), /no device of an account/);
  });

  test('is watched by a guest with a share link, whose code is in no address that is asked for', async (t) => {
    const link = await shareLink(owner, server, 'view');
    const code = new URL(link).hash.slice(1);
    assert.ok(code.length >= 22, 'at least 128 bits');
    const asked = [];
    guest.page.on('request', (request) => asked.push(request.url().split('#')[0]));
    await guest.page.goto(link);
    await watches(t, guest, 'a guest');
    assert.deepEqual(asked.filter((url) => url.includes(code)), []);
    assert.ok(!server.log.includes(code), 'the log does not know it');
  });

  test('is watched by two at once', async (t) => {
    await owner.page.goto(`${server.origin}/cam0/`);
    await watches(t, owner, 'the owner beside a guest');
    await watches(t, guest, 'the guest beside the owner');
  });

  test('finds another path when ICE restarts, without another session', async () => {
    const before = await iceUfrag(owner);
    const made = await connectionsMade(owner);
    await owner.page.evaluate(() => dispatchEvent(new Event('online')));
    await restartedIce(owner, before);
    await inPhase(owner, 'open');
    assert.equal(await connectionsMade(owner), made);
  });

  test('stops, and its viewers say so', async () => {
    await camera.page.getByTestId('stop-publishing').click();
    await owner.page.getByTestId('stage-empty').filter({ hasText: /has stopped/ }).waitFor({ timeout: 15_000 });
  });

  test('comes back to those who waited', async (t) => {
    await camera.page.getByTestId('start-publishing').click();
    await watches(t, owner, 'after the publisher came back');
    await watches(t, guest, 'the guest after the publisher came back');
  });

  test('is taken from a guest whose link is revoked', async () => {
    const { shares: [share] } = server.command('streams', 'shares', 'cam0');
    server.order('streams', 'revoke', 'cam0', share.id);
    await guest.page.getByTestId('stream-refusal').waitFor({ timeout: 15_000 });
    await inPhase(owner, 'open');
  });

  test('is open to strangers once it is public', async (t) => {
    await owner.page.goto(`${server.origin}/streams`);
    await owner.page.getByTestId('public-switch').check();
    await guest.page.goto(`${server.origin}/cam0/`);
    await watches(t, guest, 'a stranger');
  });

  test('is taken from strangers once it is not public any more', async () => {
    server.order('streams', 'public', 'cam0', 'off');
    await guest.page.getByTestId('stream-refusal').filter({ hasText: /not public/ }).waitFor({ timeout: 15_000 });
  });

  test('is published by a guest with a link for that, who takes the place of the camera', async (t) => {
    const link = await shareLink(owner, server, 'publish');
    await owner.page.goto(`${server.origin}/cam0/`);
    await watches(t, owner, 'before');
    await guest.page.goto(link);
    await guest.page.getByTestId('start-publishing').click();
    await inPhase(guest, 'open');
    await camera.page.getByTestId('stream-refusal').filter({ hasText: /Another device publishes/ }).waitFor();
    await watches(t, owner, 'the guest\'s camera');
  });

  test('is counted: who came, why who went, and who is there', async () => {
    const counted = async (name) => metric(server, `helio_gateway_${name}`);
    const ended = (role, cause) => counted(`ended_total{role="${role}",cause="${cause}"}`);
    for (const [role, cause] of [['publish', 'deleted'], ['publish', 'replaced'], ['watch', 'revoked'], ['watch', 'not public']]) {
      assert.equal(await ended(role, cause), 1, `${role}: ${cause}`);
    }
    assert.equal(await counted('sessions_total{role="publish"}'), 3, 'a camera twice, and a guest');
    assert.ok(await counted('sessions_total{role="watch"}') >= 5);
    assert.equal(await counted('streams'), 1);
    assert.ok(await counted('viewers') >= 1);
  });
});

async function startPublishing(device, server) {
  const { page } = device;
  await page.goto(`${server.origin}/cam0/publish`);
  await page.getByTestId('preset-low').check();
  await page.getByTestId('microphone').check();
  await page.getByTestId('start-publishing').click();
  await inPhase(device, 'open');
}

/// Waits until a watch page shows a moving picture, and tells its rate.
async function watches(t, device, who) {
  await device.page.getByTestId('video-remote').waitFor({ state: 'visible' });
  const shown = await device.page.evaluate(shownFrames, 45);
  t.diagnostic(`${who}: ${shown.count} frames on the screen at ${round(shown.perSecond)} a second, ${shown.size}`);
  assert.equal(shown.count, 45, 'frames that reached the screen in 30 s');
}

/// Milliseconds from the preview to the viewer's screen, over so long.
async function watchBoth(sender, receiver, spanMs) {
  await sender.page.evaluate(watchClock, '[data-testid=video-self]');
  await receiver.page.evaluate(watchClock, '[data-testid=video-remote]');
  await receiver.page.waitForTimeout(spanMs);
  const [local, remote] = await Promise.all([sender, receiver].map(({ page }) => page.evaluate(() => window.__clock.stop())));
  return latencies(local, remote);
}

/// One for each time that the page asked the gateway.
function connectionsMade(device) {
  return device.page.evaluate(() => window.__peerConnections.length);
}

/// A figure's value, once it is known.
async function figure(device, testId) {
  const known = device.page.getByTestId(testId).filter({ hasText: /[0-9]|host|relay/ });
  await known.waitFor();
  return known.textContent();
}

/// Runs in a page: the loudest sample of the remote video's sound in so many seconds.
async function loudestOf(seconds) {
  const video = document.querySelector('[data-testid=video-remote]');
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(video.srcObject).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const end = performance.now() + seconds * 1000;
  let loudest = 0;
  while (performance.now() < end) {
    analyser.getFloatTimeDomainData(samples);
    for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
    await new Promise(requestAnimationFrame);
  }
  await context.close();
  return loudest;
}

/// Makes a link on the streams page and returns its address.
async function shareLink(device, server, action) {
  const { page } = device;
  await page.goto(`${server.origin}/streams`);
  await page.getByTestId('share-stream').click();
  await page.getByTestId(`share-action-${action}`).check();
  await page.getByTestId('share-label').fill(`for ${action}`);
  await page.getByTestId('share-make').click();
  await page.getByTestId('share-made').waitFor();
  return page.getByTestId('share-link').inputValue();
}
