//! Who may connect: counts per address and in all, before any byte is read.
//!
//! Addresses only limit, they never grant: behind a tunnel every stranger looks alike.
//! IPv6 is counted per /64, the least that one household gets.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Addresses remembered at once; past it idle ones are forgotten, else new ones refused.
const REMEMBERED_ADDRESSES: usize = 65_536;
const MINUTE: Duration = Duration::from_secs(60);

/// The limits of a [`Gate`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct GateLimits {
    /// Connections of one address in a minute.
    pub(crate) connects_per_minute: u32,
    /// Connections of one address open at once.
    pub(crate) open_per_address: usize,
    /// Connections in all that have shown no token yet.
    pub(crate) unauthenticated: usize,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Too many connections in a minute; come back after this.
    ConnectsPerAddress(Duration),
    /// Too many open at once from this address.
    OpenPerAddress,
    /// Too many in all that have shown no token.
    Strangers,
}

impl Refusal {
    /// The value of a metric's `cause` label.
    pub(crate) fn cause(self) -> &'static str {
        match self {
            Self::ConnectsPerAddress(_) => "connects-per-ip",
            Self::OpenPerAddress => "sockets-per-ip",
            Self::Strangers => "unauthenticated-sockets",
        }
    }
}

/// What asks to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrival {
    Connection,
    Request,
}

/// Counts connections. Cheap to clone; all clones share the counts.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    limits: GateLimits,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    by_address: HashMap<IpAddr, AddressCount>,
    strangers: usize,
}

#[derive(Debug)]
struct AddressCount {
    open: usize,
    connects: u32,
    window_start: Instant,
}

impl Gate {
    /// A gate that nobody has passed.
    pub(crate) fn new(limits: GateLimits) -> Self {
        Self {
            limits,
            counts: Arc::default(),
        }
    }

    /// Lets a connection in, or says why not. The permit is held while it is open.
    ///
    /// # Errors
    /// The first limit that it would pass.
    pub(crate) fn admit(&self, ip: IpAddr, now: Instant) -> Result<Permit, Refusal> {
        self.admit_one(ip, Arrival::Connection, now)
    }

    /// Lets one request in that a proxy forwards for `ip`, or says why not. The permit is held
    /// while it is answered. Requests have no rate, as on a connection of the client's own.
    ///
    /// # Errors
    /// The first limit that it would pass.
    pub(crate) fn admit_request(&self, ip: IpAddr, now: Instant) -> Result<Permit, Refusal> {
        self.admit_one(ip, Arrival::Request, now)
    }

