// What a long run was of: when, which build, which machine.
import { execFileSync } from 'node:child_process';
import { availableParallelism, release } from 'node:os';
import { readCpuModel } from '../../bench/lib/servers.mjs';

/// SOAK_BUILD says what HELIO is; without it, it is this commit's.
export function soakFacts() {
  const describe = () => execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  return {
    when: new Date().toISOString().slice(0, 16).replace('T', ' '),
    build: process.env.SOAK_BUILD ?? `commit ${describe()}`,
    machine: `${availableParallelism()} cores, ${readCpuModel()}, Linux ${release().split('-')[0]}`,
  };
}
