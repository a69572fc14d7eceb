// Debian's Firefox ESR by puppeteer-core over WebDriver BiDi, with the fake camera of its own.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';

const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
};

const byTestId = (id) => `[data-testid="${id}"]`;

/// A device of a person who uses Firefox. Its `page` is Puppeteer's; `say` and `statistics` of
/// this directory work on it as on Chromium's.
export class Firefox {
  static async open(name, { preferences = {} } = {}) {
    const device = new Firefox();
    device.name = name;
    device.profile = mkdtempSync(join(tmpdir(), `helio-${name}-`));
    device.browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath: '/usr/bin/firefox-esr',
      headless: true,
      acceptInsecureCerts: true,
      userDataDir: device.profile,
      extraPrefsFirefox: { ...PREFERENCES, ...preferences },
      defaultViewport: { width: 1280, height: 800 },
    });
    device.page = (await device.browser.pages())[0] ?? await device.browser.newPage();
    device.problems = [];
    device.page.on('pageerror', (error) => device.problems.push(`${name}: ${error.message}`));
    device.page.on('console', (message) => {
      if (message.type() === 'error') device.problems.push(`${name}: ${message.text()}`);
    });
    return device;
  }

  /// Waits until something matches the selector, and is shown unless `hidden` things do.
  async waitFor(selector, { timeout = 30_000, hidden = false } = {}) {
    await this.page.waitForSelector(selector, { timeout, visible: !hidden });
  }

  async click(id) {
    await this.page.locator(byTestId(id)).click();
  }

  async fill(id, text) {
    await this.page.locator(byTestId(id)).fill(text);
  }

  async choose(id, value) {
    await this.waitFor(byTestId(id));
    await this.page.select(byTestId(id), value);
  }

  /// What an attribute of an element says, once the element is there.
  async attribute(id, name) {
    await this.waitFor(byTestId(id));
    return this.page.$eval(byTestId(id), (element, wanted) => element.getAttribute(wanted), name);
  }

  async close() {
    await this.browser.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}