    fn admit_one(&self, ip: IpAddr, arrival: Arrival, now: Instant) -> Result<Permit, Refusal> {
        let address = household(ip);
        let mut counts = self.lock();
        if counts.strangers >= self.limits.unauthenticated {
            return Err(Refusal::Strangers);
        }
        if !counts.by_address.contains_key(&address) && !counts.has_room(now) {
            return Err(Refusal::Strangers);
        }
        let fresh = AddressCount {
            open: 0,
            connects: 0,
            window_start: now,
        };
        let count = counts.by_address.entry(address).or_insert(fresh);
        count.admit(&self.limits, arrival, now)?;
        counts.strangers += 1;
        Ok(Permit {
            gate: self.clone(),
            address,
            is_stranger: Mutex::new(true),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("no holder of the counts panics")
    }
}

impl AddressCount {
    fn admit(&mut self, limits: &GateLimits, of: Arrival, now: Instant) -> Result<(), Refusal> {
        let age = now.saturating_duration_since(self.window_start);
        if age >= MINUTE {
            (self.connects, self.window_start) = (0, now);
        } else if of == Arrival::Connection && self.connects >= limits.connects_per_minute {
            return Err(Refusal::ConnectsPerAddress(MINUTE - age));
        }
        if self.open >= limits.open_per_address {
            return Err(Refusal::OpenPerAddress);
        }
        self.connects += u32::from(of == Arrival::Connection);
        self.open += 1;
        Ok(())
    }
}

impl Counts {
    /// Whether one more address can be remembered, forgetting idle ones where that is needed.
    fn has_room(&mut self, now: Instant) -> bool {
        if self.by_address.len() >= REMEMBERED_ADDRESSES {
            self.by_address.retain(|_, count| {
                count.open > 0 || now.saturating_duration_since(count.window_start) < MINUTE
            });
        }
        self.by_address.len() < REMEMBERED_ADDRESSES
    }
}

/// A connection that was let in; dropping it gives its place back.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Gate,
    address: IpAddr,
    is_stranger: Mutex<bool>,
}

impl Permit {
    /// The connection has shown a token or a relay's credential: it no longer counts as a stranger.
    pub(crate) fn authenticated(&self) {
        let mut is_stranger = self
            .is_stranger
            .lock()
            .expect("no holder of the flag panics");
        if std::mem::take(&mut *is_stranger) {
            self.gate.lock().strangers -= 1;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.authenticated();
        if let Some(count) = self.gate.lock().by_address.get_mut(&self.address) {
            count.open -= 1;
        }
    }
}

/// The unit that is counted: an IPv4 address, an IPv6 /64; mapped IPv4 is IPv4.
pub(crate) fn household(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: GateLimits = GateLimits {
        connects_per_minute: 3,
        open_per_address: 2,
        unauthenticated: 4,
    };

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_more_than_the_open_limit_is_refused_until_one_closes() {
        let gate = Gate::new(LIMITS);
        let now = Instant::now();
        let first = gate.admit(ip("192.0.2.1"), now).unwrap();
        let _second = gate.admit(ip("192.0.2.1"), now).unwrap();
        assert_eq!(
            gate.admit(ip("192.0.2.1"), now).unwrap_err(),
            Refusal::OpenPerAddress
        );
        drop(first);
        gate.admit(ip("::ffff:192.0.2.1"), now).unwrap();
    }

    #[test]
    fn one_more_than_the_rate_comes_back_after_the_minute() {
        let gate = Gate::new(LIMITS);
        let now = Instant::now();
        for _ in 0..3 {
            gate.admit(ip("192.0.2.1"), now).unwrap();
        }
        let later = now + Duration::from_secs(20);
        let refusal = gate.admit(ip("192.0.2.1"), later).unwrap_err();
        assert_eq!(
            refusal,
            Refusal::ConnectsPerAddress(Duration::from_secs(40))
        );
        gate.admit(ip("192.0.2.1"), now + MINUTE).unwrap();
    }

    #[test]
    fn ipv6_neighbours_of_one_64_share_their_count() {
        let gate = Gate::new(LIMITS);
        let now = Instant::now();
        let _a = gate.admit(ip("2001:db8::1"), now).unwrap();
        let _b = gate.admit(ip("2001:db8::2"), now).unwrap();
        assert!(gate.admit(ip("2001:db8::3"), now).is_err());
        assert!(gate.admit(ip("2001:db8:0:1::3"), now).is_ok());
    }

    #[test]
    fn one_more_address_than_can_be_remembered_is_refused_for_a_minute() {
        let gate = Gate::new(LIMITS);
        let now = Instant::now();
        let address = |n: usize| IpAddr::V4(u32::try_from(n).unwrap().into());
        for n in 0..REMEMBERED_ADDRESSES {
            drop(gate.admit(address(n), now).unwrap());
        }
        let one_more = address(REMEMBERED_ADDRESSES);
        assert_eq!(gate.admit(one_more, now).unwrap_err(), Refusal::Strangers);
        gate.admit(address(0), now).unwrap();
        gate.admit(one_more, now + MINUTE).unwrap();
    }

    #[test]
    fn a_stranger_that_shows_a_token_makes_room_for_the_next() {
        let gate = Gate::new(LIMITS);
        let now = Instant::now();
        let held: Vec<_> = (1..=4)
            .map(|n| gate.admit(ip(&format!("192.0.2.{n}")), now).unwrap())
            .collect();
        assert_eq!(
            gate.admit(ip("192.0.2.9"), now).unwrap_err(),
            Refusal::Strangers
        );
        held[0].authenticated();
        gate.admit(ip("192.0.2.9"), now).unwrap();
    }
}
