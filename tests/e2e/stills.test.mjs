// Stills that are started and stopped again and again, on one media section.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TwoDevices } from '../lib/two_devices.mjs';

const TIMES = 50;

describe('stills', { timeout: 300_000 }, () => {
  let two;

  before(async () => {
    two = await TwoDevices.pair();
    await two.link();
    for (const { page } of two.all) await page.getByTestId('tab-stills').click();
    await two.phone.page.getByTestId('stills-interval').selectOption('1000');
  });

  after(() => two?.close());

  test(`started and stopped ${TIMES} times add one media section, and the next are shown`, async (t) => {
    await start(two.phone);
    await shown(two.laptop, 0);
    await stop(two.phone);
    const once = await sections(two);
    t.diagnostic(`media sections after one start: ${once}`);
    for (let i = 1; i < TIMES; i += 1) {
      await start(two.phone);
      await stop(two.phone);
    }
    assert.deepEqual(await sections(two), once, `after ${TIMES} starts`);
    const last = await newest(two.laptop);
    await start(two.phone);
    await shown(two.laptop, last + 2);
    assert.deepEqual(await sections(two), once);
    const sent = two.phone.page.getByTestId('still-sent').filter({ hasText: /shown after/ });
    await sent.waitFor();
    await stop(two.phone);
    assert.deepEqual(two.all.flatMap(({ problems }) => problems), []);
  });

  test('of both devices at once take one section each', async () => {
    const last = await Promise.all(two.all.map(newest));
    await Promise.all(two.all.map(start));
    await Promise.all(two.all.map((device, i) => shown(device, last[i] + 1)));
    await Promise.all(two.all.map(stop));
    assert.deepEqual(await sections(two), [3, 3], 'data and one video each way');
  });
});

async function start({ page }) {
  await page.getByTestId('start-stills').click();
  await page.getByTestId('stop-stills').waitFor();
}

async function stop({ page }) {
  await page.getByTestId('stop-stills').click();
  await page.getByTestId('start-stills').waitFor();
}

/// Waits for a still in the gallery with a number above `seq`.
async function shown({ page }, seq) {
  await page.waitForFunction((before) => Number(document.querySelector('[data-testid=still-item]')?.dataset.seq ?? 0) > before, seq);
}

/// The number of the newest still in the gallery, 0 without one.
function newest({ page }) {
  return page.evaluate(() => Number(document.querySelector('[data-testid=still-item]')?.dataset.seq ?? 0));
}

/// How many media sections the description of each side has.
function sections(two) {
  return Promise.all(two.all.map(({ page }) => page.evaluate(() =>
    window.__peerConnections.at(-1).localDescription.sdp.match(/^m=/gm).length)));
}
