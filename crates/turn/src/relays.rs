//! Every relay port of this server: which are taken, which are live, whose they are.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use crate::allocation::AllocationId;
use crate::settings::RelayIp;

/// One relay socket, for as long as it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelayId(pub(crate) u32);

impl RelayId {
    /// The id as a number, for a loop's own tables.
    pub fn as_usize(self) -> usize {
        self.0 as usize
    }
}

/// One relayed transport address.
#[derive(Debug, Clone)]
pub(crate) struct RelayPort {
    pub(crate) bound: SocketAddr,
    pub(crate) advertised: SocketAddr,
    /// `None` while it is reserved for the holder of a RESERVATION-TOKEN.
    pub(crate) owner: Option<AllocationId>,
    /// Whether the loop has bound the socket.
    pub(crate) is_bound: bool,
}

/// All of them, by id and by address.
#[derive(Debug)]
pub(crate) struct RelayTable {
    ports: RangeInclusive<u16>,
    by_id: BTreeMap<RelayId, RelayPort>,
    id_by_addr: HashMap<SocketAddr, RelayId>,
    last_id: u32,
}

impl RelayTable {
    pub(crate) fn new(ports: RangeInclusive<u16>) -> Self {
        Self {
            ports,
            by_id: BTreeMap::new(),
            id_by_addr: HashMap::new(),
            last_id: 0,
        }
    }

    pub(crate) fn relay(&self, id: RelayId) -> Option<&RelayPort> {
        self.by_id.get(&id)
    }

    /// The allocation that a bound relay belongs to.
    pub(crate) fn owner(&self, id: RelayId) -> Option<AllocationId> {
        self.by_id.get(&id)?.owner
    }

    /// The relay that lives on a bound address.
    pub(crate) fn live_at(&self, bound: SocketAddr) -> Option<RelayId> {
        let id = *self.id_by_addr.get(&bound)?;
        let relay = self.by_id.get(&id)?;
        (relay.is_bound && relay.owner.is_some()).then_some(id)
    }

    /// Takes `count` adjacent free ports, the first of them even if asked so.
    pub(crate) fn open(
        &mut self,
        ip: RelayIp,
        owner: AllocationId,
        count: u16,
        is_even: bool,
        random: u64,
    ) -> Option<Vec<RelayId>> {
        let first = self.find_free(ip, count, is_even, random)?;
        let ids = (first..=first + (count - 1))
            .map(|port| self.insert(ip, port, owner))
            .collect();
        Some(ids)
    }

    pub(crate) fn mark_bound(&mut self, id: RelayId) {
        if let Some(relay) = self.by_id.get_mut(&id) {
            relay.is_bound = true;
        }
    }

    pub(crate) fn set_owner(&mut self, id: RelayId, owner: Option<AllocationId>) {
        if let Some(relay) = self.by_id.get_mut(&id) {
            relay.owner = owner;
        }
    }

    pub(crate) fn close(&mut self, id: RelayId) -> Option<RelayPort> {
        let relay = self.by_id.remove(&id)?;
        self.id_by_addr.remove(&relay.bound);
        Some(relay)
    }

    fn insert(&mut self, ip: RelayIp, port: u16, owner: AllocationId) -> RelayId {
        self.last_id += 1;
        let id = RelayId(self.last_id);
        let relay = RelayPort {
            bound: SocketAddr::new(ip.bound, port),
            advertised: SocketAddr::new(ip.advertised, port),
            owner: Some(owner),
            is_bound: false,
        };
        self.id_by_addr.insert(relay.bound, id);
        self.by_id.insert(id, relay);
        id
    }

    /// Starts anywhere and takes the first that fits, so that ports cannot be guessed.
    fn find_free(&self, ip: RelayIp, count: u16, is_even: bool, random: u64) -> Option<u16> {
        let (low, high) = (u32::from(*self.ports.start()), u32::from(*self.ports.end()));
        let size = high.checked_sub(low)? + 1;
        let offset = (random % u64::from(size)) as u32;
        (0..size)
            .map(|step| low + (offset + step) % size)
            .filter(|port| port + u32::from(count) - 1 <= high)
            .map(|port| port as u16)
            .filter(|port| !is_even || port.is_multiple_of(2))
            .find(|port| (*port..=port + (count - 1)).all(|port| self.is_free(ip, port)))
    }

    fn is_free(&self, ip: RelayIp, port: u16) -> bool {
        !self
            .id_by_addr
            .contains_key(&SocketAddr::new(ip.bound, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    const OWNER: AllocationId = AllocationId(1);

    fn ip() -> RelayIp {
        IpAddr::V4(Ipv4Addr::LOCALHOST).into()
    }

    fn port(table: &RelayTable, id: RelayId) -> u16 {
        table.relay(id).unwrap().bound.port()
    }

    #[test]
    fn every_port_of_the_range_is_given_once_and_comes_back() {
        let mut table = RelayTable::new(50_000..=50_003);
        let mut ids = Vec::new();
        for random in [2, 2, 2, 2] {
            ids.extend(table.open(ip(), OWNER, 1, false, random).unwrap());
        }
        let mut ports: Vec<u16> = ids.iter().map(|id| port(&table, *id)).collect();
        ports.sort_unstable();
        assert_eq!(ports, [50_000, 50_001, 50_002, 50_003]);
        assert_eq!(table.open(ip(), OWNER, 1, false, 0), None);
        table.close(ids[0]);
        assert!(table.open(ip(), OWNER, 1, false, 0).is_some());
    }

    #[test]
    fn even_pair_is_even_adjacent_and_inside_the_range() {
        let mut table = RelayTable::new(50_001..=50_004);
        let pair = table.open(ip(), OWNER, 2, true, 3).unwrap();
        let ports: Vec<u16> = pair.iter().map(|id| port(&table, *id)).collect();
        assert_eq!(ports, [50_002, 50_003]);
        assert_eq!(table.open(ip(), OWNER, 2, true, 0), None);
    }
}
