// Measures, prints as it goes, and writes docs/benchmarks.md. Started by run.sh.
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { measureSetup, setupText } from './lib/link_setup.mjs';
import { linksText, measureLinks } from './lib/native_links.mjs';
import { signallingText, turnText, write } from './lib/report.mjs';
import { measureSignalling } from './lib/signalling.mjs';
import { measureTurn } from './lib/turn.mjs';

const SECTIONS = {
  turn: { title: 'TURN', measure: measureTurn, text: turnText },
  signalling: { title: 'Signalling', measure: measureSignalling, text: signallingText },
  setup: { title: 'Setting up a link', measure: measureSetup, text: setupText },
  links: { title: 'Native links', measure: measureLinks, text: linksText },
};

const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const only = process.env.BENCH_ONLY?.split(' ');
const loads = [];
const start = Date.now();

/** Prints a line and keeps the load average beside it. */
function say(line) {
  loads.push(os.loadavg()[0]);
  console.log(`${String(Math.round((Date.now() - start) / 1000)).padStart(4)} s  ${line}`);
}

const parts = [];
for (const [name, { title, measure, text }] of Object.entries(SECTIONS)) {
  if (only && !only.includes(name)) continue;
  parts.push(`## ${title}\n\n${text(await measure(rounds, say))}`);
}
const page = write({ parts, rounds, loads, minutes: (Date.now() - start) / 60_000 });
// A part of the figures is to be looked at, not to be kept.
const path = process.env.BENCH_OUT ?? new URL('../docs/benchmarks.md', import.meta.url);
if (!only) writeFileSync(path, page);
console.log(`\n${page}`);
