// What people do with streams in the laboratory, and what is seen of it.
import assert from 'node:assert/strict';
import { pathOf } from '../../tests/lib/peer_connections.mjs';
import { shownFrames } from '../../tests/lib/screen.mjs';
import { inPhase } from '../../tests/lib/streams.mjs';

/// A browser publishes its camera as `cam0`.
export async function publish({ device }, server) {
  const { page } = device;
  await page.goto(`${server.origin}/cam0/publish`);
  await page.getByTestId('preset-low').check();
  await page.getByTestId('start-publishing').click();
  await inPhase(device, 'open');
}

/// A browser watches `cam0`, and pictures reach its screen.
export async function watch(t, { device: { page } }, server) {
  await page.goto(`${server.origin}/cam0/`);
  await page.getByTestId('video-remote').waitFor({ state: 'visible' });
  const shown = await page.evaluate(shownFrames, 45);
  t.diagnostic(`${shown.count} frames on the screen at ${shown.perSecond.toFixed(1)} a second, ${shown.size}`);
  assert.equal(shown.count, 45, 'frames that reached the screen in 30 s');
}

/// The path of a browser's stream: `{ kind, protocol, to }`, the kind of its own candidate first.
export async function streamPath({ device }) {
  const [local, remote] = await pathOf(device);
  return { kind: local.candidateType, protocol: remote.protocol, to: `${remote.address}:${remote.port}` };
}
