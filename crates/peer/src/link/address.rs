//! Which addresses a link may use: the ICE policies, and what never belongs into a candidate.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which paths a link may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IcePolicy {
    /// Every path, the shortest first.
    #[default]
    All,
    /// Relays only: the peer does not learn this device's addresses.
    Relay,
    /// No STUN, no TURN, and only addresses of the own network.
    Local {
        /// Whether 100.64.0.0/10 (RFC 6598, also Tailscale's) counts as the own network.
        includes_cgnat: bool,
    },
}

impl IcePolicy {
    /// Whether packets may go to and come from this address.
    pub fn allows(self, ip: IpAddr) -> bool {
        match self {
            IcePolicy::All | IcePolicy::Relay => true,
            IcePolicy::Local { includes_cgnat } => is_local(ip.to_canonical(), includes_cgnat),
        }
    }

    /// Whether own addresses may be told to the peer.
    pub(super) fn has_hosts(self) -> bool {
        self != IcePolicy::Relay
    }

    /// Whether STUN and TURN servers may be asked.
    pub(super) fn has_servers(self) -> bool {
        !matches!(self, IcePolicy::Local { .. })
    }
}

/// Whether a packet can be sent to it at all.
pub(super) fn is_usable(ip: IpAddr, port: u16) -> bool {
    let ip = ip.to_canonical();
    let is_broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    port != 0 && !ip.is_unspecified() && !ip.is_multicast() && !is_broadcast
}

fn is_local(ip: IpAddr, includes_cgnat: bool) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || (includes_cgnat && is_cgnat(ip))
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || is_link_local(ip),
    }
}

/// RFC 6598 §7.
fn is_cgnat(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    first == 100 && second & 0xC0 == 64
}

fn is_link_local(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xFFC0 == 0xFE80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn local_mode_knows_the_own_network_in_every_spelling() {
        let local = IcePolicy::Local {
            includes_cgnat: false,
        };
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.0.1",
            "169.254.1.1",
            "::1",
        ] {
            assert!(local.allows(ip(inside)), "{inside}");
        }
        for inside in ["fd00::1", "fe80::1", "::ffff:192.168.0.1"] {
            assert!(local.allows(ip(inside)), "{inside}");
        }
        for outside in [
            "8.8.8.8",
            "172.32.0.1",
            "100.64.0.1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(!local.allows(ip(outside)), "{outside}");
        }
        let cgnat = IcePolicy::Local {
            includes_cgnat: true,
        };
        assert!(cgnat.allows(ip("100.127.255.255")) && !cgnat.allows(ip("100.128.0.1")));
    }

    #[test]
    fn addresses_that_nobody_has_are_not_usable() {
        for (nobody, port) in [
            ("0.0.0.0", 9),
            ("224.0.0.1", 9),
            ("255.255.255.255", 9),
            ("10.0.0.1", 0),
        ] {
            assert!(!is_usable(ip(nobody), port), "{nobody}:{port}");
        }
        assert!(is_usable(ip("10.0.0.1"), 9));
    }
}
