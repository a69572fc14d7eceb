// What the routers of each kind really do: expectations rest on this and not on their names.
import { isDeepStrictEqual } from 'node:util';
import { KINDS } from './kinds.mjs';
import { NatProbe } from './nat_probe.mjs';

/// Takes a site through every kind and measures it there.
export async function measureNats(site) {
  const rows = [];
  for (const kind of Object.values(KINDS)) {
    await site.join(kind);
    const probe = await NatProbe.open(site);
    const measured = await probe.measure();
    await probe.close();
    rows.push({ kind, measured, isAsBelieved: isDeepStrictEqual(measured, kind.udp) });
  }
  return rows;
}
