// Loses datagrams, in the network namespace that `run.sh` makes and nowhere else.
import { execFileSync } from 'node:child_process';

/// Whether datagrams can be lost without anybody else's getting lost as well.
export const CAN_LOSE = Boolean(process.env.HELIO_TEST_LAN) && hasNft();

function hasNft() {
  try {
    execFileSync('nft', ['list', 'tables'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/// Does some work while so many of a hundred UDP packets get lost.
export async function losing(percent, work) {
  const rules = `table inet lossy {
    chain out {
      type filter hook output priority 0;
      meta l4proto udp numgen random mod 100 < ${percent} drop
    }
  }\n`;
  execFileSync('nft', ['-f', '-'], { input: rules });
  try {
    return await work();
  } finally {
    execFileSync('nft', ['delete', 'table', 'inet', 'lossy']);
  }
}
