//! The server's own addresses: relays, media, everything else on this machine.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use turn_types::AddressFamily;

use crate::settings::{RelayIp, Settings};

/// Knows which addresses are ours, bound or advertised.
#[derive(Debug)]
pub(crate) struct OwnAddresses {
    ips: BTreeSet<IpAddr>,
    relay_ips: Vec<RelayIp>,
    media_addrs: Vec<SocketAddr>,
}

impl OwnAddresses {
    pub(crate) fn new(settings: &Settings) -> Self {
        let relays = settings.relay_ips.iter();
        let media = settings.media_addrs.iter().map(SocketAddr::ip);
        let ips = settings
            .own_ips
            .iter()
            .copied()
            .chain(relays.flat_map(|ip| [ip.bound, ip.advertised]))
            .chain(media)
            .filter(|ip| !ip.is_unspecified())
            .collect();
        Self {
            ips,
            relay_ips: settings.relay_ips.clone(),
            media_addrs: settings.media_addrs.clone(),
        }
    }

    pub(crate) fn contains(&self, ip: IpAddr) -> bool {
        self.ips.contains(&ip)
    }

    /// Whether relays live on it, by either of its names.
    pub(crate) fn is_relay_ip(&self, ip: IpAddr) -> bool {
        self.relay_ips
            .iter()
            .any(|relay| relay.bound == ip || relay.advertised == ip)
    }

    /// Whether a media socket may be behind it, by either of its names.
    pub(crate) fn is_media_ip(&self, ip: IpAddr) -> bool {
        let ip = self.bound_ip(ip);
        self.media_addrs
            .iter()
            .any(|media| media.ip() == ip || (media.ip().is_unspecified() && self.contains(ip)))
    }

    /// Whether it is a media socket, by the address it is bound on.
    pub(crate) fn is_media(&self, addr: SocketAddr) -> bool {
        self.media_addrs.iter().any(|media| {
            let is_any_ip = media.ip().is_unspecified() && self.contains(addr.ip());
            media.port() == addr.port() && (media.ip() == addr.ip() || is_any_ip)
        })
    }

    /// The bound address behind an advertised one; any other comes back unchanged.
    pub(crate) fn bound(&self, addr: SocketAddr) -> SocketAddr {
        SocketAddr::new(self.bound_ip(addr.ip()), addr.port())
    }

    /// The advertised address of a bound one; any other comes back unchanged.
    pub(crate) fn advertised(&self, addr: SocketAddr) -> SocketAddr {
        let ip = self
            .relay_ips
            .iter()
            .find(|relay| relay.bound == addr.ip())
            .map_or(addr.ip(), |relay| relay.advertised);
        SocketAddr::new(ip, addr.port())
    }

    /// Where a relay of this family is bound: the address the client came to, else the first.
    pub(crate) fn relay_ip(&self, family: AddressFamily, came_to: IpAddr) -> Option<RelayIp> {
        let mut of_family = self
            .relay_ips
            .iter()
            .filter(|relay| relay.bound.is_ipv6() == (family == AddressFamily::IPV6));
        of_family
            .clone()
            .find(|relay| relay.bound == came_to)
            .or_else(|| of_family.next())
            .copied()
    }

    fn bound_ip(&self, ip: IpAddr) -> IpAddr {
        self.relay_ips
            .iter()
            .find(|relay| relay.advertised == ip)
            .map_or(ip, |relay| relay.bound)
    }
}
