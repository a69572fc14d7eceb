// A server with two browsers that are set up and paired: where most tests begin.
import { Device } from './browser.mjs';
import { keepPeerConnections } from './peer_connections.mjs';
import { inState, openLink, pair, setUp } from './people.mjs';
import { Server } from './server.mjs';
import { keepSockets } from './sockets.mjs';

/// A laptop, which made the account, and a phone, which joined it. `place` is where they open
/// the pages; the server itself unless something stands in between.
export class TwoDevices {
  static async pair({ set = {}, place } = {}) {
    const two = new TwoDevices();
    two.server = await Server.start({ set });
    two.place = place?.(two.server) ?? two.server;
    two.all = await Promise.all([Device.open('laptop'), Device.open('phone', { phone: true })]);
    [two.laptop, two.phone] = two.all;
    for (const { context } of two.all) {
      await context.addInitScript(keepPeerConnections);
      await context.addInitScript(keepSockets);
    }
    await setUp(two.laptop, two.place);
    two.pairId = await pair(two.laptop, two.phone, two.place);
    return two;
  }

  /// Opens the link page on both and waits until the link is open.
  async link(path = 'direct') {
    await this.openPages();
    await this.inState('open', path);
  }

  async openPages() {
    await Promise.all(this.all.map((device) => openLink(device, this.place, this.pairId)));
  }

  async inState(state, path) {
    await Promise.all(this.all.map((device) => inState(device, state, { path })));
  }

  async close() {
    await Promise.all(this.all.map((device) => device.close()));
    await this.server.close();
  }
}
