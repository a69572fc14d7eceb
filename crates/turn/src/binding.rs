//! Relay ports of an allocation: ordered, bound, tried again, kept for a token.
//!
//! An Allocate is answered when the loop has bound its ports. A port that
//! somebody else holds is replaced by another, a few times.

use std::time::{Duration, Instant};

use turn_types::AddressFamily;

use crate::allocate::{LIFETIME, allocated};
use crate::allocation::{AllocationId, RelayEnd, Wanted};
use crate::five_tuple::FiveTuple;
use crate::relays::RelayId;
use crate::reply::Refusal;
use crate::server::{Command, Reservation, Server};

/// RFC 8656 section 7.2: at least 30 seconds.
const RESERVATION_LIFETIME: Duration = Duration::from_secs(30);
/// Reservations at once, of all clients.
const MAX_RESERVATIONS: usize = 1024;
/// Ports tried for one Allocate before it is answered 508.
const MAX_FAILED_BINDS: u32 = 8;

impl Server {
    /// Picks ports and orders them bound.
    pub(crate) fn open_relays(
        &mut self,
        owner: AllocationId,
        wanted: Wanted,
        client: &FiveTuple,
    ) -> Result<Vec<RelayEnd>, Refusal> {
        if wanted.keeps_next && self.reservations.len() >= MAX_RESERVATIONS {
            return Err(Refusal::InsufficientCapacity);
        }
        let ports = if wanted.keeps_next { 2 } else { 1 };
        let mut opened = Vec::new();
        for family in wanted.families {
            let random = self.random.next_u64();
            let ids = self
                .own
                .relay_ip(*family, client.server.ip())
                .ok_or(Refusal::FamilyUnsupported)
                .and_then(|ip| {
                    self.relays
                        .open(ip, owner, ports, wanted.is_even, random)
                        .ok_or(Refusal::InsufficientCapacity)
                });
            match ids {
                Ok(ids) => opened.extend(ids),
                // The second family of two is a wish (RFC 8656 section 7.2).
                Err(_) if !opened.is_empty() => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(opened.into_iter().map(|id| self.order_bind(id)).collect())
    }

    fn order_bind(&mut self, id: RelayId) -> RelayEnd {
        let relay = self.relays.relay(id).expect("it was opened just before");
        let (addr, advertised) = (relay.bound, relay.advertised);
        self.commands.push_back(Command::Bind { relay: id, addr });
        RelayEnd { id, advertised }
    }

    /// A bind succeeded or failed: answer, try other ports, or give up.
    pub(crate) fn settle_allocation(&mut self, relay: RelayId, is_bound: bool, now: Instant) {
        let Some(id) = self.relays.owner(relay) else {
            return;
        };
        let relays = &self.relays;
        let Some(allocation) = self.allocations.find_mut(id) else {
            return;
        };
        let Some(pending) = &mut allocation.pending else {
            return;
        };
        if !is_bound {
            pending.failed_binds += 1;
            return self.retry_binds(id);
        }
        let is_live = |end: &RelayEnd| relays.relay(end.id).is_some_and(|port| port.is_bound);
        if allocation.relays.iter().all(is_live) {
            self.complete_allocation(id, now);
        }
    }

    fn retry_binds(&mut self, id: AllocationId) {
        let Some(allocation) = self.allocations.find_mut(id) else {
            return;
        };
        let Some(pending) = &mut allocation.pending else {
            return;
        };
        let failed_binds = pending.failed_binds;
        if failed_binds == MAX_FAILED_BINDS && pending.wanted.families.len() > 1 {
            pending.wanted.families = &[AddressFamily::IPV4];
            allocation.ipv6_refusal = Some(Refusal::InsufficientCapacity);
        }
        let (wanted, client) = (pending.wanted, allocation.client);
        let reply_to = pending.reply_to.clone();
        let is_over = failed_binds >= 2 * MAX_FAILED_BINDS
            || (failed_binds >= MAX_FAILED_BINDS && allocation.ipv6_refusal.is_none());
        let taken = std::mem::take(&mut allocation.relays);
        for end in &taken {
            self.close_relay(end.id);
        }
        let opened = if is_over {
            Err(Refusal::InsufficientCapacity)
        } else {
            self.open_relays(id, wanted, &client)
        };
        match opened {
            Ok(opened) => {
                if let Some(allocation) = self.allocations.find_mut(id) {
                    allocation.relays = opened;
                }
            }
            Err(refusal) => {
                self.allocations.remove(id);
                self.refuse(&reply_to, &refusal);
            }
        }
    }

    fn complete_allocation(&mut self, id: AllocationId, now: Instant) {
        let token = self.random.next_u64();
        let Some(allocation) = self.allocations.find_mut(id) else {
            return;
        };
        let Some(pending) = allocation.pending.take() else {
            return;
        };
        let came_to = allocation.client.server.ip();
        if pending.wanted.families.len() > allocation.relays.len() {
            allocation.ipv6_refusal = Some(match self.own.relay_ip(AddressFamily::IPV6, came_to) {
                Some(_) => Refusal::InsufficientCapacity,
                None => Refusal::FamilyUnsupported,
            });
        }
        let kept = match pending.wanted.keeps_next {
            true => allocation.relays.pop(),
            false => None,
        };
        allocation.reservation = kept.map(|_| token);
        let bytes = allocated(allocation, &pending.reply_to);
        if let Some(kept) = kept {
            self.relays.set_owner(kept.id, None);
            let reservation = Reservation {
                relay: kept.id,
                expires_at: now + RESERVATION_LIFETIME,
            };
            self.reservations.insert(token, reservation);
        }
        self.allocations.extend(id, now + LIFETIME);
        self.reply(&pending.reply_to, bytes);
    }

    pub(crate) fn claim_reservation(
        &mut self,
        owner: AllocationId,
        token: u64,
    ) -> Result<RelayEnd, Refusal> {
        let kept = self
            .reservations
            .remove(&token)
            .ok_or(Refusal::InsufficientCapacity)?;
        self.relays.set_owner(kept.relay, Some(owner));
        let relay = self.relays.relay(kept.relay);
        Ok(RelayEnd {
            id: kept.relay,
            advertised: relay.expect("a reserved relay is open").advertised,
        })
    }
}
