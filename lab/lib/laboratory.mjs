// The whole laboratory: an internet with a server, and two sites with a device each.
import { setTimeout } from 'node:timers/promises';
import { Browser } from './browsers.mjs';
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
    await buildInternet(half);
    laboratory.sites = [await Site.build(0, half), await Site.build(1, half)];
    laboratory.server = await startServer();
    return laboratory;
  }

  /// Puts a browser on each site and pairs them, from networks without any NAT.
  async pairBrowsers() {
    await Promise.all(this.sites.map((site) => site.join(KINDS.none)));
    this.devices = await Promise.all(this.sites.map((site, i) => Browser.open(site, ['left', 'right'][i])));
    this.pairId = await Browser.pair(...this.devices, this.server);
  }

  /// Takes the devices to networks of two kinds and links them there. Returns the path that both
  /// ends use, and the milliseconds from the server knowing both until both are connected.
  async link(left, right) {
    const { devices, sites, server, pairId } = this;
    await Promise.all(devices.map((device) => device.rest()));
    // A relay hears of the farewell that gives its address back before the cable is cut.
    await setTimeout(2 * this.delayMs);
    await Promise.all([sites[0].join(left), sites[1].join(right)]);
    await Promise.all(devices.map((device) => device.link(server, pairId)));
    await Promise.all(devices.map((device) => device.isOpen()));
    const { path } = expectedPath(left, right);
    const settled = devices.map((device) => device.isOpen({ path, timeout: SECOND_THOUGHTS_MS }));
    await Promise.allSettled(settled);
    const paths = await Promise.all(devices.map((device) => device.path()));
    if (paths[0] !== paths[1]) throw new Error(`one end is ${paths.join(', the other ')}`);
    return { path: paths[0], setupMs: await this.#setupMs() };
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

  async #setupMs() {
    const times = await Promise.all(this.devices.map((device) => device.times()));
    const last = (what) => Math.max(...times.map((each) => each[what]));
    return last('connected') - last('ready');
  }

  async close() {
    await Promise.all((this.devices ?? []).map((device) => device.close()));
    await Promise.all(this.sites.map((site) => site.close()));
    await this.server?.close();
  }
}
