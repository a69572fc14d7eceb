// Viewers whose offers lack the camera's codec: a program that did not name it, and a Firefox
// without its H.264 plugin, which is a download.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { FfmpegWhip } from '../lib/ffmpeg_whip.mjs';
import { Firefox } from '../lib/firefox.mjs';
import { keepPeerConnections, statistics } from '../lib/peer_connections.mjs';
import { setUp } from '../lib/people.mjs';
import { Server } from '../lib/server.mjs';
import { makeStream } from '../lib/streams.mjs';

describe('a stream in H.264', { timeout: 150_000 }, () => {
  let server, owner, camera;

  before(async () => {
    server = await Server.start();
    owner = await Device.open('owner');
    await setUp(owner, server);
    await makeStream(owner, server, 'door');
    server.order('streams', 'public', 'door', 'on');
    const { code } = server.command('streams', 'share', 'door', '--publish');
    camera = await FfmpegWhip.start(server, 'door', code, { toneHz: 440 });
    // Once something of it is seen, the server knows its codecs.
    await owner.page.goto(`${server.origin}/door/`);
    await owner.page.getByTestId('video-remote').waitFor({ state: 'visible' });
  });

  after(async () => {
    await camera?.stop();
    await owner?.close();
    await server?.close();
  });

  test('is offered to a viewer that asked for VP8, and decoded by it', async (t) => {
    const seen = await owner.page.evaluate(watchWithVp8, '/door/whep');
    t.diagnostic(`${seen.status}, ${seen.type}; the answer ${seen.answered}; ${seen.frames} frames of ${seen.codec}`);
    assert.equal(seen.status, 406);
    assert.match(seen.type, /^application\/sdp; valid-until="\w{3}, \d\d \w{3} \d{4} /);
    assert.equal(seen.answered, 204);
    assert.equal(seen.codec, 'video/H264');
    assert.ok(seen.frames > 0);
  });

  test('is heard by a browser that cannot see it, which says why', async () => {
    const fox = await Firefox.open('fox');
    try {
      await fox.page.evaluateOnNewDocument(keepPeerConnections);
      await fox.page.goto(`${server.origin}/door/`);
      await fox.waitFor('[data-testid=stream-state][data-phase=open]');
      const told = await fox.page.$eval('[data-testid=stage-empty]', (stage) => stage.textContent);
      assert.match(told, /cannot play H264.*another browser/i);
      const inbound = await statistics(fox, 'inbound-rtp');
      assert.deepEqual(inbound.map(({ kind }) => kind), ['audio']);
    } finally {
      await fox.close();
    }
  });
});

/// A viewer as a program for VP8 alone would be: what it is answered with, and what it decodes.
async function watchWithVp8(endpoint) {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const { receiver } = pc.addTransceiver('video', { direction: 'recvonly' });
  const { codecs } = RTCRtpReceiver.getCapabilities('video');
  pc.getTransceivers()[0].setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === 'video/VP8'));
  const offer = await pc.createOffer();
  const headers = { 'content-type': 'application/sdp' };
  const reply = await fetch(endpoint, { method: 'POST', headers, body: offer.sdp });
  await pc.setRemoteDescription({ type: 'offer', sdp: await reply.text() });
  const answer = await pc.createAnswer();
  await pc.setLocalDescription(answer);
  const session = new URL(reply.headers.get('location'), location.href);
  const answered = await fetch(session, { method: 'PATCH', headers, body: answer.sdp });
  const own = pc.getTransceivers().map((each) => each.receiver).find((each) => each !== receiver);
  const stats = async () => [...(await own.getStats()).values()];
  let frames = 0;
  while (frames === 0) {
    await new Promise((done) => setTimeout(done, 50));
    frames = (await stats()).find(({ type }) => type === 'inbound-rtp')?.framesDecoded ?? 0;
  }
  const codec = (await stats()).find(({ type }) => type === 'codec').mimeType;
  pc.close();
  return { status: reply.status, type: reply.headers.get('content-type'), answered: answered.status, frames, codec };
}
