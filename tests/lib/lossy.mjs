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

/// Does some work while so many of a hundred UDP packets get lost, of long ones twice as many;
/// tells how many of the long ones did. They get lost where they come in: of one that is not let
/// out the sender hears, and Chromium sends it again.
export async function losing(percent, work) {
  const rules = `table inet lossy {
    counter long { }
    chain in {
      type filter hook input priority 0;
      udp length > 500 numgen random mod 100 < ${2 * percent} counter name long drop
      meta l4proto udp numgen random mod 100 < ${percent} drop
    }
  }\n`;
  execFileSync('nft', ['-f', '-'], { input: rules });
  try {
    await work();
    const counters = execFileSync('nft', ['list', 'counter', 'inet', 'lossy', 'long'], { encoding: 'utf8' });
    return Number(counters.match(/packets (\d+)/)[1]);
  } finally {
    execFileSync('nft', ['delete', 'table', 'inet', 'lossy']);
  }
}
