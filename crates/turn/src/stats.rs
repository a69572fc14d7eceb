//! Plain counters of what happened; the loop publishes them. No labels with names in them.

use std::collections::BTreeMap;

/// Why a packet went nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropCause {
    /// Neither STUN nor ChannelData.
    NotTurn,
    /// Looked like STUN or ChannelData and was not well formed.
    Malformed,
    /// No allocation for the 5-tuple or the relay.
    NoAllocation,
    /// No permission or channel for the peer.
    NoPermission,
    /// The peer is on the deny list, or one of our own ports that is no relay.
    Denied,
    /// An allocation's or the server's bandwidth is used up.
    OverBandwidth,
    /// Unauthenticated replies to the source are over their rate.
    RateLimited,
}

impl DropCause {
    /// The cause as a metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotTurn => "not_turn",
            Self::Malformed => "malformed",
            Self::NoAllocation => "no_allocation",
            Self::NoPermission => "no_permission",
            Self::Denied => "denied",
            Self::OverBandwidth => "over_bandwidth",
            Self::RateLimited => "rate_limited",
        }
    }
}

/// Totals since the server started, and the allocations alive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Allocations that live or are being bound.
    pub allocations: usize,
    /// Payload bytes from clients to peers.
    pub relayed_to_peers_bytes: u64,
    /// Payload bytes from peers to clients.
    pub relayed_to_clients_bytes: u64,
    /// Packets dropped, by cause.
    pub dropped: BTreeMap<DropCause, u64>,
    /// Error responses, by code.
    pub refused: BTreeMap<u16, u64>,
}

impl Stats {
    pub(crate) fn count_drop(&mut self, cause: DropCause) {
        *self.dropped.entry(cause).or_default() += 1;
    }

    pub(crate) fn count_refusal(&mut self, code: u16) {
        *self.refused.entry(code).or_default() += 1;
    }
}
