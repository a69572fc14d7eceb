// The laboratory's delay is what was asked for.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { buildInternet } from './lib/internet.mjs';
import { KINDS } from './lib/kinds.mjs';
import { NatProbe } from './lib/nat_probe.mjs';
import { Site } from './lib/site.mjs';

describe('a slow cable of 20 ms', { timeout: 30_000 }, () => {
  let site;

  before(async () => {
    await buildInternet();
    site = await Site.build(0, { delayMs: 20 });
    await site.join(KINDS['port-restricted']);
  });

  after(() => site?.close());

  test('nothing comes sooner, out or in, and the NAT at its end is the same', async (t) => {
    const probe = await NatProbe.open(site);
    const times = { out: [], in: [] };
    for (let i = 0; i < 5; i += 1) {
      const start = performance.now();
      const mapped = await probe.ask('slow');
      const heard = performance.now();
      await probe.fence('slow', mapped);
      times.out.push(heard - start);
      times.in.push(performance.now() - heard);
    }
    assert.deepEqual(await probe.measure(), KINDS['port-restricted'].udp);
    await probe.close();
    for (const [way, all] of Object.entries(times)) {
      t.diagnostic(`${way}: ${all.map((ms) => ms.toFixed(1))} ms`);
      assert.ok(Math.min(...all) >= 20, `${way} takes 20 ms`);
    }
  });
});
