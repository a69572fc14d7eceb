// Pictures in VP8, VP9 and AV1 of a real browser: recorded, decoded by FFmpeg, played in Chromium.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { setUp } from '../lib/people.mjs';
import { decode, probe, segmentsOf, until } from '../lib/recordings.mjs';
import { Server } from '../lib/server.mjs';
import { makeStream } from '../lib/streams.mjs';

/// What RTP calls it, what FFmpeg does, and whether browsers play it in MP4.
const CODECS = [['VP8', 'vp8', false], ['VP9', 'vp9', true], ['AV1', 'av1', true]];

/// Runs in a page: publishes its camera in one codec for so long.
async function publishIn({ endpoint, code, mimeType, ms }) {
  const pc = new RTCPeerConnection();
  const media = await navigator.mediaDevices.getUserMedia({ video: { width: 320, height: 240 }, audio: true });
  for (const track of media.getTracks()) pc.addTransceiver(track, { direction: 'sendonly', streams: [media] });
  const video = pc.getTransceivers().find(({ sender }) => sender.track.kind === 'video');
  const codecs = RTCRtpSender.getCapabilities('video').codecs.filter((codec) => codec.mimeType === mimeType);
  video.setCodecPreferences(codecs);
  await pc.setLocalDescription();
  const headers = { 'content-type': 'application/sdp', authorization: `Bearer ${code}` };
  const reply = await fetch(endpoint, { method: 'POST', headers, body: pc.localDescription.sdp });
  if (reply.status !== 201) throw new Error(`${reply.status}: ${await reply.text()}`);
  await pc.setRemoteDescription({ type: 'answer', sdp: await reply.text() });
  await new Promise((done) => setTimeout(done, ms));
  await fetch(reply.headers.get('location'), { method: 'DELETE', headers });
  pc.close();
}

describe('a stream is recorded in', { timeout: 200_000 }, () => {
  let server, owner;

  before(async () => {
    server = await Server.start({ set: { 'recording.min_free_bytes': 0, 'recording.segment_seconds': 2 } });
    owner = await Device.open('owner');
    await setUp(owner, server);
  });

  after(async () => {
    await owner?.close();
    await server?.close();
  });

  for (const [name, codec, isPlayed] of CODECS) {
    test(`${name}, and ${isPlayed ? 'played in the page' : 'played by FFmpeg'}`, async (t) => {
      const { page } = owner;
      await makeStream(owner, server, codec);
      server.order('streams', 'record', codec, 'on');
      const { code } = server.command('streams', 'share', codec, '--publish');
      await page.evaluate(publishIn, { endpoint: `${server.origin}/${codec}/whip`, code, mimeType: `video/${name}`, ms: 5000 });
      await until('two segments', () => segmentsOf(server, codec).length >= 2);
      for (const { path } of segmentsOf(server, codec)) {
        decode(path);
        const [picture, sound] = probe(path);
        t.diagnostic(JSON.stringify([picture, sound]));
        assert.deepEqual([picture.codec, sound.codec], [codec, 'opus']);
        assert.ok(picture.packets > 3);
      }
      await page.goto(`${server.origin}/${codec}/recordings`);
      const video = page.getByTestId('recording-video');
      await video.waitFor();
      if (isPlayed) {
        await video.evaluate((element) => void element.play());
        await page.waitForFunction(() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames > 30);
        assert.equal(await video.evaluate((element) => element.videoWidth > 0), true);
      } else {
        await page.getByTestId('recording-failure').getByText('Download it').waitFor();
      }
    });
  }
});
