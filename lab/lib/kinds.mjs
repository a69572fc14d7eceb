// The kinds of access to the internet that a device can have, as rules of nftables. What each is
// called by RFC 4787 stands beside the rules; nats.test.mjs measures that they keep the word.
//
// `hops` are the routers between the device and the internet, nearest first. A router's `inside`
// interface faces the device, its `outside` interface the internet.

/// Nobody outside may open anything at the router itself. The drop also keeps an early packet of
/// the peer out of the connection table: there it would hold the port that the device's own
/// packets are about to be mapped to, and the mapping would move.
const GUARD = `
  chain input {
    type filter hook input priority filter;
    iifname "outside" meta l4proto { tcp, udp } drop
  }`;

const MASQUERADE = `
  chain postrouting {
    type nat hook postrouting priority srcnat;
    oifname "outside" masquerade
  }`;

/// `first` are rules for every packet that is passed on.
function forward(first = '', wayIn = '') {
  return `
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ${first}
    iifname "inside" accept
    ${wayIn}
  }`;
}

/// Linux keeps the source port while it is free, so the mapping depends on the source only, and
/// only packets that belong to a flow come in: the filter looks at address and port.
const portRestricted = `table ip nat {${GUARD}${MASQUERADE}${forward()}
}`;

/// Another random port for every flow.
const symmetric = portRestricted.replace('masquerade', 'masquerade random,fully-random');

/// Notes every flow's source in a map as it goes out, and sends back by that map whatever comes
/// to the port. `key` and `match` say what of the sender the filter looks at.
function cone(type, outgoing, incoming) {
  return `table ip nat {
  map mapped {
    type ${type} : ipv4_addr
    flags timeout
    timeout 2m
  }
  chain note {
    type filter hook forward priority filter - 1;
    iifname "inside" meta l4proto udp update @mapped { ${outgoing} : ip saddr }
  }
  chain prerouting {
    type nat hook prerouting priority dstnat;
    iifname "outside" meta l4proto udp dnat to ${incoming} map @mapped
  }${GUARD}${MASQUERADE}${forward('', 'ct status dnat accept')}
}`;
}

const fullCone = cone('inet_service', 'udp sport', 'udp dport');
const addressRestricted = cone('ipv4_addr . inet_service', 'ip daddr . udp sport', 'ip saddr . udp dport');

const udpBlocked = portRestricted.replace('iifname "inside" accept', 'iifname "inside" meta l4proto tcp accept');
const tcp443Only = portRestricted.replace('iifname "inside" accept', 'iifname "inside" tcp dport 443 accept');

/// A home router for IPv6: no translation, and what was not asked for stays outside.
const firewall6 = `table ip6 filter {${GUARD}${forward()}
}`;

const INDEPENDENT = 'endpoint-independent';
const ADDRESS = 'address-dependent';
const ADDRESS_AND_PORT = 'address-and-port-dependent';

const udp = (mapping, filtering) => ({ family: 4, udp: { mapping, filtering } });

/// By name: what the device has, and what theory needs to know of it. `udp` is null where no
/// packet of UDP leaves, `family` the only version of IP.
export const KINDS = {
  none: { ...udp(INDEPENDENT, INDEPENDENT), hops: [] },
  'full cone': { ...udp(INDEPENDENT, INDEPENDENT), hops: [fullCone] },
  'address-restricted': { ...udp(INDEPENDENT, ADDRESS), hops: [addressRestricted] },
  'port-restricted': { ...udp(INDEPENDENT, ADDRESS_AND_PORT), hops: [portRestricted] },
  symmetric: { ...udp(ADDRESS_AND_PORT, ADDRESS_AND_PORT), hops: [symmetric] },
  'double NAT': { ...udp(INDEPENDENT, ADDRESS_AND_PORT), hops: [portRestricted, portRestricted] },
  'UDP blocked': { family: 4, udp: null, hops: [udpBlocked] },
  'TCP 443 only': { family: 4, udp: null, hops: [tcp443Only] },
  'IPv6 only': { family: 6, udp: { mapping: INDEPENDENT, filtering: ADDRESS_AND_PORT }, hops: [firewall6] },
};

for (const [name, kind] of Object.entries(KINDS)) kind.name = name;
