//! CreatePermission and ChannelBind (RFC 8656 sections 10 and 12), and who may be reached at all.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use stun_types::attribute::{Attribute, AttributeFromRaw, AttributeStaticType};
use turn_types::attribute::{ChannelNumber, XorPeerAddress};

use crate::allocation::AllocationId;
use crate::channels::ChannelConflict;
use crate::deny::is_denied;
use crate::relays::RelayId;
use crate::reply::Refusal;
use crate::requests::Request;
use crate::server::Server;

/// RFC 8656 section 12 ends at 0x4FFF, RFC 5766 and its clients at 0x7FFF; RFC 7983 keeps
/// the first bytes 80-127 free, so both can be served.
const CHANNEL_NUMBERS: std::ops::RangeInclusive<u16> = 0x4000..=0x7fff;

/// Where a packet to a peer ends up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Out into the network.
    Outside,
    /// Another relay of ours: no socket in between.
    Relay(RelayId),
    /// The gateway's media socket, by its bound address.
    Media(SocketAddr),
    /// Nowhere.
    Denied,
}

impl Server {
    /// Permissions for every XOR-PEER-ADDRESS of the request, or for none.
    pub(crate) fn create_permission(
        &mut self,
        request: &Request<'_>,
        now: Instant,
    ) -> Result<(), Refusal> {
        let id = self.allocation_of(request)?;
        let peers = peers_of(request)?;
        for peer in &peers {
            self.check_peer(id, request, *peer)?;
        }
        let ips: Vec<IpAddr> = peers.iter().map(SocketAddr::ip).collect();
        self.permit(id, &ips, now)?;
        self.reply(&request.reply_to, request.reply_to.success(&[]));
        Ok(())
    }

    pub(crate) fn bind_channel(
        &mut self,
        request: &Request<'_>,
        now: Instant,
    ) -> Result<(), Refusal> {
        let id = self.allocation_of(request)?;
        let number = request.required::<ChannelNumber>()?.channel();
        let peer = request.required::<XorPeerAddress>()?;
        let peer = peer.addr(request.reply_to.transaction);
        if !CHANNEL_NUMBERS.contains(&number) {
            return Err(Refusal::BadRequest);
        }
        self.check_peer(id, request, peer)?;
        if self.reach(request.username.is_guest(), peer) == Reach::Denied {
            return Err(Refusal::Forbidden);
        }
        let limit = self.settings.limits.permissions_per_allocation;
        let allocation = self.allocations.find_mut(id);
        allocation
            .ok_or(Refusal::AllocationMismatch)?
            .channels
            .bind(number, peer, limit, now)
            .map_err(|conflict| match conflict {
                ChannelConflict::Rebound => Refusal::BadRequest,
                ChannelConflict::Full => Refusal::InsufficientCapacity,
            })?;
        self.permit(id, &[peer.ip()], now)?;
        self.reply(&request.reply_to, request.reply_to.success(&[]));
        Ok(())
    }

    /// Installs permissions, by address only.
    fn permit(&mut self, id: AllocationId, ips: &[IpAddr], now: Instant) -> Result<(), Refusal> {
        let limit = self.settings.limits.permissions_per_allocation;
        let allocation = self.allocations.find_mut(id);
        let permissions = &mut allocation.ok_or(Refusal::AllocationMismatch)?.permissions;
        match permissions.install(ips, limit, now) {
            true => Ok(()),
            false => Err(Refusal::InsufficientCapacity),
        }
    }

    /// 443 for a family without a relay, 403 for an address nobody may reach.
    fn check_peer(
        &self,
        id: AllocationId,
        request: &Request<'_>,
        peer: SocketAddr,
    ) -> Result<(), Refusal> {
        let allocation = self.allocations.find(id);
        let relay = allocation.and_then(|allocation| allocation.relay_towards(peer));
        if relay.is_none() {
            return Err(Refusal::FamilyMismatch);
        }
        match self.may_permit(request.username.is_guest(), peer.ip()) {
            true => Ok(()),
            false => Err(Refusal::Forbidden),
        }
    }

    /// An own relay or media address is fine, its ports are told apart per packet.
    fn may_permit(&self, is_guest: bool, ip: IpAddr) -> bool {
        if self.own.contains(ip) {
            return self.own.is_media_ip(ip) || (!is_guest && self.own.is_relay_ip(ip));
        }
        !is_guest && !is_denied(ip, &self.settings.allow_peers)
    }

    /// Where a packet to this peer would go.
    pub(crate) fn reach(&self, is_guest: bool, peer: SocketAddr) -> Reach {
        if self.own.contains(peer.ip()) {
            let bound = self.own.bound(peer);
            if self.own.is_media(bound) {
                return Reach::Media(bound);
            }
            let relay = self.relays.live_at(bound).filter(|_| !is_guest);
            return relay.map_or(Reach::Denied, Reach::Relay);
        }
        if is_guest || is_denied(peer.ip(), &self.settings.allow_peers) {
            return Reach::Denied;
        }
        Reach::Outside
    }
}

/// At least one XOR-PEER-ADDRESS (RFC 8656 section 10.2).
fn peers_of(request: &Request<'_>) -> Result<Vec<SocketAddr>, Refusal> {
    let peers = request
        .message
        .iter_attributes()
        .filter(|(_, raw)| raw.get_type() == XorPeerAddress::TYPE)
        .map(|(_, raw)| XorPeerAddress::from_raw_ref(&raw))
        .map(|peer| peer.map(|peer| peer.addr(request.reply_to.transaction)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| Refusal::BadRequest)?;
    match peers.is_empty() {
        true => Err(Refusal::BadRequest),
        false => Ok(peers),
    }
}
