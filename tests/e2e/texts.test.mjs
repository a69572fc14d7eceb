// A long conversation: texts stay quick, for each draws itself only.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { percentile } from '../lib/camera.mjs';
import { say } from '../lib/people.mjs';
import { TwoDevices } from '../lib/two_devices.mjs';

const TEXTS = 100;

describe('texts', { timeout: 300_000 }, () => {
  let two;

  before(async () => {
    two = await TwoDevices.pair();
    await two.link();
    for (const { page } of two.all) await page.getByTestId('tab-text').click();
  });

  after(() => two?.close());

  test('of a long conversation are all delivered', async (t) => {
    for (const from of two.all) {
      const ms = [];
      for (let i = 1; i <= TEXTS; i += 1) ms.push(await say(from, `${from.name} says ${i}`));
      ms.sort((a, b) => a - b);
      t.diagnostic(`${from.name}, click to delivered: p50 ${percentile(ms, 0.5).toFixed(1)} ms, p99 ${percentile(ms, 0.99).toFixed(1)} ms`);
    }
    for (const { page } of two.all) assert.equal(await page.getByTestId('text-item').count(), 2 * TEXTS);
  });

  test('that are delivered redraw nothing but themselves', async () => {
    const { page } = two.laptop;
    await page.evaluate(() => {
      const items = [...document.querySelectorAll('[data-testid=text-item]')];
      const touched = new Set();
      const watch = new MutationObserver((records) => {
        for (const { target } of records) touched.add(items.find((item) => item.contains(target)));
      });
      for (const item of items) watch.observe(item, { subtree: true, childList: true, attributes: true, characterData: true });
      window.__touched = () => [...touched].filter((item) => item !== undefined).length;
    });
    await say(two.laptop, 'one more');
    assert.equal(await page.evaluate(() => window.__touched()), 0, 'older texts stay as they are');
  });
});
