//! The permissions and channels of one allocation (RFC 8656 sections 9 and 12).
//!
//! Expired entries are ignored when read and swept when room is needed: a
//! bounded table needs no timers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// RFC 8656 section 9: five minutes.
pub(crate) const PERMISSION_LIFETIME: Duration = Duration::from_secs(300);
/// RFC 8656 section 12: ten minutes.
pub(crate) const CHANNEL_LIFETIME: Duration = Duration::from_secs(600);

/// Who may be talked to: by address only, whatever the port, in both directions.
#[derive(Debug, Default)]
pub(crate) struct Permissions {
    expiry_by_ip: BTreeMap<IpAddr, Instant>,
}

impl Permissions {
    pub(crate) fn allows(&self, ip: IpAddr, now: Instant) -> bool {
        self.expiry_by_ip
            .get(&ip)
            .is_some_and(|expiry| *expiry > now)
    }

    /// Installs or refreshes them all, or none when there would be more than `limit`.
    pub(crate) fn install(&mut self, ips: &[IpAddr], limit: usize, now: Instant) -> bool {
        let before = self.expiry_by_ip.len();
        let fresh = ips.iter().filter(|ip| !self.expiry_by_ip.contains_key(ip));
        if before + fresh.count() > limit {
            self.expiry_by_ip.retain(|_, expiry| *expiry > now);
            let mut wanted: Vec<&IpAddr> = ips
                .iter()
                .filter(|ip| !self.expiry_by_ip.contains_key(ip))
                .collect();
            wanted.sort_unstable();
            wanted.dedup();
            if self.expiry_by_ip.len() + wanted.len() > limit {
                return false;
            }
        }
        for ip in ips {
            self.expiry_by_ip.insert(*ip, now + PERMISSION_LIFETIME);
        }
        true
    }
}

/// Why a channel was not bound; both are answered 400.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelConflict {
    /// The number belongs to another peer, or the peer has another number.
    Rebound,
    /// More channels than an allocation may have.
    Full,
}

#[derive(Debug)]
struct Channel {
    peer: SocketAddr,
    expires_at: Instant,
}

/// Numbers bound to peers, one to one.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    by_number: BTreeMap<u16, Channel>,
    number_by_peer: BTreeMap<SocketAddr, u16>,
}

impl Channels {
    pub(crate) fn peer(&self, number: u16, now: Instant) -> Option<SocketAddr> {
        let channel = self.by_number.get(&number)?;
        (channel.expires_at > now).then_some(channel.peer)
    }

    pub(crate) fn number(&self, peer: SocketAddr, now: Instant) -> Option<u16> {
        let number = *self.number_by_peer.get(&peer)?;
        self.peer(number, now).map(|_| number)
    }

    /// Binds or refreshes a channel.
    pub(crate) fn bind(
        &mut self,
        number: u16,
        peer: SocketAddr,
        limit: usize,
        now: Instant,
    ) -> Result<(), ChannelConflict> {
        let bound_peer = self.peer(number, now);
        let bound_number = self.number(peer, now);
        if bound_peer.is_some_and(|bound| bound != peer)
            || bound_number.is_some_and(|bound| bound != number)
        {
            return Err(ChannelConflict::Rebound);
        }
        if bound_peer.is_none() {
            self.sweep(now);
            if self.by_number.len() >= limit {
                return Err(ChannelConflict::Full);
            }
        }
        let expires_at = now + CHANNEL_LIFETIME;
        self.by_number.insert(number, Channel { peer, expires_at });
        self.number_by_peer.insert(peer, number);
        Ok(())
    }

    fn sweep(&mut self, now: Instant) {
        self.by_number.retain(|_, channel| channel.expires_at > now);
        let alive = &self.by_number;
        self.number_by_peer
            .retain(|_, number| alive.contains_key(number));
    }
}
