// The whole laboratory: an internet with a server, and two sites with a device each.
import { setTimeout } from 'node:timers/promises';
import { buildInternet } from './internet.mjs';
import { KINDS } from './kinds.mjs';
import { startServer } from './server.mjs';
import { Site } from './site.mjs';
import { expectedPath } from './theory.mjs';

/// A link that opened over the wrong path has this long to find the right one, in milliseconds.
const SECOND_THOUGHTS_MS = 5000;

export class Laboratory {
  /// `delayMs` is the time from any device or server to any other.
  static async open({ delayMs = 0 } = {}) {
    const laboratory = new Laboratory();
    laboratory.delayMs = delayMs;
    // Whoever goes anywhere goes over two cables.
    const half = { delayMs: delayMs / 2 };
    laboratory.cable = await buildInternet(half);
    laboratory.sites = [await Site.build(0, half), await Site.build(1, half)];
    laboratory.server = await startServer();
    return laboratory;
  }

  /// Puts a device of these kinds (`Browser`, `Native`) on each site, in the place of those before,
  /// and pairs them, from networks without any NAT.
  async pair(...kinds) {
    await Promise.all((this.devices ?? []).map((device) => device.close()));
    await Promise.all(this.sites.map((site) => site.join(KINDS.none)));
    this.devices = await Promise.all(this.sites.map((site, i) => kinds[i].open(site, ['left', 'right'][i])));
    const [inviter, joiner] = this.devices;
    await inviter.setUp(this.server);
    this.pairId = await inviter.invite(this.server, (link) => joiner.join(link));
    if (await joiner.joined() !== this.pairId) throw new Error('each device has another pair');
  }

  /// Takes the devices to networks of two kinds and links them there; `options` are for native
  /// ones. Returns the path that both ends use, and how long it took, in milliseconds.
  async link(left, right, ...options) {
    const { devices, sites, server, pairId } = this;
    await Promise.all(devices.map((device) => device.rest()));
    // A relay hears of the farewell that gives its address back before the cable is cut.
    await setTimeout(2 * this.delayMs);
    await Promise.all([sites[0].join(left), sites[1].join(right)]);
    await Promise.all(devices.map((device) => device.link(server, pairId, ...options)));
    await Promise.all(devices.map((device) => device.isOpen()));
    const { path } = expectedPath(left, right);
    const settled = devices.map((device) => device.isOpen({ path, timeout: SECOND_THOUGHTS_MS }));
    await Promise.allSettled(settled);
    const paths = await Promise.all(devices.map((device) => device.path()));
    if (paths[0] !== paths[1]) throw new Error(`one end is ${paths.join(', the other ')}`);
    return { path: paths[0], ...await this.#setupTimes() };
  }

  /// As `link`, but a link that fails is a result like any other, with the reason.
  async tryToLink(left, right) {
    try {
      return await this.link(left, right);
    } catch (error) {
      const said = await Promise.all(this.devices.map((device) => device.complaint()));
      return { path: 'failed', why: `${error.message.split('\n')[0]} (${said.join('; ')})` };
    }
  }

  /// From the server having both until both are connected (`setupMs`), and until messages can go
  /// (`openMs`).
  async #setupTimes() {
    const times = await Promise.all(this.devices.map((device) => device.times()));
    const last = (what) => Math.max(...times.map((each) => each[what]));
    return { setupMs: last('connected') - last('ready'), openMs: last('open') - last('ready') };
  }

  async close() {
    await Promise.all((this.devices ?? []).map((device) => device.close()));
    await Promise.all(this.sites.map((site) => site.close()));
    await this.server?.close();
    this.cable?.cut();
  }
}
