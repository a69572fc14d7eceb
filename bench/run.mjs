// Measures, prints as it goes, and writes each section into docs/benchmarks.md. Started by run.sh.
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { gatewayPeers, gatewayText, measureGateway } from './lib/gateway.mjs';
import { measureSetup, setupText } from './lib/link_setup.mjs';
import { linksText, measureLinks } from './lib/native_links.mjs';
import { withSections } from './lib/page.mjs';
import { facts, frame, signallingText, turnText } from './lib/report.mjs';
import { measureSignalling } from './lib/signalling.mjs';
import { packageVersion } from './lib/servers.mjs';
import { measureTurn } from './lib/turn.mjs';

const SECTIONS = {
  turn: { title: 'TURN', measure: measureTurn, text: turnText, peers: () => `coturn ${packageVersion('coturn')}` },
  signalling: { title: 'Signalling', measure: measureSignalling, text: signallingText, peers: () => `Node ${process.version} with ws` },
  gateway: { title: 'Gateway', measure: measureGateway, text: gatewayText, peers: gatewayPeers },
  setup: { title: 'Setting up a link', measure: measureSetup, text: setupText },
  links: { title: 'Native links', measure: measureLinks, text: linksText },
};
const TITLES = Object.values(SECTIONS).map(({ title }) => title);

const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const only = process.env.BENCH_ONLY?.split(' ');
const path = process.env.BENCH_OUT ?? new URL('../docs/benchmarks.md', import.meta.url);

for (const [name, { title, measure, text, peers }] of Object.entries(SECTIONS)) {
  if (only && !only.includes(name)) continue;
  const [start, loads] = [Date.now(), []];
  // A line, with the load average kept beside it.
  const say = (line) => {
    loads.push(os.loadavg()[0]);
    console.log(`${String(Math.round((Date.now() - start) / 1000)).padStart(4)} s  ${line}`);
  };
  const measured = text(await measure(rounds, say));
  const run = facts({ rounds, loads, minutes: (Date.now() - start) / 60_000, peers: peers?.() });
  const section = `${run}\n\n${measured}`;
  console.log(`\n## ${title}\n\n${section}\n`);
  // What the other sections say was measured as they say it, and stays.
  writeFileSync(path, withSections(readFileSync(path, 'utf8'), frame(), { [title]: section }, TITLES));
}
