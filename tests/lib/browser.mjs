// Debian's Chromium, one profile per device, with the moving clock as its camera.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { cameraFile } from './camera.mjs';

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--ignore-certificate-errors',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  // Two windows share one machine: the hidden one must not be throttled.
  '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows', '--disable-background-timer-throttling',
];

/// A device of a person: a browser with a profile of its own.
export class Device {
  /// `executablePath` and `env` may start it somewhere else, as the laboratory does.
  static async open(name, {
    phone = false, largeCamera = false, arguments: more = [], colorScheme = 'light', executablePath = '/usr/bin/chromium', env = process.env,
  } = {}) {
    const device = new Device();
    device.name = name;
    device.profile = mkdtempSync(join(tmpdir(), `helio-${name}-`));
    device.context = await chromium.launchPersistentContext(device.profile, {
      executablePath,
      env,
      headless: true,
      ignoreHTTPSErrors: true,
      colorScheme,
      viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 800 },
      deviceScaleFactor: 1,
      args: [...ARGUMENTS, `--use-file-for-fake-video-capture=${cameraFile({ large: largeCamera })}`, ...more],
    });
    device.page = device.context.pages()[0] ?? await device.context.newPage();
    device.problems = [];
    device.watch(device.page);
    device.context.on('page', (page) => device.watch(page));
    return device;
  }

  watch(page) {
    page.on('pageerror', (error) => this.problems.push(`${this.name}: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') this.problems.push(`${this.name}: ${message.text()}`);
    });
  }

  async close() {
    await this.context.close();
    rmSync(this.profile, { recursive: true, force: true });
  }
}
