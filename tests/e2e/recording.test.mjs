// A stream that is recorded: FFmpeg publishes, files are written, and its server is killed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { FfmpegWhip } from '../lib/ffmpeg_whip.mjs';
import { setUp } from '../lib/people.mjs';
import { killOnce } from '../lib/recording_kills.mjs';
import { decode, pitch, probe, segmentsOf, until } from '../lib/recordings.mjs';
import { Server } from '../lib/server.mjs';
import { makeStream } from '../lib/streams.mjs';

const TONE_HZ = 440;
const SEGMENT_MS = 10_000;
const KILLS = Number(process.env.KILLS ?? 5);

describe('a stream that is recorded', { timeout: 280_000 + KILLS * 30_000 }, () => {
  let server, owner, code, camera;

  const publish = () => FfmpegWhip.start(server, 'door', code, { toneHz: TONE_HZ });
  const stateOf = () => server.command('streams').streams[0].recording;
  const recorded = () => until('it is recorded', () => stateOf() === 'recording');

  before(async () => {
    server = await Server.start({ set: { 'recording.min_free_bytes': 0 } });
    owner = await Device.open('owner');
    await setUp(owner, server);
    await makeStream(owner, server, 'door');
    server.order('streams', 'record', 'door', 'on');
    ({ code } = server.command('streams', 'share', 'door', '--publish'));
  });

  after(async () => {
    await camera?.stop();
    await owner?.close();
    await server?.close();
  });

  test('is written in segments that play by themselves and meet', async (t) => {
    assert.equal(stateOf(), 'waiting');
    camera = await publish();
    await recorded();
    await until('two segments', () => segmentsOf(server, 'door').length >= 2, 40_000);
    await camera.stop();
    await until('it waits', () => stateOf() === 'waiting');
    const segments = segmentsOf(server, 'door');
    for (const segment of segments) {
      decode(segment.path);
      const [picture, sound] = probe(segment.path);
      t.diagnostic(`${segment.duration} ms: ${picture.packets} pictures, ${sound.packets} sounds`);
      assert.deepEqual([picture.codec, sound.codec], ['h264', 'opus']);
      assert.ok(Math.abs(picture.seconds * 1000 - segment.duration) < 50, `${picture.seconds} s`);
      assert.ok(Math.abs(picture.packets - picture.seconds * 30) <= 2, 'no picture is missing');
      // A decoder that begins in the middle of a tone needs a moment.
      if (picture.seconds < 5) continue;
      const hertz = pitch(segment.path);
      assert.ok(Math.abs(hertz - TONE_HZ) < 5, `${hertz} Hz`);
    }
    const [first, second] = segments;
    assert.ok(Math.abs(first.duration - SEGMENT_MS) < 1500, `${first.duration} ms`);
    assert.equal(first.end, second.start, 'nothing is missing in between');
    assert.equal(first.run, second.run);
  });

  test(`loses nothing that is finished, killed ${KILLS} times`, async (t) => {
    for (let count = 0; count < KILLS; count += 1) {
      const { elapsed, segments, recorded: sum, missing, lost } = await killOnce(server, 'door', code);
      t.diagnostic(`killed after ${elapsed} ms: ${segments} segments of ${sum} ms, ${missing} ms missing`);
      assert.equal(lost, 0);
      assert.ok(sum >= elapsed - SEGMENT_MS, `${sum} ms of ${elapsed} ms`);
    }
  });
});
