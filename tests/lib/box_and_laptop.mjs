// A server, a browser that is set up, and a native device that is paired with it.
import { Device } from './browser.mjs';
import { NativeDevice } from './native.mjs';
import { keepPeerConnections } from './peer_connections.mjs';
import { invite, matchingSet, openLink, setUp } from './people.mjs';
import { Server } from './server.mjs';

/// The browser is called laptop, the native device box.
export class BoxAndLaptop {
  static async pair() {
    const both = new BoxAndLaptop();
    both.server = await Server.start();
    both.laptop = await Device.open('laptop');
    await both.laptop.context.addInitScript(keepPeerConnections);
    await setUp(both.laptop, both.server);
    both.box = new NativeDevice('box');
    const run = both.box.pair(await invite(both.laptop, both.server));
    const { words } = await run.fact('showing');
    const { page } = both.laptop;
    await page.getByTestId(`words-set-${await matchingSet(both.laptop, words)}`).click();
    await page.getByTestId('words-confirm').click();
    both.pairId = (await run.fact('paired')).pairId;
    await page.getByTestId('paired').waitFor();
    return both;
  }

  /// Opens the link page on the laptop.
  async openPage() {
    await openLink(this.laptop, this.server, this.pairId);
  }

  async close() {
    for (const each of [this.box, this.laptop, this.server]) await each.close();
  }
}
