// The program that holds links of native devices, as its user sees it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Run } from '../../tests/lib/native.mjs';
import { LOAD } from './servers.mjs';

/** Starts `link_load` with the home of a device, or a directory of homes. */
export async function startLinkLoad(home, save) {
  const child = spawn(join(LOAD, 'link_load'), [`home=${home}`, `save=${save}`], { stdio: 'pipe' });
  const run = new Run(child);
  await run.fact('ready');
  return run;
}

/** Gives an order and waits for what follows. */
export function order(run, words, event) {
  run.type(words);
  return run.fact(event);
}
