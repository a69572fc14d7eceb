// A few telling cells of the matrix, quick enough for every test run. `make lab` runs all.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { KINDS } from './lib/kinds.mjs';
import { Laboratory } from './lib/laboratory.mjs';
import { expectedPath } from './lib/theory.mjs';

const CELLS = [
  // Both must send first: only simultaneous checks open this.
  ['port-restricted', 'port-restricted', 'direct'],
  ['symmetric', 'double NAT', 'relayed'],
  // TURN over the one port, from the web's.
  ['TCP 443 only', 'none', 'relayed'],
  ['IPv6 only', 'full cone', 'relayed'],
];

describe('browsers behind two NATs', { timeout: 180_000 }, () => {
  let laboratory;

  before(async () => {
    laboratory = await Laboratory.open();
    await laboratory.pairBrowsers();
  });

  after(() => laboratory?.close());

  for (const [left, right, path] of CELLS) {
    test(`${left} and ${right}: ${path}`, async (t) => {
      assert.equal(expectedPath(KINDS[left], KINDS[right]).path, path, 'theory says so');
      const linked = await laboratory.link(KINDS[left], KINDS[right]);
      t.diagnostic(`connected ${Math.round(linked.setupMs)} ms after both were there`);
      assert.equal(linked.path, path);
    });
  }
});
