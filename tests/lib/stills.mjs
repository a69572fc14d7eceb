// What a page says of the stills that it sends, and what its browser has decoded of them.
import { spawnSync } from 'node:child_process';
import { statistics } from './peer_connections.mjs';

/// Runs in the page: notes what the line under the stills button says of each still.
export function watchSentStills() {
  const stills = [];
  window.__stills = stills;
  const find = () => document.querySelector('[data-testid=still-sent]');
  // What stands there from an earlier run is none of this one's.
  const old = find()?.textContent;
  const note = () => {
    const line = find();
    if (!line || (stills.length === 0 && line.textContent === old)) return;
    const seq = Number(line.dataset.seq);
    const entry = { seq, bytes: Number(line.dataset.bytes), text: line.textContent };
    if (stills.at(-1)?.seq === seq) stills[stills.length - 1] = entry;
    else stills.push(entry);
  };
  new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}

/// Frames that a device has decoded of the stills' track, and how many were key frames.
export async function decoded(device) {
  const inbound = (await statistics(device, 'inbound-rtp')).filter(({ kind }) => kind === 'video');
  const codecs = await statistics(device, 'codec');
  const [newest] = inbound.sort((a, b) => b.lastPacketReceivedTimestamp - a.lastPacketReceivedTimestamp);
  const sum = (name) => inbound.reduce((total, entry) => total + (entry[name] ?? 0), 0);
  return {
    frames: sum('framesDecoded'),
    keyFrames: sum('keyFramesDecoded'),
    codec: codecs.find(({ id }) => id === newest?.codecId)?.mimeType,
  };
}

/// Runs in the page before its scripts: keeps a copy of each picture that is sent as a still.
export function keepDrawnStills() {
  const drawn = [];
  window.__drawn = drawn;
  const { requestFrame } = CanvasCaptureMediaStreamTrack.prototype;
  CanvasCaptureMediaStreamTrack.prototype.requestFrame = function request() {
    requestFrame.call(this);
    const picture = this.canvas.toDataURL('image/png');
    if (drawn.at(-1) !== picture) drawn.push(picture);
  };
}

/// The newest pictures in a device's gallery, newest first, as PNG.
export async function galleryPictures(device, count) {
  const pictures = device.page.getByTestId('still-item').locator('img');
  // The sender has its word a moment before the last one is in the gallery.
  await pictures.nth(count - 1).waitFor();
  const urls = await pictures.evaluateAll((images, most) =>
    images.slice(0, most).map((image) => {
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
      canvas.getContext('2d').drawImage(image, 0, 0);
      return canvas.toDataURL('image/png');
    }), count);
  return urls.map(bytesOf);
}

/// The bytes of a data URL.
export function bytesOf(url) {
  return Buffer.from(url.split(',')[1], 'base64');
}

/// Peak signal-to-noise ratio of two picture files in decibels, as video carries pictures: with
/// colours at half the resolution.
export function psnr(file, other) {
  const graph = '[0]format=yuv420p[a];[1]format=yuv420p[b];[a][b]psnr';
  const { stderr } = spawnSync('ffmpeg', ['-hide_banner', '-i', file, '-i', other, '-lavfi', graph, '-f', 'null', '-'], { encoding: 'utf8' });
  const average = stderr.match(/average:(inf|[\d.]+)/)?.[1];
  if (average === undefined) throw new Error(`ffmpeg compares nothing: ${stderr}`);
  return average === 'inf' ? Infinity : Number(average);
}
