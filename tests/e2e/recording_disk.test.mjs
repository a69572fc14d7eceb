// A disk that runs full while a stream is recorded: it is said, nothing that is finished is lost, and
// it goes on when there is room. The disk is a small one in memory that only the server sees.
import assert from 'node:assert/strict';
import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Device } from '../lib/browser.mjs';
import { FfmpegWhip } from '../lib/ffmpeg_whip.mjs';
import { setUp } from '../lib/people.mjs';
import { decode, openFilesOf, segmentsOf, until } from '../lib/recordings.mjs';
import { CAN_MOUNT, Server, SmallDisk } from '../lib/server.mjs';
import { makeStream } from '../lib/streams.mjs';

const DISK_MIB = 48;
const LEAST_FREE = 8 << 20;

describe('a stream on a disk that runs full', { timeout: 150_000, skip: !CAN_MOUNT && 'no mount namespaces here' }, () => {
  let server, owner, camera, disk, code;

  const stateOf = () => server.command('streams').streams[0].recording;
  const paused = async () => Number((await metricsOf()).match(/^helio_recording_paused (\d)/m)?.[1]);
  const metricsOf = async () => (await fetch(`http://${server.metrics}/metrics`)).text();
  const ballast = () => join(disk.seen(server), 'ballast');
  const onPage = (phase) => owner.page.locator(`[data-testid=stream-state][data-phase=${phase}]`).waitFor();

  /// Leaves so many bytes free.
  const fill = (left) => {
    const { bavail, bsize } = statfsSync(disk.seen(server));
    try {
      writeFileSync(ballast(), Buffer.alloc(Math.max(0, bavail * bsize - left)));
    } catch (error) {
      // The server took some of it meanwhile: nothing is left all the same.
      if (error.code !== 'ENOSPC' || left > 0) throw error;
    }
  };
  const paths = () => segmentsOf(server, 'door').map(({ path }) => path);

  before(async () => {
    disk = new SmallDisk(DISK_MIB);
    server = await Server.start({ disk, set: { 'recording.min_free_bytes': LEAST_FREE, 'recording.segment_seconds': 2 } });
    owner = await Device.open('owner');
    await setUp(owner, server);
    await makeStream(owner, server, 'door');
    server.order('streams', 'record', 'door', 'on');
    ({ code } = server.command('streams', 'share', 'door', '--publish'));
    camera = await FfmpegWhip.start(server, 'door', code, { toneHz: 440 });
    await until('two segments', () => paths().length >= 2);
    await owner.page.goto(`${server.origin}/door/recordings`);
    await onPage('recording');
  });

  after(async () => {
    await camera?.stop();
    await owner?.close();
    await server?.close();
  });

  test('is recorded as long as the least is free, and again when it is', async () => {
    fill(LEAST_FREE / 2);
    await until('the disk is full', () => stateOf() === 'disk-full');
    await server.logged(/the disk is full \(recording\.min_free_bytes\)/);
    assert.equal(await paused(), 1);
    await onPage('disk-full');
    assert.deepEqual(openFilesOf(server, 'door'), [], 'what was open is finished');
    const finished = paths();
    rmSync(ballast());
    await until('it goes on', () => stateOf() === 'recording');
    await server.logged(/recording goes on/);
    assert.equal(await paused(), 0);
    assert.match(await metricsOf(), /helio_recording_dropped_frames_total\{cause="paused"\} [1-9]/);
    await onPage('recording');
    await until('there is more', () => paths().length > finished.length + 1);
    assert.ok(finished.every((path) => paths().includes(path)), 'nothing is gone');
    paths().forEach(decode);
  });

  test('keeps what is finished also where not a byte can be written', async () => {
    await camera.stop();
    server.set['recording.min_free_bytes'] = 0;
    await server.restart();
    camera = await FfmpegWhip.start(server, 'door', code, { toneHz: 440 });
    await until('it is recorded', () => paths().length >= 2);
    const before = paths();
    fill(0);
    await until('the disk is full', () => stateOf() === 'disk-full');
    await server.logged(/No space left on device/);
    await until('there is nothing half', () => openFilesOf(server, 'door').length === 0);
    rmSync(ballast());
    await until('it goes on', () => stateOf() === 'recording');
    const kept = paths();
    await until('there is more', () => paths().length > kept.length + 1);
    assert.ok(before.every((path) => paths().includes(path)), 'nothing is gone');
    paths().forEach(decode);
  });
});
