// The internet of the laboratory: the laboratory's own namespace routes between public networks,
// and knows no way to a private address. A server stands in one of them. IPv4 addresses are of the
// ranges for documentation. IPv6 ones are not, since Chromium counts that range as a local network.
import { bringUp, FORWARDING, LINK_LOCAL, loadRules, shell } from './namespaces.mjs';
import { SlowCable } from './slow_cable.mjs';

/// The namespace of the server, and its addresses (the file `hosts` knows them as helio.test).
export const SERVER = { namespace: 'server', ipv4: '203.0.113.10', ipv6: '2a0e:db8:5::10' };

/// Two addresses of the internet itself by version of IP: strangers to everybody, to measure NATs from.
export const STRANGERS = { 4: ['203.0.113.1', '203.0.113.2'], 6: ['2a0e:db8:5::1', '2a0e:db8:5::2'] };

/// Builds it, once for each laboratory. Packets to and from the server take `delayMs`, over a cable
/// that is returned: its program ends when it is cut.
export async function buildInternet({ delayMs = 0 } = {}) {
  await shell(null, [
    FORWARDING,
    `ip netns add ${SERVER.namespace}`,
    delayMs > 0 ? [] : `ip link add to-server type veth peer name outside netns ${SERVER.namespace}`,
  ]);
  const cable = delayMs > 0 ? await SlowCable.lay(SERVER.namespace, 'to-server', delayMs) : null;
  await shell(null, [
    bringUp('to-server', [...STRANGERS[4].map((address) => `${address}/24`), ...STRANGERS[6].map((address) => `${address}/64`), LINK_LOCAL.upper]),
  ]);
  await shell(SERVER.namespace, [
    'ip link set lo up',
    bringUp('outside', [`${SERVER.ipv4}/24`, `${SERVER.ipv6}/64`]),
    `ip route add default via ${STRANGERS[4][0]}`,
    `ip route add default via ${STRANGERS[6][0]}`,
  ]);
  return cable;
}

/// From now on a share of all packets that the internet passes on is lost: each draws its lot.
export async function lose(share) {
  await shell(null, loadRules(`table inet loss
delete table inet loss
table inet loss {
  chain forward {
    type filter hook forward priority filter;
    numgen random mod 10000 < ${Math.round(share * 10_000)} drop
  }
}`));
}
