// A network at home: two devices and the server in one room, with private and public addresses, and
// behind their router the internet, where a STUN server's address answers nobody.
import { bringUp, FORWARDING, loadRules, shell } from './namespaces.mjs';

/// Of the home network; every member has a public address of IPv6 besides.
const PRIVATE = '10.0.0.';
const PUBLIC = '2a0e:db8:7::';
/// Beyond the router.
export const FAR_AWAY = '203.0.113.1';
export const SERVER_ADDRESS = `${PRIVATE}10`;

/// Builds it, and returns the namespaces of the two devices.
export async function buildHome() {
  await shell(null, [
    FORWARDING,
    'ip link add home type bridge',
    `ip address add ${FAR_AWAY}/32 dev lo`,
    bringUp('home', [`${PRIVATE}1/24`, `${PUBLIC}1/64`]),
  ]);
  const devices = ['device2', 'device3'];
  await Promise.all([...devices, 'server'].map((namespace, i) => plugIn(namespace, [2, 3, 10][i])));
  return devices;
}

async function plugIn(namespace, number) {
  await shell(null, [
    `ip netns add ${namespace}`,
    `ip link add to-${namespace} type veth peer name outside netns ${namespace}`,
    `ip link set to-${namespace} addrgenmode none master home up`,
  ]);
  await shell(namespace, [
    'ip link set lo up',
    bringUp('outside', [`${PRIVATE}${number}/24`, `${PUBLIC}${number}/64`]),
    `ip route add default via ${PRIVATE}1`,
    `ip route add default via ${PUBLIC}1`,
  ]);
}

/// Counts what a namespace sends from here on, by whether it is for the own network: loopback,
/// private and link-local addresses, and groups that no router passes on.
export async function capture(namespace) {
  await shell(namespace, loadRules(`table inet capture
delete table inet capture
table inet capture {
  counter local { }
  counter foreign { }
  chain output {
    type filter hook output priority filter;
    ip daddr { 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, 224.0.0.0/24 } counter name local accept
    ip6 daddr { ::1, fc00::/7, fe80::/10, ff02::/16 } counter name local accept
    counter name foreign
  }
}`));
}

/// How many packets a capture has seen: `{ local, foreign }`.
export async function captured(namespace) {
  const { nftables } = JSON.parse(await shell(namespace, ['nft -j list counters']));
  const counters = nftables.flatMap(({ counter }) => counter ?? []);
  return Object.fromEntries(counters.map(({ name, packets }) => [name, packets]));
}
