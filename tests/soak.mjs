// An hour (SOAK_MINUTES) over the embedded relay while 2 % of everything is lost, published in
// docs/benchmarks.md: `./run.sh node soak.mjs`. SOAK_BUILD says what HELIO is.
import { isMet, publish, WARM_UP_SHARE } from '../bench/lib/relay_soak.mjs';
import { CAN_LOSE } from './lib/lossy.mjs';
import { growthMb, RelaySoak } from './lib/relay_soak.mjs';
import { soakFacts } from './lib/soak_facts.mjs';

const MINUTES = Number(process.env.SOAK_MINUTES ?? 60);
const SAMPLE_MS = 10_000;

if (!CAN_LOSE) {
  console.error('soak: skipped, packets cannot be lost here: no namespace of its own, or no nft');
  process.exit(0);
}
const facts = soakFacts();
const soak = await RelaySoak.open();
try {
  const results = await soak.run(MINUTES * 60_000, { percent: 2, sampleMs: SAMPLE_MS, say: console.log });
  for (const each of results.memory) each.growthMb = growthMb(each.samplesMb, WARM_UP_SHARE);
  publish({ ...facts, ...results });
  process.exitCode = isMet(results) ? 0 : 1;
} finally {
  await soak.close();
}
