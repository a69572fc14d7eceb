// Ten seconds of live video, watched at both ends.
import { watchClock } from './camera.mjs';
import { statistics } from './peer_connections.mjs';

/// What sender and receiver show in ten seconds of video at 15 fps.
export async function watchTenSeconds(sender, receiver) {
  const freezes = async () => {
    const inbound = await statistics(receiver, 'inbound-rtp');
    return inbound.find(({ kind }) => kind === 'video').freezeCount;
  };
  await sender.page.evaluate(watchClock, '[data-testid=video-self]');
  await receiver.page.evaluate(watchClock, '[data-testid=video-remote]');
  const before = await freezes();
  await receiver.page.waitForTimeout(10_000);
  const [local, remote] = await Promise.all(
    [sender, receiver].map(({ page }) => page.evaluate(() => window.__clock.stop())),
  );
  const frozen = (await freezes()) - before;
  return { local, remote, freezes: frozen, isSmooth: frozen === 0 && remote.frames >= 0.8 * 15 * 10 };
}
