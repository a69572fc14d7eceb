// Recordings played: in the page by hls.js, over HTTP, as one film, and by nobody who may not.
import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { FfmpegWhip } from '../lib/ffmpeg_whip.mjs';
import { setUp } from '../lib/people.mjs';
import { decode, pitch, probe, segmentsOf, until } from '../lib/recordings.mjs';
import { Server } from '../lib/server.mjs';
import { makeStream } from '../lib/streams.mjs';

const TONE_HZ = 440;

describe('recordings', { timeout: 270_000 }, () => {
  let server, owner, camera, publishCode, viewCode;

  /// A request with a bearer token; its body is bytes.
  const ask = (path, { bearer, method = 'GET', headers = {} } = {}) => new Promise((done, fail) => {
    const { hostname, port } = new URL(server.origin);
    const authorization = bearer ? { authorization: `Bearer ${bearer}` } : {};
    // The path as it is: URL would resolve its dots.
    const options = { hostname, port, path, method, rejectUnauthorized: false, headers: { ...authorization, ...headers } };
    request(options, (reply) => {
      const parts = [];
      reply.on('data', (part) => parts.push(part));
      reply.on('end', () => done({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(parts) }));
    }).on('error', fail).end();
  });

  before(async () => {
    server = await Server.start({ set: { 'recording.min_free_bytes': 0, 'recording.segment_seconds': 4 } });
    owner = await Device.open('owner');
    await setUp(owner, server);
    await makeStream(owner, server, 'door');
    await owner.page.getByTestId('record-switch').click();
    publishCode = server.command('streams', 'share', 'door', '--publish').code;
    viewCode = server.command('streams', 'share', 'door', '--view').code;
    await until('the switch is on', () => server.command('streams').streams[0].isRecorded);
    camera = await FfmpegWhip.start(server, 'door', publishCode, { toneHz: TONE_HZ });
    await until('three segments', () => segmentsOf(server, 'door').length >= 3, 60_000);
  });

  after(async () => {
    await camera?.stop();
    await owner?.close();
    await server?.close();
  });

  test('play in the page while they grow', async (t) => {
    const { page } = owner;
    await page.goto(`${server.origin}/door/`);
    await page.getByTestId('recording-mark').waitFor();
    await page.getByTestId('go-back').click();
    const video = page.getByTestId('recording-video');
    await video.waitFor();
    await video.evaluate((element) => element.play());
    await page.waitForFunction(() => document.querySelector('video').currentTime > 6, null, { timeout: 60_000 });
    const seen = await video.evaluate((element) => ({
      width: element.videoWidth,
      frames: element.getVideoPlaybackQuality().totalVideoFrames,
      heard: element.webkitAudioDecodedByteCount,
      seconds: element.currentTime,
    }));
    t.diagnostic(JSON.stringify(seen));
    assert.ok(seen.width > 0 && seen.frames > 100 && seen.heard > 1000, 'seen and heard across segments');
    const before = await page.getByTestId('moment').textContent();
    await page.getByTestId('span').first().click();
    await page.waitForFunction(() => document.querySelector('video').currentTime < 3);
    assert.match(before, /\d\d:\d\d:\d\d/);
    await page.getByTestId('go-live').click();
    await page.getByTestId('video-remote').waitFor({ state: 'visible' });
  });

  test('are a playlist of parts of files', async () => {
    const list = JSON.parse((await ask('/api/streams/door/recordings', { bearer: viewCode })).body);
    assert.equal(list.state, 'recording');
    assert.equal(list.spans.length, 1, 'one run is one span');
    const [{ from }] = list.spans;
    const growing = await ask(`/door/hls/index.m3u8?from=${from}`, { bearer: viewCode });
    assert.equal(growing.headers['content-type'], 'application/vnd.apple.mpegurl');
    const text = growing.body.toString();
    assert.match(text, /#EXT-X-PLAYLIST-TYPE:EVENT/);
    assert.doesNotMatch(text, /ENDLIST|DISCONTINUITY/);
    assert.equal(text.match(/#EXT-X-MAP/g).length, 1, 'coded alike');
    const [first] = segmentsOf(server, 'door');
    const part = await ask(`/door/hls/${first.start}.mp4`, { bearer: viewCode, headers: { range: 'bytes=4-7' } });
    assert.deepEqual([part.status, part.body.toString()], [206, 'ftyp']);
    const past = await ask(`/door/hls/${first.start}.mp4`, { bearer: viewCode, headers: { range: 'bytes=99999999999-' } });
    assert.equal(past.status, 416);
    await camera.stop();
    await owner.page.goto('about:blank');
  });

  test('are one film with times that go on', async (t) => {
    const segments = segmentsOf(server, 'door').slice(0, 3);
    const ticket = JSON.parse((await ask('/api/streams/door/recordings/ticket', { bearer: viewCode, method: 'POST' })).body).ticket;
    const to = segments[2].start + 1;
    const reply = await ask(`/door/recording.mp4?from=${segments[0].start}&to=${to}&ticket=${ticket}`);
    assert.equal(reply.status, 200);
    assert.match(reply.headers['content-disposition'], /attachment; filename="door-\d+\.mp4"/);
    const film = join(server.data, 'film.mp4');
    writeFileSync(film, reply.body);
    decode(film);
    const [picture, sound] = probe(film);
    const expected = segments.reduce((ms, { duration }) => ms + duration, 0) / 1000;
    t.diagnostic(`${picture.seconds} s of picture, ${sound.seconds} s of sound, ${expected} s recorded`);
    assert.equal(picture.begin, 0);
    assert.ok(Math.abs(picture.seconds - expected) < 0.1 && Math.abs(sound.seconds - expected) < 0.3);
    assert.ok(Math.abs(picture.packets - expected * 30) <= 3);
    assert.ok(Math.abs(pitch(film) - TONE_HZ) < 5);
  });

  test('are for those who may view the stream, and lead nowhere else', async () => {
    const [{ start }] = segmentsOf(server, 'door');
    const { code: publishes } = server.command('streams', 'share', 'door', '--publish');
    for (const path of ['/door/hls/index.m3u8', `/door/hls/${start}.mp4`, '/door/recording.mp4', '/api/streams/door/recordings']) {
      assert.equal((await ask(path)).status, 401, path);
      assert.equal((await ask(path, { bearer: publishes })).status, 403, path);
      const other = path.replace('door', 'other');
      assert.equal((await ask(other, { bearer: viewCode })).status, 403, other);
    }
    for (const path of [
      '/door/hls/..%2f..%2fheliograph.db', '/door/hls/%2e%2e/x.mp4', '/door/hls/0.mp4', `/door/hls/${start}.part`,
      `/door/hls/+${start}.mp4x`, '/..%2fdoor/hls/index.m3u8', '/door/hls/-1.mp4', '/door/hls/99999999999999999999999.mp4',
    ]) {
      const { status } = await ask(path, { bearer: viewCode });
      assert.ok([404, 400].includes(status), `${path}: ${status}`);
    }
    assert.equal((await ask('/door/recording.mp4?ticket=5-AAAA')).status, 401);
    assert.equal((await ask('/door/hls/index.m3u8?from=x', { bearer: viewCode })).status, 400);
    assert.equal((await ask('/api/streams/door/recordings?from=0&to=9', { bearer: viewCode, method: 'DELETE' })).status, 401);
  });

  test('are deleted by their owner, in the page and on the command line', async () => {
    const { page } = owner;
    await page.goto(`${server.origin}/door/recordings`);
    const lost = segmentsOf(server, 'door').at(-1);
    rmSync(lost.path);
    assert.equal((await ask(`/door/hls/${lost.start}.mp4`, { bearer: viewCode })).status, 404);
    const [span, ...others] = server.command('recordings', 'list', 'door').spans;
    assert.deepEqual([span.to, others], [lost.start, []], 'what is gone is not listed');
    const [first] = segmentsOf(server, 'door');
    const before = new Date(first.start + 1).toISOString();
    assert.match(server.order('recordings', 'delete', 'door', '--to', before), /^1 files of door are deleted/);
    assert.ok(!existsSync(first.path) && segmentsOf(server, 'door').length > 1);
    await page.getByTestId('delete-day').click();
    await page.getByTestId('confirm').click();
    await page.getByTestId('no-recordings').waitFor();
    assert.deepEqual(segmentsOf(server, 'door'), []);
    const deleted = server.command('audit').entries.filter(({ action }) => action === 'recordings-deleted');
    assert.deepEqual(deleted.map(({ account }) => account !== undefined).sort(), [false, true], 'by the operator, and by the account');
  });

  test('end with the name of their stream', async () => {
    camera = await FfmpegWhip.start(server, 'door', publishCode, { toneHz: TONE_HZ });
    await until('there is one', () => segmentsOf(server, 'door').length > 0);
    await camera.stop();
    const { page } = owner;
    await page.goto(`${server.origin}/streams`);
    await page.getByTestId('remove-stream').click();
    await page.getByRole('button', { name: 'Remove stream' }).click();
    await until('nothing is left', () => segmentsOf(server, 'door').length === 0);
  });
});
