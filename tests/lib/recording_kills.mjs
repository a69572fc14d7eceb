// A server that is killed again and again while it records, and what is left each time.
import { FfmpegWhip } from './ffmpeg_whip.mjs';
import { decode, openFilesOf, segmentsOf, until } from './recordings.mjs';

/// A kill comes so long after the recording began, in milliseconds.
const EARLIEST_MS = 2000;
const LATEST_MS = 16_000;

/// Publishes, kills the server at a random moment, starts it again. Every segment is decoded, which
/// throws where it does not play. Times are in milliseconds: `elapsed` from when it was recorded to
/// the kill, `recorded` by what is left of it, `missing` at its end.
export async function killOnce(server, stream, code) {
  const before = segmentsOf(server, stream);
  const camera = await FfmpegWhip.start(server, stream, code, { toneHz: 440, isFilm: true });
  const isRecorded = () => server.command('streams').streams.some((each) => each.name === stream && each.recording === 'recording');
  await until('it is recorded', isRecorded);
  const begin = Date.now();
  await new Promise((done) => setTimeout(done, EARLIEST_MS + Math.random() * (LATEST_MS - EARLIEST_MS)));
  const finished = segmentsOf(server, stream);
  const killed = Date.now();
  await server.stop('SIGKILL');
  await camera.stop();
  await server.run();
  await until('what was open is finished', () => openFilesOf(server, stream).length === 0);
  const left = segmentsOf(server, stream);
  const paths = new Set(left.map(({ path }) => path));
  const own = left.filter(({ start }) => !before.some((each) => each.start === start));
  own.forEach(({ path }) => decode(path));
  return {
    elapsed: killed - begin,
    segments: own.length,
    recorded: own.reduce((ms, { duration }) => ms + duration, 0),
    missing: killed - (own.at(-1)?.end ?? begin),
    lost: [...before, ...finished].filter(({ path }) => !paths.has(path)).length,
  };
}
