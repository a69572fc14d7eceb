// Publishing and watching where no datagram goes through: over the TCP port of the pages (RFC 6544).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { figure } from '../lib/metrics.mjs';
import { keepPeerConnections, pathOf } from '../lib/peer_connections.mjs';
import { pair, setUp } from '../lib/people.mjs';
import { shownFrames } from '../lib/screen.mjs';
import { Server } from '../lib/server.mjs';
import { inPhase, makeStream } from '../lib/streams.mjs';

const round = (number) => Math.round(number * 10) / 10;

describe('a stream over TCP alone', { timeout: 120_000 }, () => {
  let server, camera, owner;

  before(async () => {
    server = await Server.start();
    [camera, owner] = await Promise.all(['camera', 'owner'].map((name) => Device.open(name)));
    for (const { context } of [camera, owner]) {
      await context.addInitScript(keepPeerConnections);
      await context.addInitScript(hearNothingOfUdp);
    }
    await setUp(owner, server);
    await pair(owner, camera, server);
    await makeStream(owner, server, 'cam0');
  });

  after(async () => {
    await Promise.all([camera, owner].map((device) => device?.close()));
    await server?.close();
  });

  test('is published', async (t) => {
    await camera.page.goto(`${server.origin}/cam0/publish`);
    await camera.page.getByTestId('preset-low').check();
    await camera.page.getByTestId('start-publishing').click();
    await inPhase(camera, 'open');
    await goesOverTcp(t, camera, server);
  });

  test('is watched', async (t) => {
    await owner.page.goto(`${server.origin}/cam0/`);
    await owner.page.getByTestId('video-remote').waitFor({ state: 'visible' });
    const shown = await owner.page.evaluate(shownFrames, 45);
    t.diagnostic(`${shown.count} frames on the screen at ${round(shown.perSecond)} a second, ${shown.size}`);
    assert.equal(shown.count, 45, 'frames that reached the screen in 30 s');
    await goesOverTcp(t, owner, server);
  });

  test('is counted by its connections', async () => {
    assert.ok(await figure(server, 'helio_gateway_connections') >= 2);
  });

  test('is over soon after its publisher was gone without a word', async (t) => {
    const gone = Date.now();
    await camera.page.goto('chrome://crash').catch(() => {});
    const isOver = () => figure(server, 'helio_gateway_ended_total{role="publish",cause="silent"}');
    while (!await isOver()) await owner.page.waitForTimeout(100);
    const tookMs = Date.now() - gone;
    t.diagnostic(`after ${tookMs} ms`);
    assert.ok(tookMs < 10_000, 'not the 30 s of a client that may come back');
  });
});

/// Runs in the page before its scripts: whatever is answered, its UDP candidates are not heard.
function hearNothingOfUdp() {
  const { setRemoteDescription, addIceCandidate } = RTCPeerConnection.prototype;
  const isUdp = (line) => /candidate:\S+ \d+ udp /i.test(line);
  RTCPeerConnection.prototype.setRemoteDescription = function set({ type, sdp }) {
    const lines = sdp.split('\r\n').filter((line) => !isUdp(line));
    return setRemoteDescription.call(this, { type, sdp: lines.join('\r\n') });
  };
  RTCPeerConnection.prototype.addIceCandidate = function add(candidate) {
    return isUdp(candidate?.candidate ?? '') ? Promise.resolve() : addIceCandidate.call(this, candidate);
  };
}

async function goesOverTcp(t, device, server) {
  const [local, remote] = await pathOf(device);
  t.diagnostic(`${device.name}: ${local.protocol} ${local.tcpType ?? ''} to ${remote.address}:${remote.port} ${remote.protocol}`);
  assert.deepEqual([local.protocol, remote.protocol, remote.port], ['tcp', 'tcp', server.port]);
}
