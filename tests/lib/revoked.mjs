// How a page looks once its pair is over.
import assert from 'node:assert/strict';
import { closeCodes } from './sockets.mjs';

export const CLOSED_AS_REVOKED = 4403;

export function connectionStates({ page }) {
  return page.evaluate(() => window.__peerConnections.map(({ connectionState }) => connectionState));
}

/// The link page says that the pair is over, and its sockets are closed.
export async function isRevoked(device) {
  await device.page.locator('[data-testid=link-state][data-state=ended][data-ended=revoked]').waitFor();
  assert.ok((await closeCodes(device)).every((code) => code !== null), `${device.name} has closed its sockets`);
}

/// Each device has closed its connection, and the server its newest socket.
export async function areRevoked(devices) {
  for (const device of devices) {
    await isRevoked(device);
    assert.deepEqual(await connectionStates(device), ['closed'], device.name);
    assert.equal((await closeCodes(device)).at(-1), CLOSED_AS_REVOKED, device.name);
  }
}
