//! The connectivity checks of an attempt, pair by pair (RFC 8445 §7.2): the table under a failure.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::error::Cause;
use super::output::Path;

/// Pairs that are counted; tables grow with the square of the addresses.
const MAX_PAIRS: usize = 64;
/// The first bytes of a STUN Binding request and of its success response (RFC 8489 §5, §18.2).
const REQUEST: [u8; 2] = [0x00, 0x01];
const RESPONSE: [u8; 2] = [0x01, 0x01];

/// What was seen of the latest attempt to find a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Why there would be no link, were it given up now.
    pub cause: Cause,
    /// The pairs of addresses that were tried.
    pub pairs: Vec<TriedPair>,
    /// What a relay refused this device with: its code and words.
    pub refusal: Option<String>,
}

/// A pair of addresses that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TriedPair {
    /// Its two ends.
    pub path: Path,
    /// Checks that were sent.
    pub requests: u64,
    /// Answers that came.
    pub responses: u64,
}

type Pairs = BTreeMap<(SocketAddr, SocketAddr), Count>;

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    requests: u64,
    responses: u64,
}

/// The checks of one connection, since it last began to look for a path.
#[derive(Debug, Default)]
pub(super) struct Checks {
    pairs: Pairs,
    /// Of the attempt before, until this one has any.
    before: Pairs,
}

impl Checks {
    /// A path is looked for anew.
    pub(super) fn handle_restart(&mut self) {
        if !self.pairs.is_empty() {
            self.before = std::mem::take(&mut self.pairs);
        }
    }

    pub(super) fn handle_sent(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if !bytes.starts_with(&REQUEST) {
            return;
        }
        if self.pairs.len() < MAX_PAIRS || self.pairs.contains_key(&(from, to)) {
            self.pairs.entry((from, to)).or_default().requests += 1;
        }
    }

    pub(super) fn handle_heard(&mut self, local: SocketAddr, from: SocketAddr, bytes: &[u8]) {
        if bytes.starts_with(&RESPONSE)
            && let Some(count) = self.pairs.get_mut(&(local, from))
        {
            count.responses += 1;
        }
    }

    /// The pairs, with their ends as `name` calls them.
    pub(super) fn tried(&self, name: impl Fn(SocketAddr, SocketAddr) -> Path) -> Vec<TriedPair> {
        let is_young = self.pairs.is_empty();
        let pairs = if is_young { &self.before } else { &self.pairs };
        let tried = |(&(local, remote), count): (&(SocketAddr, SocketAddr), &Count)| TriedPair {
            path: name(local, remote),
            requests: count.requests,
            responses: count.responses,
        };
        pairs.iter().map(tried).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::PathEnd;

    fn addr(port: usize) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], u16::try_from(port).expect("a port")))
    }

    fn path(local_addr: SocketAddr, remote_addr: SocketAddr) -> Path {
        Path {
            local: PathEnd::Host,
            remote: PathEnd::Host,
            local_addr,
            remote_addr,
        }
    }

    #[test]
    fn answers_are_counted_beside_the_checks_of_their_pair() {
        let mut checks = Checks::default();
        checks.handle_sent(addr(1), addr(2), &REQUEST);
        checks.handle_sent(addr(1), addr(2), &REQUEST);
        checks.handle_sent(addr(1), addr(3), &RESPONSE);
        checks.handle_heard(addr(1), addr(2), &RESPONSE);
        checks.handle_heard(addr(1), addr(9), &RESPONSE);
        let tried = checks.tried(path);
        let counts: Vec<_> = tried.iter().map(|it| (it.requests, it.responses)).collect();
        assert_eq!(counts, [(2, 1)]);
    }

    #[test]
    fn a_restart_keeps_the_pairs_before_until_there_are_others() {
        let mut checks = Checks::default();
        checks.handle_sent(addr(1), addr(2), &REQUEST);
        checks.handle_restart();
        checks.handle_restart();
        assert_eq!(checks.tried(path)[0].path, path(addr(1), addr(2)));
        checks.handle_sent(addr(1), addr(3), &REQUEST);
        let tried = checks.tried(path);
        assert_eq!((tried.len(), tried[0].path), (1, path(addr(1), addr(3))));
    }

    #[test]
    fn no_more_pairs_than_the_limit_are_counted() {
        let mut checks = Checks::default();
        for remote in 0..=MAX_PAIRS {
            checks.handle_sent(addr(1), addr(remote), &REQUEST);
        }
        checks.handle_sent(addr(1), addr(0), &REQUEST);
        let tried = checks.tried(path);
        assert_eq!((tried.len(), tried[0].requests), (MAX_PAIRS, 2));
    }
}
