// Rules of the kernel for what leaves, for as long as something is done under them.
import { execFileSync } from 'node:child_process';

/// The rules live in the namespace that run.sh made; without one they would be the machine's own.
export const OUTSIDE = process.env.HELIO_TEST_LAN === undefined && 'no namespace to drop packets in';

/// What a NAT's outside looks like: another address than the device's.
export const OUTER = '10.77.0.2';

function nft(...words) {
  execFileSync('nft', words, { env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
}

/// Runs `act` while the kernel follows a table of rules for what leaves for UDP ports.
export async function withRules({ family = 'ip', hook, rule }, act) {
  const table = `${family} doctor`;
  nft(`add table ${table}; add chain ${table} out { ${hook} }; add rule ${table} out ${rule}`);
  try {
    return await act();
  } finally {
    nft(`delete table ${table}`);
  }
}

/// A NAT before what is sent to these ports.
export function nat(ports, translation) {
  const rule = `udp dport { ${ports.join(', ')} } snat to ${translation}`;
  return { hook: 'type nat hook postrouting priority 100;', rule };
}
