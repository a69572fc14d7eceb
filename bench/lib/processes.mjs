// What processes use (proc_pid_stat(5), proc_pid_status(5)).
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, which Linux shows to programs on every architecture that we run on. */
const TICKS_PER_SECOND = 100;

/** The fields of a stat behind the name, which may hold anything. */
function fieldsOf(line) {
  return line.slice(line.lastIndexOf(') ') + 2).split(' ');
}

function stat(pid) {
  return fieldsOf(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** Processor time of these processes so far, user and system, in seconds. */
export function cpuSeconds(...pids) {
  const ticks = pids.map((pid) => stat(pid)).map((fields) => Number(fields[11]) + Number(fields[12]));
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_PER_SECOND;
}

/** Of each thread of these processes: its name, and its processor time in seconds. */
export function threads(pids) {
  const all = new Map();
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      try {
        const line = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
        const [name, fields] = [line.slice(line.indexOf('(') + 1, line.lastIndexOf(')')), fieldsOf(line)];
        all.set(thread, { name, seconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND });
      } catch {
        // It ended while it was looked at.
      }
    }
  }
  return all;
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid) {
  return Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

/** The processes that were started with `word` among their arguments, and all that they started. */
export function family(word) {
  const [parents, named] = [new Map(), new Set()];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)) {
    try {
      parents.set(pid, Number(stat(pid)[1]));
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(word)) named.add(pid);
    } catch {
      // It ended while it was looked at.
    }
  }
  const isOfIt = (pid) => named.has(pid) || (parents.has(pid) && isOfIt(parents.get(pid)));
  return [...parents.keys()].filter(isOfIt);
}
