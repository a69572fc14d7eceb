//! Which peers nobody may reach through a relay.
//!
//! Everything that is not plain public unicast, in plain form or hidden inside
//! an IPv6 address (mapped, compatible, 6to4, Teredo, NAT64, ISATAP). Own
//! addresses are judged in `own.rs`, before this.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, c: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), bits)
}

const DENIED_V4: [Ipv4Net; 13] = [
    v4(0, 0, 0, 0, 8),        // unspecified, "this network"
    v4(10, 0, 0, 0, 8),       // private
    v4(100, 64, 0, 0, 10),    // carrier-grade NAT; Alibaba's metadata
    v4(127, 0, 0, 0, 8),      // loopback
    v4(168, 63, 129, 16, 32), // Azure's metadata
    v4(169, 254, 0, 0, 16),   // link-local; 169.254.169.254 is metadata
    v4(172, 16, 0, 0, 12),    // private
    v4(192, 0, 0, 0, 24),     // protocol assignments; Oracle's metadata
    v4(192, 88, 99, 0, 24),   // 6to4 relays
    v4(192, 168, 0, 0, 16),   // private
    v4(198, 18, 0, 0, 15),    // benchmarks
    v4(224, 0, 0, 0, 4),      // multicast
    v4(240, 0, 0, 0, 4),      // reserved and broadcast
];

const DENIED_V6: [Ipv6Net; 7] = [
    v6(0, 0, 0, 80),         // unspecified, loopback, IPv4-compatible, IPv4-mapped
    v6(0x64, 0xff9b, 1, 48), // NAT64 for local use
    v6(0x100, 0, 0, 64),     // discard
    v6(0xfc00, 0, 0, 7),     // unique local
    v6(0xfe80, 0, 0, 10),    // link-local
    v6(0xfec0, 0, 0, 10),    // site-local
    v6(0xff00, 0, 0, 8),     // multicast
];

/// Whether a peer may not be reached; `allowed` takes plain ranges off the list.
///
/// A mapped address (`::ffff:0:0/96`) is always denied: relay sockets are
/// IPv6 only, and an honest client asks for an IPv4 relay.
pub fn is_denied(peer: IpAddr, allowed: &[IpNet]) -> bool {
    if let IpAddr::V6(ip) = peer
        && ip.to_ipv4_mapped().is_some()
    {
        return true;
    }
    if allowed.iter().any(|range| range.contains(&peer)) {
        return false;
    }
    match peer {
        IpAddr::V4(ip) => is_denied_v4(ip),
        IpAddr::V6(ip) => {
            DENIED_V6.iter().any(|range| range.contains(&ip))
                || embedded_v4(ip).into_iter().flatten().any(is_denied_v4)
        }
    }
}

fn is_denied_v4(ip: Ipv4Addr) -> bool {
    DENIED_V4.iter().any(|range| range.contains(&ip))
}

/// The IPv4 addresses that a transition mechanism would send to.
fn embedded_v4(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let s = ip.segments();
    let pair = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match s {
        // Teredo (RFC 4380 section 4): the server, and the client inverted.
        [0x2001, 0, ..] => [pair(s[2], s[3]), pair(!s[6], !s[7])],
        // 6to4 (RFC 3056 section 2).
        [0x2002, ..] => [pair(s[1], s[2]), None],
        // NAT64 (RFC 6052 section 2.1).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => [pair(s[6], s[7]), None],
        // ISATAP (RFC 5214 section 6.1).
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => [pair(s[6], s[7]), None],
        _ => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn denied(peer: &str) -> bool {
        is_denied(peer.parse().unwrap(), &[])
    }

    #[test]
    fn peers_that_are_not_public_are_denied() {
        for peer in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "100::1",
            "64:ff9b:1::1",
        ] {
            assert!(denied(peer), "{peer} must be denied");
        }
    }

    #[test]
    fn ipv4_hidden_in_ipv6_is_denied() {
        for peer in [
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "::8.8.8.8",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::",
            "64:ff9b::127.0.0.1",
            "64:ff9b::169.254.169.254",
            "2001:0:a00:1::",
            "2001:0:808:808:0:0:80ff:fffe",
            "2001:db8::5efe:10.0.0.1",
            "2001:db8::200:5efe:127.0.0.1",
        ] {
            assert!(denied(peer), "{peer} must be denied");
        }
    }

    #[test]
    fn public_peers_are_allowed() {
        for peer in [
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "169.253.1.1",
            "168.63.129.17",
            "223.255.255.255",
            "2600::1",
            "2002:808:808::1",
            "64:ff9b::8.8.8.8",
            "2001:0:808:808:0:0:f7f7:f7f7",
            "2001:4860::5efe:8.8.8.8",
        ] {
            assert!(!denied(peer), "{peer} must be allowed");
        }
    }

    #[test]
    fn allowed_range_opens_the_plain_form_only() {
        let lan: Vec<IpNet> = vec!["192.168.0.0/16".parse().unwrap(), "::/0".parse().unwrap()];
        assert!(!is_denied("192.168.1.5".parse().unwrap(), &lan));
        assert!(is_denied("10.0.0.1".parse().unwrap(), &lan));
        assert!(is_denied("::ffff:192.168.1.5".parse().unwrap(), &lan));
    }

    proptest! {
        #[test]
        fn every_embedding_of_a_denied_address_is_denied(range in 0..DENIED_V4.len(), host: u32) {
            let range = DENIED_V4[range];
            let bits = u32::from(range.network()) | (host & u32::from(range.hostmask()));
            let inner = Ipv4Addr::from(bits);
            let (high, low) = ((bits >> 16) as u16, bits as u16);
            for outer in [
                inner.to_ipv6_mapped(),
                inner.to_ipv6_compatible(),
                Ipv6Addr::new(0x2002, high, low, 1, 2, 3, 4, 5),
                Ipv6Addr::new(0x2001, 0, 0x808, 0x808, 0, 0, !high, !low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            ] {
                prop_assert!(is_denied(outer.into(), &[]), "{} in {}", inner, outer);
            }
        }
    }
}
