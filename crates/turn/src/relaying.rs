//! The packet path: ChannelData, Send indications and what peers send back.
//!
//! Nothing is allocated and nothing is copied: the answer says which range of
//! the packet goes where and which header stands before it. A packet from one
//! relay of ours to another becomes its receiver's packet here, as if it had
//! gone through both sockets.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Instant;

use stun_types::attribute::{Attribute, AttributeFromRaw, AttributeStaticType};
use stun_types::message::Message;
use turn_types::attribute::{Data, XorPeerAddress};

use crate::allocation::{Allocation, AllocationId};
use crate::five_tuple::FiveTuple;
use crate::permit::Reach;
use crate::relays::RelayId;
use crate::requests::unknown_attributes;
use crate::server::Server;
use crate::stats::DropCause;
use crate::wire::{Header, Relay, padding};

/// A payload this large still fits a UDP datagram with a Data indication's header.
const MAX_PAYLOAD_BYTES: usize = 65_507 - crate::wire::MAX_HEADER_BYTES - 3;

const CHANNEL_HEADER_BYTES: usize = 4;
const ATTRIBUTE_HEADER_BYTES: usize = 4;

impl Server {
    pub(crate) fn relay_channel_data(
        &mut self,
        from: FiveTuple,
        frame: &[u8],
        now: Instant,
    ) -> Option<Relay> {
        let Some((number, payload)) = channel_data(frame) else {
            return self.dropped(DropCause::Malformed);
        };
        let Some(id) = self.allocations.id_of(&from) else {
            return self.dropped(DropCause::NoAllocation);
        };
        let allocation = self.allocations.find(id)?;
        match allocation.channels.peer(number, now) {
            Some(peer) => self.relay_to_peer(id, peer, payload, now),
            None => self.dropped(DropCause::NoPermission),
        }
    }

    /// RFC 8656 section 11.2: needs a peer, data and a permission, else it is dropped.
    pub(crate) fn relay_send(
        &mut self,
        from: FiveTuple,
        message: &Message<'_>,
        now: Instant,
    ) -> Option<Relay> {
        let Some((peer, payload)) = send_indication(message) else {
            return self.dropped(DropCause::Malformed);
        };
        let Some(id) = self.allocations.id_of(&from) else {
            return self.dropped(DropCause::NoAllocation);
        };
        let allocation = self.allocations.find(id)?;
        if !allocation.permissions.allows(peer.ip(), now) {
            return self.dropped(DropCause::NoPermission);
        }
        self.relay_to_peer(id, peer, payload, now)
    }

    fn relay_to_peer(
        &mut self,
        id: AllocationId,
        peer: SocketAddr,
        payload: Range<usize>,
        now: Instant,
    ) -> Option<Relay> {
        let allocation = self.allocations.find_mut(id)?;
        allocation.heard_at = now;
        let Some(end) = allocation.relay_towards(peer) else {
            return self.dropped(DropCause::Denied);
        };
        let is_guest = allocation.username.is_guest();
        let reach = self.reach(is_guest, peer);
        if reach == Reach::Denied {
            return self.dropped(DropCause::Denied);
        }
        if !self.take_bandwidth(id, payload.len(), now) {
            return self.dropped(DropCause::OverBandwidth);
        }
        self.stats.relayed_to_peers_bytes += payload.len() as u64;
        let to = match reach {
            Reach::Relay(relay) => {
                return self.relay_to_client(relay, end.advertised, payload, now);
            }
            Reach::Media(bound) => bound,
            _ => peer,
        };
        Some(Relay::ToPeer {
            relay: end.id,
            to,
            payload,
        })
    }

    /// Permissions hold in both directions (RFC 8656 section 9).
    pub(crate) fn relay_to_client(
        &mut self,
        relay: RelayId,
        peer: SocketAddr,
        payload: Range<usize>,
        now: Instant,
    ) -> Option<Relay> {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return self.dropped(DropCause::Malformed);
        }
        let Some(id) = self.relays.owner(relay) else {
            return self.dropped(DropCause::NoAllocation);
        };
        let allocation = self.allocations.find(id)?;
        let Some((peer, number)) = self.known_peer(allocation, peer, now) else {
            return self.dropped(DropCause::NoPermission);
        };
        let to = allocation.client;
        if !self.take_bandwidth(id, payload.len(), now) {
            return self.dropped(DropCause::OverBandwidth);
        }
        self.stats.relayed_to_clients_bytes += payload.len() as u64;
        let length = payload.len() as u16;
        let header = match number {
            Some(number) => Header::channel_data(number, length),
            None => {
                self.last_transaction += 1;
                Header::data_indication(peer, length, self.last_transaction.into())
            }
        };
        Some(Relay::ToClient {
            to,
            header,
            padding: padding(number.is_some(), to.transport, payload.len()),
            payload,
        })
    }

    /// The name by which the allocation knows a peer, and its channel.
    ///
    /// A relay or media socket of ours has two names behind a 1:1 NAT.
    fn known_peer(
        &self,
        allocation: &Allocation,
        peer: SocketAddr,
        now: Instant,
    ) -> Option<(SocketAddr, Option<u16>)> {
        let permitted = |name: &SocketAddr| allocation.permissions.allows(name.ip(), now);
        let with_channel = |name: SocketAddr| (name, allocation.channels.number(name, now));
        let names = if self.own.contains(peer.ip()) {
            [peer, self.own.advertised(peer), self.own.bound(peer)]
        } else {
            [peer; 3]
        };
        let known = || names.into_iter().filter(permitted).map(with_channel);
        known()
            .find(|(_, number)| number.is_some())
            .or_else(|| known().next())
    }

    fn take_bandwidth(&mut self, id: AllocationId, bytes: usize, now: Instant) -> bool {
        let allocation = self.allocations.find_mut(id);
        allocation.is_some_and(|allocation| allocation.bandwidth.take(bytes, now))
            && self.total_bandwidth.take(bytes, now)
    }
}

/// The channel's number and the range of its payload; datagrams may carry padding.
fn channel_data(frame: &[u8]) -> Option<(u16, Range<usize>)> {
    let (header, body) = frame.split_first_chunk::<CHANNEL_HEADER_BYTES>()?;
    let number = u16::from_be_bytes([header[0], header[1]]);
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    (length <= body.len()).then_some((number, CHANNEL_HEADER_BYTES..CHANNEL_HEADER_BYTES + length))
}

fn send_indication(message: &Message<'_>) -> Option<(SocketAddr, Range<usize>)> {
    if !unknown_attributes(message).is_empty() {
        return None;
    }
    let peer = message.raw_attribute(XorPeerAddress::TYPE)?;
    let peer = XorPeerAddress::from_raw_ref(&peer).ok()?;
    let (offset, data) = message.raw_attribute_and_offset(Data::TYPE)?;
    let start = offset + ATTRIBUTE_HEADER_BYTES;
    let payload = start..start + usize::from(data.length());
    Some((peer.addr(message.transaction_id()), payload))
}
