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
/// tells how many of the long ones did.
export async function losing(percent, work) {
  const [long] = await losingBy(`
    udp length > 500 numgen random mod 100 < ${2 * percent} counter name long drop
    meta l4proto udp numgen random mod 100 < ${percent} drop`, ['long'], work);
  return long;
}

/// Does some work while so many of a hundred UDP packets get lost, whatever their length; tells how
/// many there were and how many got lost.
export async function losingAnyOf(percent, work) {
  const [every, lost] = await losingBy(`
    meta l4proto udp counter name every
    meta l4proto udp numgen random mod 100 < ${percent} counter name lost drop`, ['every', 'lost'], work);
  return { every, lost };
}

/// Does some work while no more UDP than so many bytes a second comes through.
export async function narrowing(bytesPerSecond, work) {
  await losingBy(`
    meta l4proto udp limit rate over ${bytesPerSecond} bytes/second burst ${Math.round(bytesPerSecond / 4)} bytes drop`, [], work);
}

/// Packets get lost where they come in: of one that is not let out the sender hears, and Chromium
/// sends it again.
async function losingBy(rules, counters, work) {
  const table = `table inet lossy {
    ${counters.map((name) => `counter ${name} { }`).join('\n')}
    chain in {
      type filter hook input priority 0;
      ${rules}
    }
  }\n`;
  execFileSync('nft', ['-f', '-'], { input: table });
  try {
    await work();
    return counters.map((name) => {
      const counter = execFileSync('nft', ['list', 'counter', 'inet', 'lossy', name], { encoding: 'utf8' });
      return Number(counter.match(/packets (\d+)/)[1]);
    });
  } finally {
    execFileSync('nft', ['delete', 'table', 'inet', 'lossy']);
  }
}
