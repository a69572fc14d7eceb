// A moving picture with a clock that a program can read: the frame number as black and white blocks.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

export const FPS = 30;
export const SECONDS = 40;
/// 12 bits, most significant left, each block 1/20 of the width, in the top rows.
export const CLOCK_BITS = 12;

/// Makes the file once; Chromium plays it in a loop as its camera. A `large` one is 960×540: a page
/// publishes that at several sizes.
export function cameraFile({ large = false } = {}) {
  const dir = new URL('../out/', import.meta.url).pathname;
  mkdirSync(dir, { recursive: true });
  const file = join(dir, `camera-${large ? 'large-' : ''}${FPS}-${SECONDS}.mjpeg`);
  if (existsSync(file)) return file;
  const [size, block] = large ? ['960x540', 48] : ['640x480', 32];
  const bit = `mod(floor(N/pow(2,${CLOCK_BITS - 1}-floor(X/${block}))),2)`;
  const source = (name, ...given) => ['-f', 'lavfi', '-i', `${name}=${[...given, `rate=${FPS}`, `duration=${SECONDS}`].join(':')}`];
  // Another process may be making it as well, and have this number in a namespace of its own.
  const partial = `${file}.${randomUUID()}.mjpeg`;
  execFileSync('ffmpeg', ['-y', '-v', 'error',
    ...source('testsrc2', `size=${size}`),
    ...source('color', `size=${CLOCK_BITS * block}x${block}`),
    '-filter_complex', `[1]format=yuv420p,geq=lum='255*${bit}':cb=128:cr=128[clock];[0][clock]overlay=format=yuv420,format=yuvj420p`,
    '-q:v', '4', '-f', 'mjpeg', partial]);
  renameSync(partial, file);
  return file;
}

/// The same as a film, a key frame each second, with a tone.
export function filmFile(toneHz) {
  const file = cameraFile().replace('.mjpeg', `-${toneHz}.mp4`);
  if (existsSync(file)) return file;
  const partial = file.replace('.mp4', `.${randomUUID()}.mp4`);
  execFileSync('ffmpeg', ['-y', '-v', 'error', '-f', 'mjpeg', '-framerate', `${FPS}`, '-i', cameraFile(),
    '-f', 'lavfi', '-i', `sine=frequency=${toneHz}:sample_rate=48000`, '-t', `${SECONDS}`,
    '-c:v', 'libx264', '-profile:v', 'baseline', '-bf', '0', '-pix_fmt', 'yuv420p', '-g', `${FPS}`, '-b:v', '1M',
    '-c:a', 'libopus', '-ac', '2', '-b:a', '64k', partial]);
  renameSync(partial, file);
  return file;
}

/// Runs in a page: notes when each frame number was first seen in a video. `stop()` returns them.
/// A selector goes into a shadow tree by ` >>> `.
export function watchClock(selector) {
  const video = selector.split(' >>> ').reduce((root, part) => (root.shadowRoot ?? root).querySelector(part), document);
  const bits = 12;
  const canvas = new OffscreenCanvas(bits, 1);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const seen = [];
  let frames = 0;
  let last = performance.now();
  let longestGapMs = 0;
  let running = true;
  const read = () => {
    if (!running) return;
    frames += 1;
    const now = performance.now();
    longestGapMs = Math.max(longestGapMs, now - last);
    last = now;
    const block = video.videoWidth / 20;
    for (let i = 0; i < bits; i += 1) {
      // The middle of each block, away from what compression smears over its edges.
      context.drawImage(video, (i + 0.4) * block, block * 0.4, block * 0.2, block * 0.2, i, 0, 1, 1);
    }
    const { data } = context.getImageData(0, 0, bits, 1);
    let number = 0;
    for (let i = 0; i < bits; i += 1) number = number * 2 + (data[i * 4] > 127 ? 1 : 0);
    if (seen.length === 0 || seen[seen.length - 1].number !== number) {
      seen.push({ number, at: performance.timeOrigin + now });
    }
    video.requestVideoFrameCallback(read);
  };
  video.requestVideoFrameCallback(read);
  window.__clock = {
    count: () => seen.length,
    stop() { running = false; return { seen, frames, longestGapMs }; },
  };
}

/// Waits for so many pictures of a video and tells how many numbers each is after the one before.
export async function pictureSteps(page, selector, pictures) {
  await page.evaluate(watchClock, selector);
  await page.waitForFunction((wanted) => window.__clock.count() >= wanted, pictures);
  const { seen } = await page.evaluate(() => window.__clock.stop());
  const loop = FPS * SECONDS;
  return seen.slice(1).map(({ number }, i) => (number - seen[i].number + loop) % loop);
}

/// Milliseconds from a frame being shown at the sender to being shown at the receiver, sorted.
export function latencies(local, remote) {
  const shown = new Map(local.seen.map(({ number, at }) => [number, at]));
  return remote.seen
    .filter(({ number }) => shown.has(number))
    .map(({ number, at }) => at - shown.get(number))
    .filter((ms) => ms > -1000 && ms < 10_000)
    .sort((a, b) => a - b);
}

export function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
