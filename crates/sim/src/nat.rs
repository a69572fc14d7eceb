//! A NAT as RFC 4787 tells them apart: by how it maps and by whom it lets in.
//!
//! Its mappings live until it forgets them all at once ([`crate::Trouble::Forget`]).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// What a mapping or a filter looks at (RFC 4787 §4.1, §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependence {
    /// Nothing of the other end.
    Endpoint,
    /// Its address.
    Address,
    /// Its address and its port.
    AddressAndPort,
}

/// What a [`Dependence`] sees of an address.
type Seen = (Option<IpAddr>, Option<u16>);

impl Dependence {
    fn sees(self, addr: SocketAddr) -> Seen {
        match self {
            Dependence::Endpoint => (None, None),
            Dependence::Address => (Some(addr.ip()), None),
            Dependence::AddressAndPort => (Some(addr.ip()), Some(addr.port())),
        }
    }
}

/// The kind of a NAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NatKind {
    /// What chooses the outer port.
    pub mapping: Dependence,
    /// Who is let in.
    pub filtering: Dependence,
}

impl NatKind {
    /// Anybody may answer ("full cone").
    pub const OPEN: Self = Self::new(Dependence::Endpoint, Dependence::Endpoint);
    /// Only addresses that were written to may answer ("restricted cone").
    pub const ADDRESS_RESTRICTED: Self = Self::new(Dependence::Endpoint, Dependence::Address);
    /// Only sockets that were written to may answer, as most homes have it.
    pub const PORT_RESTRICTED: Self = Self::new(Dependence::Endpoint, Dependence::AddressAndPort);
    /// Another outer port towards everybody ("symmetric").
    pub const SYMMETRIC: Self = Self::new(Dependence::AddressAndPort, Dependence::AddressAndPort);

    const fn new(mapping: Dependence, filtering: Dependence) -> Self {
        Self { mapping, filtering }
    }

    /// Whether two devices behind NATs of these kinds can reach each other directly: a port that
    /// nobody can foresee only meets who is let in by the address alone (RFC 5128 §3.4).
    pub fn lets_through(self, other: Self) -> bool {
        let is_foreseen = |nat: Self| nat.mapping == Dependence::Endpoint;
        let takes_any_port = |nat: Self| nat.filtering != Dependence::AddressAndPort;
        match (is_foreseen(self), is_foreseen(other)) {
            (true, true) => true,
            (false, false) => false,
            (true, false) => takes_any_port(self),
            (false, true) => takes_any_port(other),
        }
    }
}

#[derive(Debug)]
struct Hole {
    inside: SocketAddr,
    contacted: BTreeSet<SocketAddr>,
}

/// One NAT.
#[derive(Debug)]
pub(crate) struct Nat {
    pub(crate) outside: IpAddr,
    kind: NatKind,
    next_port: u16,
    ports: BTreeMap<(SocketAddr, Seen), u16>,
    holes: BTreeMap<u16, Hole>,
}

impl Nat {
    pub(crate) fn new(outside: IpAddr, kind: NatKind) -> Self {
        Self {
            outside,
            kind,
            next_port: 20_000,
            ports: BTreeMap::new(),
            holes: BTreeMap::new(),
        }
    }

    /// A packet leaves: the address that the world sees.
    pub(crate) fn outbound(&mut self, inside: SocketAddr, to: SocketAddr) -> SocketAddr {
        let key = (inside, self.kind.mapping.sees(to));
        let port = *self.ports.entry(key).or_insert_with(|| {
            self.next_port += 1;
            self.next_port
        });
        let fresh = || Hole {
            inside,
            contacted: BTreeSet::new(),
        };
        let hole = self.holes.entry(port).or_insert_with(fresh);
        hole.contacted.insert(to);
        SocketAddr::new(self.outside, port)
    }

    /// Every mapping is over, and no port of old is given again.
    pub(crate) fn forget(&mut self) {
        self.ports.clear();
        self.holes.clear();
    }

    /// A packet comes: the socket inside that gets it, if any.
    pub(crate) fn inbound(&self, port: u16, from: SocketAddr) -> Option<SocketAddr> {
        let hole = self.holes.get(&port)?;
        let sees = |addr: SocketAddr| self.kind.filtering.sees(addr);
        let mut contacted = hole.contacted.iter();
        contacted
            .any(|known| sees(*known) == sees(from))
            .then_some(hole.inside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn nat(kind: NatKind) -> Nat {
        Nat::new(addr("198.51.100.1:0").ip(), kind)
    }

    const INSIDE: &str = "10.0.0.2:5000";
    const FRIEND: &str = "203.0.113.1:7000";

    #[test]
    fn only_a_symmetric_nat_shows_each_other_end_another_port() {
        for (kind, is_same) in [
            (NatKind::OPEN, true),
            (NatKind::PORT_RESTRICTED, true),
            (NatKind::SYMMETRIC, false),
        ] {
            let mut nat = nat(kind);
            let first = nat.outbound(addr(INSIDE), addr(FRIEND));
            let again = nat.outbound(addr(INSIDE), addr(FRIEND));
            let other = nat.outbound(addr(INSIDE), addr("203.0.113.1:7001"));
            assert_eq!((first, first == other), (again, is_same), "{kind:?}");
        }
    }

    #[test]
    fn each_filter_lets_in_whom_its_name_says() {
        let answers = [FRIEND, "203.0.113.1:9", "192.0.2.1:9"];
        for (kind, let_in) in [
            (NatKind::OPEN, 3),
            (NatKind::ADDRESS_RESTRICTED, 2),
            (NatKind::PORT_RESTRICTED, 1),
            (NatKind::SYMMETRIC, 1),
        ] {
            let mut nat = nat(kind);
            let port = nat.outbound(addr(INSIDE), addr(FRIEND)).port();
            let passes = |from: &&&str| nat.inbound(port, addr(from)) == Some(addr(INSIDE));
            assert_eq!(answers.iter().filter(passes).count(), let_in, "{kind:?}");
            assert_eq!(nat.inbound(port + 1, addr(FRIEND)), None, "nobody's port");
        }
    }
}
