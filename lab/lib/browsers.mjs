// Chromium on the device of a site. It stays while its networks change.
import { Device } from '../../tests/lib/browser.mjs';
import { keepPeerConnections, pathEnds } from '../../tests/lib/peer_connections.mjs';
import { invite, join, matchingSet, setUp } from '../../tests/lib/people.mjs';
import { prepareTalking } from './talking.mjs';
import { noteTimes } from './times.mjs';

const EXECUTABLE = new URL('../bin/chromium', import.meta.url).pathname;
/// A page is given this long to be loaded or to be linked, in milliseconds.
const PATIENCE_MS = 30_000;
/// How a page is looked at while it is measured: by a clock, since a look at every frame makes it
/// draw without end.
const NOW_AND_THEN = { polling: 20 };
/// What a browser says of a page that it loads while it hears of another network.
const IN_BETWEEN = /ERR_(NETWORK_CHANGED|INTERNET_DISCONNECTED|ADDRESS_UNREACHABLE|NAME_NOT_RESOLVED)/;

/// A device that is a browser, and what the matrix asks of every device.
export class Browser {
  /// `more` is for `Device.open`.
  static async open(site, name, more = {}) {
    const browser = new Browser();
    browser.site = site;
    browser.device = await Device.open(name, {
      ...more,
      executablePath: EXECUTABLE,
      env: { ...process.env, LAB_NAMESPACE: site.namespace },
    });
    await browser.device.context.addInitScript(keepPeerConnections);
    await browser.device.context.addInitScript(noteTimes);
    return browser;
  }

  /// Makes the account.
  async setUp(server) {
    await setUp(this.device, server);
  }

  /// Invites a device; `join` is handed the link and shows the words.
  async invite(server, join) {
    const words = await join(await invite(this.device, server));
    const { page } = this.device;
    await page.getByTestId(`words-set-${await matchingSet(this.device, words)}`).click();
    await page.getByTestId('words-confirm').click();
    return this.joined();
  }

  /// Joins by an invite's link, and returns the words that it shows.
  join(link) {
    return join(this.device, link);
  }

  /// Knows that it is paired.
  async joined() {
    const paired = this.device.page.getByTestId('paired');
    await paired.waitFor();
    return paired.getAttribute('data-pair');
  }

  /// Leaves the link, so that the next one starts from nothing.
  async rest() {
    await this.device.page.goto('about:blank');
  }

  /// Opens the link page.
  async link(server, pairId) {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        await this.device.page.goto(`${server.origin}/link?pair=${pairId}`);
        return;
      } catch (error) {
        if (!IN_BETWEEN.test(error.message) || Date.now() > until) throw error;
      }
    }
  }

  /// Waits until the link is open, on `path` where that is given.
  async isOpen({ path, timeout = PATIENCE_MS } = {}) {
    const onPath = path ? `[data-path=${path}]` : '[data-path]';
    await this.device.page.locator(`[data-testid=link-state][data-state=open]${onPath}`).waitFor({ timeout });
  }

  /// `direct` or `relayed` as the page says it, which the browser's own statistics must bear out.
  async path() {
    const said = await this.device.page.getByTestId('link-state').getAttribute('data-path');
    const ends = await pathEnds(this.device);
    const used = ends.includes('relay') ? 'relayed' : 'direct';
    if (said !== used) throw new Error(`the page says ${said}, the browser uses ${ends.join(' to ')}`);
    return said;
  }

  /// When the server had this page, and when its connection was up: milliseconds.
  times() {
    return this.device.page.evaluate(() => window.__times);
  }

  /// Gets ready to hear texts and to say some (`talking.mjs`).
  async prepareTalking() {
    await this.device.page.getByTestId('tab-text').click();
    await this.device.page.evaluate(prepareTalking);
  }

  /// Says the next number every so many milliseconds.
  async startTalking(everyMs) {
    await this.device.page.evaluate((ms) => window.__startTalking(ms), everyMs);
  }

  /// The first number that was said after a moment.
  async saidAfter(moment) {
    const said = await this.device.page.waitForFunction((since) => {
      const first = window.__talk.said.findIndex((at) => at >= since);
      return first === -1 ? false : { first };
    }, moment, NOW_AND_THEN);
    return (await said.jsonValue()).first;
  }

  /// When a number had come, or one after it.
  async hasHeard(number) {
    const heard = await this.device.page.waitForFunction((wanted) => window.__talk.came.find((each) => each.number >= wanted), number, NOW_AND_THEN);
    return (await heard.jsonValue()).at;
  }

  /// Falls silent; returns how many numbers were said.
  stopTalking() {
    return this.device.page.evaluate(() => {
      window.__stopTalking();
      return window.__talk.said.length;
    });
  }

  /// The numbers that it was told did not arrive (they may have: the ack got lost).
  failed() {
    return this.device.page.evaluate(() => window.__talk.failed);
  }

  /// All numbers that came, of so many that were said. What does not come in ten seconds is lost.
  async allHeard(said) {
    await this.device.page.waitForFunction((all) => window.__talk.came.length >= all, said, { ...NOW_AND_THEN, timeout: 10_000 }).catch(() => {});
    return this.device.page.evaluate(() => window.__talk.came.map(({ number }) => number));
  }

  /// Where the page and its connections stand, for the line of a run that failed.
  async complaint() {
    return this.device.page.evaluate(() => {
      const link = document.querySelector('[data-testid=link-state]');
      const connections = (window.__peerConnections ?? []).map((pc) => `${pc.connectionState}/${pc.sctp?.state}`);
      return [link?.dataset.state ?? document.title, ...connections].join(' ');
    });
  }

  close() {
    return this.device.close();
  }
}
