// A few telling cells of the matrix, quick enough for every test run. `make lab` runs all.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Browser } from './lib/browsers.mjs';
import { KINDS } from './lib/kinds.mjs';
import { Laboratory } from './lib/laboratory.mjs';
import { Native } from './lib/natives.mjs';
import { expectedPath } from './lib/theory.mjs';

const SORTS = [
  ['two native devices', [Native, Native], [
    // Both must send first: only simultaneous checks open this.
    ['port-restricted', 'port-restricted', 'direct'],
    // TURN over the one port, from the web's, as a stream.
    ['TCP 443 only', 'full cone', 'relayed'],
    // The relay joins what has no version of IP in common.
    ['IPv6 only', 'UDP blocked', 'relayed'],
  ]],
  ['a browser and a native device', [Browser, Native], [
    ['double NAT', 'address-restricted', 'direct'],
    ['symmetric', 'port-restricted', 'relayed'],
  ]],
  ['two browsers', [Browser, Browser], [
    ['port-restricted', 'port-restricted', 'direct'],
    ['symmetric', 'double NAT', 'relayed'],
    ['TCP 443 only', 'none', 'relayed'],
    ['IPv6 only', 'full cone', 'relayed'],
  ]],
];

describe('behind two NATs', { timeout: 180_000 }, () => {
  let laboratory;

  before(async () => {
    laboratory = await Laboratory.open();
  });

  after(() => laboratory?.close());

  for (const [devices, sides, cells] of SORTS) {
    describe(devices, () => {
      before(() => laboratory.pair(...sides));

      for (const [left, right, path] of cells) {
        test(`${left} and ${right}: ${path}`, async (t) => {
          assert.equal(expectedPath(KINDS[left], KINDS[right]).path, path, 'theory says so');
          const linked = await laboratory.link(KINDS[left], KINDS[right]);
          t.diagnostic(`connected ${Math.round(linked.setupMs)} ms after both were there`);
          assert.equal(linked.path, path);
        });
      }
    });
  }
});
