//! One allocation (RFC 8656 section 3.2): a client, its relays, who it may talk to.

use std::net::SocketAddr;
use std::time::Instant;

use stun_types::message::{IntegrityKey, TransactionId};
use turn_types::AddressFamily;

use crate::auth::RestUsername;
use crate::channels::{Channels, Permissions};
use crate::five_tuple::FiveTuple;
use crate::limits::Bandwidth;
use crate::relays::RelayId;
use crate::reply::{Refusal, ReplyTo};

/// Names an allocation inside the server; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AllocationId(pub(crate) u64);

/// A relay of an allocation, as its packets need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RelayEnd {
    pub(crate) id: RelayId,
    pub(crate) advertised: SocketAddr,
}

/// What an Allocate still waits for: the loop to bind its ports.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) reply_to: ReplyTo,
    pub(crate) wanted: Wanted,
    /// Ports that were taken by somebody else, so far.
    pub(crate) failed_binds: u32,
}

/// What relayed addresses an Allocate asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// One address each; the second is a wish (ADDITIONAL-ADDRESS-FAMILY).
    pub(crate) families: &'static [AddressFamily],
    /// Whether the port is even.
    pub(crate) is_even: bool,
    /// Whether the port after it is kept for a RESERVATION-TOKEN.
    pub(crate) keeps_next: bool,
}

/// The state of one 5-tuple.
#[derive(Debug)]
pub(crate) struct Allocation {
    pub(crate) client: FiveTuple,
    pub(crate) username: RestUsername,
    pub(crate) key: IntegrityKey,
    pub(crate) created_by: TransactionId,
    pub(crate) expires_at: Instant,
    /// When its client was heard last.
    pub(crate) heard_at: Instant,
    pub(crate) pending: Option<Pending>,
    pub(crate) relays: Vec<RelayEnd>,
    pub(crate) reservation: Option<u64>,
    /// Why the IPv6 that was asked for in addition could not be had.
    pub(crate) ipv6_refusal: Option<Refusal>,
    pub(crate) permissions: Permissions,
    pub(crate) channels: Channels,
    pub(crate) bandwidth: Bandwidth,
}

impl Allocation {
    /// The relay that can reach a peer of this family.
    pub(crate) fn relay_towards(&self, peer: SocketAddr) -> Option<RelayEnd> {
        self.relays
            .iter()
            .find(|relay| relay.advertised.is_ipv6() == peer.is_ipv6())
            .copied()
    }
}
