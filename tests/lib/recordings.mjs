// Recordings as they lie on the disk, looked at with Debian's FFmpeg.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const namesIn = (folder) => (existsSync(folder) ? readdirSync(folder) : []);

/// The finished segments of a stream, oldest first.
export function segmentsOf(server, stream) {
  const folder = join(server.recordings, stream);
  const names = namesIn(folder).filter((name) => name.endsWith('.mp4'));
  const segments = names.map((name) => {
    const [start, duration, run] = name.split('-').map(Number);
    return { path: join(folder, name), start, duration, run, end: start + duration };
  });
  return segments.sort((a, b) => a.start - b.start);
}

/// The names of the files of a stream that grow.
export function openFilesOf(server, stream) {
  return namesIn(join(server.recordings, stream)).filter((name) => name.endsWith('.part'));
}

/// Waits until a condition holds.
export async function until(what, holds, withinMs = 30_000) {
  const end = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/// What ffprobe says of a file: its tracks, each with codec and packets in seconds.
export function probe(path) {
  const words = ['-v', 'error', '-show_streams', '-show_packets', '-of', 'json', path];
  const { streams, packets } = JSON.parse(execFileSync('ffprobe', words, { encoding: 'utf8', maxBuffer: 1 << 28 }));
  return streams.map(({ index, codec_name: codec, codec_type: type }) => {
    const own = packets.filter((packet) => packet.stream_index === index);
    const times = own.map((packet) => Number(packet.pts_time));
    const last = own.at(-1);
    const seconds = last === undefined ? 0 : Number(last.pts_time) + Number(last.duration_time ?? 0) - times[0];
    return { codec, type, packets: own.length, begin: times[0], seconds };
  });
}

/// Decodes all of a file; throws with what is wrong with it.
export function decode(path) {
  // Pictures keep the times of the file: browsers send them as they come.
  const asTheyAre = ['-vsync', 'passthrough', '-enc_time_base', '-1'];
  const words = ['-v', 'error', '-xerror', '-i', path, ...asTheyAre, '-f', 'null', '-'];
  const { status, stderr } = spawnSync('ffmpeg', words, { encoding: 'utf8' });
  if (status !== 0 || stderr !== '') throw new Error(`${path}: ${stderr}`);
}

/// The pitch of a file's sound, in hertz, by how often it crosses zero upwards.
export function pitch(path) {
  const words = ['-v', 'error', '-i', path, '-ac', '1', '-ar', '48000', '-f', 's16le', '-'];
  const bytes = execFileSync('ffmpeg', words, { maxBuffer: 1 << 28 });
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  let crossings = 0;
  for (let i = 1; i < samples.length; i += 1) crossings += samples[i - 1] < 0 && samples[i] >= 0;
  return (crossings * 48_000) / samples.length;
}
