// `helio publish` and `helio watch`: Chromium watches what the first sends, the second saves what
// FFmpeg publishes; refusals end with what they are.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { filmFile, FPS, pictureSteps, SECONDS } from '../lib/camera.mjs';
import { FfmpegWhip } from '../lib/ffmpeg_whip.mjs';
import { NativeDevice } from '../lib/native.mjs';
import { setUp } from '../lib/people.mjs';
import { loudestPitch } from '../lib/pitch.mjs';
import { decode, pitch, probe } from '../lib/recordings.mjs';
import { Server } from '../lib/server.mjs';
import { makeStream } from '../lib/streams.mjs';

const TONE_HZ = 440;
const HIGH_TONE_HZ = 1000;
const PICTURES = 30;
const SAVED_SECONDS = 4;
const VIDEO = '[data-testid=video-remote]';

describe('streams on the command line', { timeout: 120_000 }, () => {
  let server, viewer, box, folder, codes;

  /// Starts `helio publish` or `helio watch` at the server's stream.
  function start(command, ...words) {
    const [endpoint, token] = command === 'publish' ? ['whip', codes.publish] : ['whep', codes.view];
    const ca = join(server.data, 'tls', 'ca.pem');
    return box.start(command, `${server.origin}/pier/${endpoint}`, '--token', token, '--ca', ca, ...words);
  }

  before(async () => {
    server = await Server.start();
    viewer = await Device.open('viewer');
    box = new NativeDevice('box');
    folder = mkdtempSync(join(tmpdir(), 'helio-saved-'));
    await setUp(viewer, server);
    await makeStream(viewer, server, 'pier');
    const code = (right) => server.command('streams', 'share', 'pier', `--${right}`).code;
    codes = { publish: code('publish'), view: code('view') };
  });

  after(async () => {
    await Promise.all([viewer?.close(), box?.close()]);
    await server?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  test('Chromium watches what helio publishes, picture by picture, in its colours and at its pitch', async (t) => {
    const publishing = start('publish', '--preset', 'low', '--tone', String(HIGH_TONE_HZ));
    await publishing.fact('connected');
    await viewer.page.goto(`${server.origin}/pier/`);
    await viewer.page.getByTestId('video-remote').waitFor({ state: 'visible' });
    const [, ...steps] = await pictureSteps(viewer.page, VIDEO, PICTURES);
    t.diagnostic(`${PICTURES} pictures in steps of ${[...new Set(steps)].sort((a, b) => a - b).join(' ')}`);
    assert.ok(steps.every((step) => step > 0 && step < 15), 'each is later than the one before');
    const far = await viewer.page.evaluate(distanceFromPattern);
    t.diagnostic(`colours are ${far} of 255 away from the pattern's`);
    assert.ok(far < 24, `${far}`);
    const hertz = await viewer.page.evaluate(loudestPitch, [VIDEO, 1000]);
    t.diagnostic(`${hertz.toFixed(1)} Hz`);
    assert.ok(Math.abs(hertz - HIGH_TONE_HZ) < 5, `${hertz} Hz`);
    publishing.child.kill('SIGINT');
    assert.equal(await publishing.exited, 0, publishing.errors);
    await server.logged(/session ended .*role="publish" why="(closed|deleted)"/);
  });

  test('Chromium sees and hears the film that helio publishes, at its pace', async (t) => {
    const publishing = start('publish', '--preset', 'low', filmFile(TONE_HZ));
    try {
      await publishing.fact('connected');
      await viewer.page.goto(`${server.origin}/pier/`);
      await viewer.page.getByTestId('video-remote').waitFor({ state: 'visible' });
      const began = Date.now();
      // The first is the last key frame, of whenever that was.
      const [, ...steps] = await pictureSteps(viewer.page, VIDEO, PICTURES);
      const seconds = (Date.now() - began) / 1000;
      const passed = steps.reduce((sum, step) => sum + step, 0) / FPS;
      t.diagnostic(`${PICTURES} pictures: ${passed.toFixed(1)} s of film in ${seconds.toFixed(1)} s`);
      assert.ok(steps.every((step) => step < (FPS * SECONDS) / 2), 'none is earlier than the one before');
      assert.ok(passed > seconds / 2 && passed < seconds * 2, 'neither slower nor faster than it was taken');
      const hertz = await viewer.page.evaluate(loudestPitch, [VIDEO, 1000]);
      t.diagnostic(`${hertz.toFixed(1)} Hz`);
      assert.ok(Math.abs(hertz - TONE_HZ) < 5, `${hertz} Hz`);
    } finally {
      publishing.child.kill('SIGINT');
    }
    assert.equal(await publishing.exited, 0, publishing.errors);
  });

  test('helio watch saves what FFmpeg publishes: picture and sound in one file, the first picture in another', async (t) => {
    const camera = await FfmpegWhip.start(server, 'pier', codes.publish, { toneHz: TONE_HZ });
    try {
      const [film, picture] = ['film.mp4', 'first.png'].map((name) => join(folder, name));
      const watching = start('watch', '--save', film, '--picture', picture, '--seconds', String(SAVED_SECONDS));
      const saved = await watching.fact('saved');
      assert.equal(await watching.exited, 0, watching.errors);
      const figures = watching.facts.filter(({ event }) => event === 'figures').at(-1);
      t.diagnostic(JSON.stringify(figures));
      decode(film);
      const tracks = probe(film);
      const [video, sound] = ['video', 'audio'].map((type) => tracks.find((track) => track.type === type));
      t.diagnostic(`${video.packets} pictures of ${video.seconds} s, ${sound.packets} sounds of ${sound.seconds} s`);
      assert.deepEqual([video.codec, sound.codec], ['h264', 'opus']);
      assert.equal(video.packets, saved.frames);
      assert.ok(Math.abs(video.seconds - SAVED_SECONDS) < 1, `${video.seconds} s`);
      assert.ok(Math.abs(video.seconds - sound.seconds) < 0.3, 'both are as long');
      const hertz = pitch(film);
      assert.ok(Math.abs(hertz - TONE_HZ) < 5, `${hertz} Hz`);
      const [still] = probe(picture);
      assert.equal(still.codec, 'png');
      await server.logged(/session ended .*role="watch" why="(closed|deleted)"/);
    } finally {
      await camera.stop();
    }
  });

  test('refusals and silence end with the code that says so', async () => {
    const silent = start('watch', '--wait', '1');
    const waiting = await silent.fact('waiting');
    assert.match(waiting.why, /409/);
    assert.equal((await silent.end()).code, 4);
    const ca = join(server.data, 'tls', 'ca.pem');
    const stranger = box.start('watch', `${server.origin}/pier/whep`, '--token', 'nobody', '--ca', ca);
    const refused = await stranger.end();
    assert.equal(refused.code, 3);
    assert.match(refused.errors, /refused with 401/);
    const nowhere = box.start('publish', 'https://127.0.0.1:9/pier/whip', '--wait', '1');
    assert.equal((await nowhere.end()).code, 4);
    const taken = join(folder, 'film.mp4');
    assert.ok(existsSync(taken));
    assert.equal((await start('watch', '--save', taken).end()).code, 2, 'no file is written over');
  });
});

/// Runs in a page: how far the colours of the picture's corners are from the test pattern's slope.
function distanceFromPattern() {
  const video = document.querySelector('[data-testid=video-remote]');
  const { videoWidth: width, videoHeight: height } = video;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  const points = [[0.05, 0.15], [0.95, 0.1], [0.05, 0.95], [0.95, 0.95]];
  const distances = points.map(([x, y]) => {
    const { data } = context.getImageData(Math.floor(x * width), Math.floor(y * height), 1, 1);
    const expected = [40 + x * 200, 30 + y * 200, 200 - x * 100];
    return Math.max(...expected.map((value, channel) => Math.abs(value - data[channel])));
  });
  return Math.round(Math.max(...distances));
}
