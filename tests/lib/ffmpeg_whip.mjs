// FFmpeg as a camera that publishes by WHIP. Debian's has no such muxer; PyPI's does.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cameraFile, filmFile } from './camera.mjs';

const PYTHON = new URL('../.venv/bin/python', import.meta.url).pathname;

const live = (toneHz) => [
  '-re', '-stream_loop', '-1', '-f', 'mjpeg', '-framerate', '30', '-i', cameraFile(),
  '-re', '-f', 'lavfi', '-i', `sine=frequency=${toneHz}:sample_rate=48000`,
  '-c:v', 'libx264', '-profile:v', 'baseline', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p',
  '-g', '30', '-b:v', '1M', '-c:a', 'libopus', '-ac', '2', '-b:a', '64k',
];
const film = (toneHz) => ['-re', '-stream_loop', '-1', '-i', filmFile(toneHz), '-c', 'copy'];

/// A running FFmpeg: the moving clock in H.264, and a tone in Opus.
export class FfmpegWhip {
  /// Publishes with a bearer token until it is stopped. `isFilm` sends what was encoded before, which
  /// keeps its pace on a busy machine.
  static async start(server, stream, token, { toneHz, isFilm = false }) {
    const camera = new FfmpegWhip();
    camera.home = mkdtempSync(join(tmpdir(), 'helio-ffmpeg-'));
    const authority = join(camera.home, 'ca.crt');
    writeFileSync(authority, (await server.get('/trust/ca.crt')).body);
    const program = execFileSync(PYTHON, ['-c', 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())'], { encoding: 'utf8' }).trim();
    camera.child = spawn(program, [
      '-hide_banner', '-nostats', ...(isFilm ? film(toneHz) : live(toneHz)),
      '-f', 'whip', '-authorization', token, `${server.origin}/${stream}/whip`,
    ], { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: process.env.PATH, SSL_CERT_FILE: authority } });
    camera.errors = '';
    camera.child.stderr.on('data', (bytes) => { camera.errors += bytes; });
    camera.exited = new Promise((done) => camera.child.once('close', done));
    return camera;
  }

  /// Ends it as a person would: it says goodbye to the server.
  async stop() {
    if (this.child.exitCode === null) this.child.kill('SIGINT');
    await this.exited;
    rmSync(this.home, { recursive: true, force: true });
  }
}
