// Two minutes of the hour that `make soak` spends on the relay, with credentials that end every
// thirty seconds.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CAN_LOSE } from '../lib/lossy.mjs';
import { growthMb, RelaySoak } from '../lib/relay_soak.mjs';

const TWO_MINUTES_MS = 120_000;
/// Nothing stands still for longer.
const STALL_MS = 1000;
/// The receiver keeps twenty stills, which takes it a minute.
const WARM_UP_SHARE = 0.6;
const GROWTH_MB = 4;

const noLoss = CAN_LOSE ? false : 'packets cannot be lost here: no namespace of its own, or no nft';

describe('links over the embedded relay that loses 2 %', { timeout: 240_000, skip: noLoss }, () => {
  let soak, results;

  before(async () => {
    soak = await RelaySoak.open({ set: { 'turn.credential_ttl_seconds': '30' } });
    results = await soak.run(TWO_MINUTES_MS, { percent: 2, sampleMs: 2000 });
  });

  after(() => soak?.close());

  test('stay up on the relay', () => {
    const { packets, paths, reconnections } = results;
    assert.ok(packets.lost > 0.01 * packets.every, `${packets.lost} of ${packets.every}`);
    assert.deepEqual(paths, Array(4).fill(['relay-relay']));
    assert.deepEqual(reconnections, []);
  });

  test('carry every text once, without a second of silence', (t) => {
    const { texts } = results;
    t.diagnostic(JSON.stringify(texts));
    assert.deepEqual([texts.lost, texts.doubled, texts.undelivered], [0, 0, 0]);
    assert.ok(texts.longestGapMs - texts.longestPauseMs < STALL_MS, `${texts.longestGapMs} ms`);
  });

  test('carry every still once, before the next one', (t) => {
    const { stills } = results;
    t.diagnostic(JSON.stringify(stills));
    assert.ok(stills.sent >= 35, `${stills.sent} sent`);
    assert.deepEqual([stills.unconfirmed, stills.lost, stills.doubled], [0, 0, 0]);
    assert.ok(stills.longestMs < 1000 * stills.everySeconds, `${stills.longestMs} ms`);
  });

  test('need no more memory at the end than after the first', (t) => {
    for (const { who, samplesMb } of results.memory) {
      const growth = growthMb(samplesMb, WARM_UP_SHARE);
      t.diagnostic(`${who}: ${samplesMb.at(-1).toFixed(1)} MB, grown by ${growth.toFixed(1)} MB`);
      assert.ok(growth <= GROWTH_MB, `${who}: ${samplesMb.map((mb) => mb.toFixed(1)).join(' ')}`);
    }
  });
});
