//! Allocate and Refresh (RFC 8656 sections 7 and 8).

use std::time::{Duration, Instant};

use stun_types::attribute::{AttributeStaticType, AttributeWrite, ErrorCode, XorMappedAddress};
use turn_types::AddressFamily;
use turn_types::attribute::{
    AddressErrorCode, Lifetime, RequestedAddressFamily, ReservationToken, XorRelayedAddress,
};

use crate::allocation::{Allocation, AllocationId, Pending, RelayEnd, Wanted};
use crate::channels::{Channels, Permissions};
use crate::claim::{Claim, request_family};
use crate::limits::Bandwidth;
use crate::reply::{Refusal, ReplyTo};
use crate::requests::Request;
use crate::server::Server;

/// The default of RFC 8656 section 3.2 is also the most we grant, so there is one lifetime.
pub(crate) const LIFETIME: Duration = Duration::from_secs(600);

/// The client of an allocation that serves is heard more often than this: every checked pair of
/// candidates is checked again within seconds.
const ABANDONED_AFTER: Duration = Duration::from_secs(10);

impl Server {
    pub(crate) fn allocate(&mut self, request: &Request<'_>, now: Instant) -> Result<(), Refusal> {
        let client = request.reply_to.client;
        if let Some(live) = self.allocations.of(&client) {
            if live.created_by != request.reply_to.transaction {
                return Err(Refusal::AllocationMismatch);
            }
            // A retransmission: the first answer may have been lost (section 7.2, step 2).
            if live.pending.is_none() {
                let bytes = allocated(live, &request.reply_to);
                self.reply(&request.reply_to, bytes);
            }
            return Ok(());
        }
        let claim = Claim::of(request)?;
        let limits = &self.settings.limits;
        let (most, user) = (limits.allocations_per_id, &request.username.id);
        if self.allocations.count_of(user) >= most && !self.end_abandoned(user, now) {
            return Err(Refusal::QuotaReached);
        }
        let limits = &self.settings.limits;
        if self.allocations.len() >= limits.allocations_total {
            return Err(Refusal::InsufficientCapacity);
        }
        let id = self.allocations.next_id();
        let (relays, wanted) = match claim {
            Claim::Open(wanted) => (self.open_relays(id, wanted, &client)?, Some(wanted)),
            Claim::Reserved(token) => (vec![self.claim_reservation(id, token)?], None),
        };
        self.insert_allocation(id, request, relays, wanted, now);
        Ok(())
    }

    /// Ends the user's allocation that was silent for longest, if that was [`ABANDONED_AFTER`]: a
    /// device that leaves a network cannot give back what it had there, and would be refused in
    /// the next one until the lifetime is over.
    fn end_abandoned(&mut self, user: &str, now: Instant) -> bool {
        let silent = self.allocations.most_silent_of(user);
        let silent = silent.filter(|(heard_at, _)| *heard_at + ABANDONED_AFTER <= now);
        silent.is_some_and(|(_, id)| self.end_allocation(id).is_some())
    }

    fn insert_allocation(
        &mut self,
        id: AllocationId,
        request: &Request<'_>,
        relays: Vec<RelayEnd>,
        wanted: Option<Wanted>,
        now: Instant,
    ) {
        let pending = wanted.map(|wanted| Pending {
            reply_to: request.reply_to.clone(),
            wanted,
            failed_binds: 0,
        });
        let is_ready = pending.is_none();
        let allocation = Allocation {
            client: request.reply_to.client,
            username: request.username.clone(),
            key: request.key.clone(),
            created_by: request.reply_to.transaction,
            expires_at: now + LIFETIME,
            heard_at: now,
            pending,
            relays,
            reservation: None,
            ipv6_refusal: None,
            permissions: Permissions::default(),
            channels: Channels::default(),
            bandwidth: Bandwidth::new(self.settings.limits.allocation_bytes_per_sec, now),
        };
        if is_ready {
            let bytes = allocated(&allocation, &request.reply_to);
            self.reply(&request.reply_to, bytes);
        }
        self.allocations.insert(id, allocation);
    }

    pub(crate) fn refresh(&mut self, request: &Request<'_>, now: Instant) -> Result<(), Refusal> {
        let id = self.allocation_of(request)?;
        let lifetime = request.optional::<Lifetime>()?.map(|asked| asked.seconds());
        let family = match request.message.raw_attribute(RequestedAddressFamily::TYPE) {
            Some(_) => Some(request_family(request)?),
            None => None,
        };
        let allocation = self.allocations.find_mut(id).expect("it was just found");
        let is_of_family =
            |end: &RelayEnd| family.is_none_or(|is_ipv6| end.advertised.is_ipv6() == is_ipv6);
        if !allocation.relays.iter().any(is_of_family) {
            return Err(Refusal::FamilyMismatch);
        }
        if lifetime != Some(0) {
            self.allocations.extend(id, now + LIFETIME);
        } else if allocation.relays.iter().all(is_of_family) {
            self.end_allocation(id);
        } else {
            // One family of two (RFC 8656 section 8.2).
            let (gone, kept) = allocation.relays.iter().copied().partition(is_of_family);
            allocation.relays = kept;
            let gone: Vec<RelayEnd> = gone;
            gone.iter().for_each(|end| self.close_relay(end.id));
        }
        let granted = match lifetime {
            Some(0) => 0,
            _ => LIFETIME.as_secs() as u32,
        };
        let bytes = request.reply_to.success(&[&Lifetime::new(granted)]);
        self.reply(&request.reply_to, bytes);
        Ok(())
    }

    /// The bound allocation of the request's 5-tuple and user.
    pub(crate) fn allocation_of(&self, request: &Request<'_>) -> Result<AllocationId, Refusal> {
        let client = &request.reply_to.client;
        let id = self.allocations.id_of(client);
        let id = id.ok_or(Refusal::AllocationMismatch)?;
        match self.allocations.find(id) {
            Some(live) if live.username.name != request.username.name => {
                Err(Refusal::WrongCredentials)
            }
            Some(live) if live.pending.is_none() => Ok(id),
            _ => Err(Refusal::AllocationMismatch),
        }
    }
}

/// The success response; the same for a retransmitted request.
pub(crate) fn allocated(allocation: &Allocation, reply_to: &ReplyTo) -> Vec<u8> {
    let relayed: Vec<XorRelayedAddress> = allocation
        .relays
        .iter()
        .map(|end| XorRelayedAddress::new(end.advertised, reply_to.transaction))
        .collect();
    let mapped = XorMappedAddress::new(reply_to.client.client, reply_to.transaction);
    let lifetime = Lifetime::new(LIFETIME.as_secs() as u32);
    let token = allocation.reservation.map(ReservationToken::new);
    let error = allocation.ipv6_refusal.as_ref().map(|refusal| {
        let error = ErrorCode::builder(refusal.code()).build();
        AddressErrorCode::new(AddressFamily::IPV6, error.expect("our codes are 400-599"))
    });
    let mut attributes: Vec<&dyn AttributeWrite> = Vec::new();
    attributes.extend(
        relayed
            .iter()
            .map(|attribute| attribute as &dyn AttributeWrite),
    );
    attributes.push(&lifetime);
    attributes.push(&mapped);
    attributes.extend(
        token
            .iter()
            .map(|attribute| attribute as &dyn AttributeWrite),
    );
    attributes.extend(
        error
            .iter()
            .map(|attribute| attribute as &dyn AttributeWrite),
    );
    reply_to.success(&attributes)
}
