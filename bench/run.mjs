// Measures, prints as it goes, and writes docs/benchmarks.md. Started by run.sh.
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import { measureSetup } from './lib/link_setup.mjs';
import { write } from './lib/report.mjs';
import { measureSignalling } from './lib/signalling.mjs';
import { measureTurn } from './lib/turn.mjs';

const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const loads = [];
const start = Date.now();

/** Prints a line and keeps the load average beside it. */
function say(line) {
  loads.push(os.loadavg()[0]);
  console.log(`${String(Math.round((Date.now() - start) / 1000)).padStart(4)} s  ${line}`);
}

const turn = await measureTurn(rounds, say);
const signalling = await measureSignalling(rounds, say);
const setup = measureSetup(say);
const page = write({ turn, signalling, setup, rounds, loads, minutes: (Date.now() - start) / 60_000 });
const path = process.env.BENCH_OUT ?? new URL('../docs/benchmarks.md', import.meta.url);
writeFileSync(path, page);
console.log(`\n${page}`);
