// Network namespaces by name. They live in the /run/netns that run.sh made, and end with it.
import { spawn } from 'node:child_process';

/// The words to put before a program so that it runs in a namespace.
export function inNamespace(namespace) {
  return namespace === null ? [] : ['nsenter', `--net=/run/netns/${namespace}`];
}

/// Starts a program in a namespace; what it complains about is for whoever runs the laboratory.
export function start(namespace, ...command) {
  const [program, ...words] = [...inNamespace(namespace), ...command];
  return spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
}

/// Runs lines of shell in a namespace (`null` is the laboratory's own, the internet), and throws
/// what they complained about when one of them fails.
export async function shell(namespace, lines) {
  const [program, ...words] = [...inNamespace(namespace), 'sh', '-e'];
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => { said += bytes; });
  const script = lines.flat(Infinity).join('\n');
  child.stdin.end(script);
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`in ${namespace ?? 'the internet'}: ${said}\n${script}`);
  return said;
}

/// Lines of shell that load rules of nftables.
export function loadRules(rules) {
  return ['nft -f - <<"RULES"', rules, 'RULES'];
}

/// Lines of shell that let a namespace pass packets on.
export const FORWARDING = [
  'echo 1 > /proc/sys/net/ipv4/ip_forward',
  'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding',
];

/// Whoever passes IPv6 on asks for its neighbours from a link-local address: the upper end of a
/// cable and the lower.
export const LINK_LOCAL = { upper: 'fe80::1/64', lower: 'fe80::2/64' };

/// Lines of shell that give an interface its addresses and bring it up. No link-local address
/// appears by itself: to a browser each new address is another change of its network.
export function bringUp(name, addresses) {
  return [
    `ip link set ${name} addrgenmode none`,
    ...addresses.map((address) => `ip address add ${address} dev ${name}${address.includes(':') ? ' nodad' : ''}`),
    `ip link set ${name} up`,
  ];
}
