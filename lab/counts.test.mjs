// What the measurements of switches count is what was said: on a network that stays, every text.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Browser } from './lib/browsers.mjs';
import { KINDS } from './lib/kinds.mjs';
import { Laboratory } from './lib/laboratory.mjs';
import { Native } from './lib/natives.mjs';
import { settle } from './lib/talking.mjs';

describe('a browser and a native device that talk and stay where they are', { timeout: 120_000 }, () => {
  let laboratory;

  before(async () => {
    laboratory = await Laboratory.open();
    await laboratory.pair(Browser, Native);
  });

  after(() => laboratory?.close());

  test('hear each text once, the first ones too', async () => {
    await laboratory.link(KINDS.none, KINDS.none, '-');
    const [browser, native] = laboratory.devices;
    await browser.prepareTalking();
    await native.startTalking(100);
    await browser.hasHeard(0);
    await browser.startTalking(100);
    await native.hasHeard(4);
    const { total, ...amiss } = await settle(laboratory.devices);
    assert.ok(total >= 10, `${total} texts`);
    assert.deepEqual(amiss, { failed: 0, lost: 0, doubled: 0 });
  });
});
