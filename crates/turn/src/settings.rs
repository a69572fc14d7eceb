//! What a server is told once: addresses, secrets, limits. No parsing here.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use ipnet::IpNet;

/// An address that relay ports are bound on, and the one that clients are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayIp {
    /// The address of this machine.
    pub bound: IpAddr,
    /// The address seen from outside; differs behind a 1:1 NAT.
    pub advertised: IpAddr,
}

impl From<IpAddr> for RelayIp {
    fn from(ip: IpAddr) -> Self {
        Self {
            bound: ip,
            advertised: ip,
        }
    }
}

/// Everything a [`Server`](crate::Server) needs to know before its first packet.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The realm of RFC 8489 section 9.2.
    pub realm: String,
    /// TURN REST secrets: any of them verifies.
    pub secrets: Vec<String>,
    /// Where relay ports are bound; the first of a family wins unless the
    /// client came to one of the others.
    pub relay_ips: Vec<RelayIp>,
    /// The ports that relays are taken from.
    pub relay_ports: RangeInclusive<u16>,
    /// Every address of this machine, denied as a peer unless it is a relay's or the media port's.
    pub own_ips: Vec<IpAddr>,
    /// The gateway's media sockets; an unspecified address stands for every own one.
    pub media_addrs: Vec<SocketAddr>,
    /// Ranges taken off the deny list.
    pub allow_peers: Vec<IpNet>,
    /// What a client, and all of them together, may hold.
    pub limits: Limits,
}

/// Named limits: whatever a stranger can make grow.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Allocations of one REST id at once; one more takes the place of one that its client has
    /// abandoned, or is answered 486.
    pub allocations_per_id: usize,
    /// Allocations in all at once; one more is answered 508.
    pub allocations_total: usize,
    /// Permissions (and channels) of one allocation; one more is answered 508.
    pub permissions_per_allocation: usize,
    /// Relayed bytes per second of one allocation, both directions together.
    pub allocation_bytes_per_sec: Option<u64>,
    /// Relayed bytes per second of all allocations together.
    pub total_bytes_per_sec: Option<u64>,
    /// Unauthenticated UDP replies per second to one source address (IPv6: /64).
    pub unauthenticated_replies_per_sec: u32,
    /// How many of them may come at once.
    pub unauthenticated_replies_burst: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            allocations_per_id: 64,
            allocations_total: 8192,
            permissions_per_allocation: 128,
            allocation_bytes_per_sec: None,
            total_bytes_per_sec: None,
            unauthenticated_replies_per_sec: 100,
            unauthenticated_replies_burst: 400,
        }
    }
}
