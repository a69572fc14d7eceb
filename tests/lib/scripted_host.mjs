// Starts tests/others/scripted_host.js on a page of a paired device.
import { buildSync } from 'esbuild';

const ENTRY = new URL('../others/scripted_host.js', import.meta.url).pathname;

export class ScriptedHost {
  static async start(device, server, pairId) {
    const host = new ScriptedHost();
    host.page = device.page;
    const bundle = buildSync({ entryPoints: [ENTRY], bundle: true, write: false, format: 'iife', logLevel: 'error' });
    await host.page.goto(`${server.origin}/trust`);
    await host.page.evaluate(bundle.outputFiles[0].text);
    await host.page.evaluate((id) => window.startHost(id), pairId);
    return host;
  }

  /// Changes what it does from the next question on.
  script(change) {
    return this.page.evaluate((each) => Object.assign(window.host.script, each), change);
  }

  say(message) {
    return this.page.evaluate((each) => window.host.say(each), message);
  }

  /// What the other side said so far.
  heard() {
    return this.page.evaluate(() => window.host.heard);
  }
}
