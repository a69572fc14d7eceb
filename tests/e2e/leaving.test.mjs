// A page that is closed says so: its peer does not wait until the path has failed.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { inState, openLink, say } from '../lib/people.mjs';
import { TwoDevices } from '../lib/two_devices.mjs';

/// A path without an answer is `disconnected` after about 5 s: who knows sooner was told.
const TOLD_WITHIN_MS = 2000;

describe('a page that goes away', { timeout: 180_000 }, () => {
  let two;

  before(async () => { two = await TwoDevices.pair(); });
  after(() => two?.close());
  beforeEach(() => two.link());

  for (const [how, leave] of [
    ['to another page', (page) => page.goto('about:blank')],
    ['with its tab', async (page) => {
      await two.phone.context.newPage();
      await page.close({ runBeforeUnload: true });
      two.phone.page = two.phone.context.pages().at(-1);
    }],
  ]) {
    test(`${how} is waited for by its peer at once`, async (t) => {
      const told = ended(two.laptop, 'waiting');
      await leave(two.phone.page);
      isSoon(t, await told);
      await openLink(two.phone, two.server, two.pairId);
      await two.inState('open', 'direct');
    });
  }

  test('while the server is down is missed by its peer at once', async (t) => {
    await two.server.stop();
    const told = ended(two.laptop, 'signalling');
    await two.phone.page.goto('about:blank');
    isSoon(t, await told);
    await two.server.run();
  });

  test('and comes back from the browser\'s cache has its link again', async (t) => {
    const { page } = two.phone;
    // Automated browsers keep no pages: these are the events that a kept one gets.
    const turn = (type) => page.evaluate((name) => dispatchEvent(new PageTransitionEvent(name, { persisted: true })), type);
    const told = ended(two.laptop, 'waiting');
    await turn('pagehide');
    isSoon(t, await told);
    await inState(two.phone, 'ended');
    await turn('pageshow');
    await two.inState('open', 'direct');
    await page.getByTestId('tab-text').click();
    await say(two.phone, 'here again');
  });

  test('and comes back after its link was closed leaves it closed', async () => {
    const { page } = two.phone;
    await page.getByTestId('link-settings').click();
    await page.getByTestId('link-close').click();
    await inState(two.phone, 'ended');
    for (const name of ['pagehide', 'pageshow']) {
      await page.evaluate((type) => dispatchEvent(new PageTransitionEvent(type, { persisted: true })), name);
    }
    await inState(two.phone, 'ended');
    await inState(two.laptop, 'waiting');
  });
});

/// Milliseconds on the page's clock from the last `open` to `state`.
function ended({ page }, state) {
  return page.evaluate((wanted) => new Promise((done) => {
    const find = () => document.querySelector('[data-testid=link-state]').dataset.state;
    const start = performance.now();
    const timer = setInterval(() => {
      if (find() !== wanted) return;
      clearInterval(timer);
      done(performance.now() - start);
    }, 5);
  }), state);
}

function isSoon(t, ms) {
  t.diagnostic(`told ${Math.round(ms)} ms after the page began to go`);
  assert.ok(ms < TOLD_WITHIN_MS, `${ms} ms`);
}
