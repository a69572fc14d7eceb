//! The table of allocations: by id, by 5-tuple, by user and by expiry.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use crate::allocation::{Allocation, AllocationId};
use crate::five_tuple::FiveTuple;

/// Every allocation, reachable in the four ways that are asked for.
#[derive(Debug, Default)]
pub(crate) struct AllocationTable {
    by_id: BTreeMap<AllocationId, Allocation>,
    id_by_client: HashMap<FiveTuple, AllocationId>,
    count_by_user: HashMap<String, usize>,
    expiries: BTreeSet<(Instant, AllocationId)>,
    last_id: u64,
}

impl AllocationTable {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn count_of(&self, user: &str) -> usize {
        self.count_by_user.get(user).copied().unwrap_or_default()
    }

    pub(crate) fn id_of(&self, client: &FiveTuple) -> Option<AllocationId> {
        self.id_by_client.get(client).copied()
    }

    pub(crate) fn of(&self, client: &FiveTuple) -> Option<&Allocation> {
        self.by_id.get(&self.id_of(client)?)
    }

    pub(crate) fn find(&self, id: AllocationId) -> Option<&Allocation> {
        self.by_id.get(&id)
    }

    pub(crate) fn find_mut(&mut self, id: AllocationId) -> Option<&mut Allocation> {
        self.by_id.get_mut(&id)
    }

    /// The id that the next inserted allocation will have.
    pub(crate) fn next_id(&mut self) -> AllocationId {
        self.last_id += 1;
        AllocationId(self.last_id)
    }

    pub(crate) fn insert(&mut self, id: AllocationId, allocation: Allocation) {
        let user = allocation.username.id.clone();
        *self.count_by_user.entry(user).or_default() += 1;
        self.id_by_client.insert(allocation.client, id);
        self.expiries.insert((allocation.expires_at, id));
        self.by_id.insert(id, allocation);
    }

    pub(crate) fn extend(&mut self, id: AllocationId, expires_at: Instant) {
        if let Some(allocation) = self.by_id.get_mut(&id) {
            self.expiries.remove(&(allocation.expires_at, id));
            self.expiries.insert((expires_at, id));
            allocation.expires_at = expires_at;
        }
    }

    pub(crate) fn remove(&mut self, id: AllocationId) -> Option<Allocation> {
        let allocation = self.by_id.remove(&id)?;
        self.id_by_client.remove(&allocation.client);
        self.expiries.remove(&(allocation.expires_at, id));
        let user = &allocation.username.id;
        if let Some(count) = self.count_by_user.get_mut(user) {
            *count -= 1;
            if *count == 0 {
                self.count_by_user.remove(user);
            }
        }
        Some(allocation)
    }

    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.expiries.first().map(|(expires_at, _)| *expires_at)
    }

    pub(crate) fn first_expired(&self, now: Instant) -> Option<AllocationId> {
        let (expires_at, id) = self.expiries.first()?;
        (*expires_at <= now).then_some(*id)
    }

    /// The client of this 5-tuple was heard.
    pub(crate) fn hear(&mut self, client: &FiveTuple, now: Instant) {
        let id = self.id_of(client);
        if let Some(allocation) = id.and_then(|id| self.by_id.get_mut(&id)) {
            allocation.heard_at = now;
        }
    }

    /// The user's allocation whose client was not heard for longest, and when it was.
    pub(crate) fn most_silent_of(&self, user: &str) -> Option<(Instant, AllocationId)> {
        let all = self.by_id.iter();
        let own = all.filter(|(_, allocation)| allocation.username.id == user);
        own.map(|(id, allocation)| (allocation.heard_at, *id)).min()
    }

    pub(crate) fn ids_of_user(&self, user: &str) -> Vec<AllocationId> {
        self.by_id
            .iter()
            .filter(|(_, allocation)| allocation.username.id == user)
            .map(|(id, _)| *id)
            .collect()
    }
}
