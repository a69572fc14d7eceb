//! The addresses of both ends: which the peer is told of, which of its own are used.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use protocol::signal::MAX_CANDIDATE_BYTES;
use str0m::net::Protocol;
use str0m::{Candidate, CandidateKind};

use super::address::{self, IcePolicy};
use super::output::{Path, PathEnd};
use super::rtc::DrainedRtc;

/// Candidates of one generation of the peer that are looked at; a peer sends at most 128 per offer.
const MAX_REMOTE_CANDIDATES: usize = 512;
/// Names of the peer that are looked up for one connection.
const MAX_LOOKUPS: usize = 16;

/// Addresses of one connection.
pub(super) struct Paths {
    policy: IcePolicy,
    hosts: BTreeSet<SocketAddr>,
    remote_kinds: HashMap<SocketAddr, PathEnd>,
    /// How many candidates of the peer's generation came.
    remote_candidates: usize,
    /// The ufrags of that generation.
    generation: BTreeSet<String>,
    /// Candidates whose address is a name that is being looked up.
    named: Vec<(String, String)>,
    lookups: VecDeque<String>,
    trickled: VecDeque<String>,
}

impl Paths {
    pub(super) fn new(policy: IcePolicy) -> Self {
        Self {
            policy,
            hosts: BTreeSet::new(),
            remote_kinds: HashMap::new(),
            remote_candidates: 0,
            generation: BTreeSet::new(),
            named: Vec::new(),
            lookups: VecDeque::new(),
            trickled: VecDeque::new(),
        }
    }

    /// The next own candidate that the peer is to be told of.
    pub(super) fn poll_trickle(&mut self) -> Option<String> {
        self.trickled.pop_front()
    }

    /// The next name to look up.
    pub(super) fn poll_lookup(&mut self) -> Option<String> {
        self.lookups.pop_front()
    }

    pub(super) fn has_local(&self) -> bool {
        !self.hosts.is_empty()
    }

    /// The sockets that there are now.
    pub(super) fn handle_sockets(
        &mut self,
        rtc: &mut DrainedRtc,
        sockets: &BTreeSet<SocketAddr>,
        now: Instant,
    ) {
        let allowed: BTreeSet<SocketAddr> = sockets
            .iter()
            .copied()
            .filter(|socket| self.policy.has_hosts() && self.policy.allows(socket.ip()))
            .collect();
        let gone: Vec<_> = self.hosts.difference(&allowed).copied().collect();
        for socket in &gone {
            if let Ok(candidate) = Candidate::host(*socket, Protocol::Udp) {
                rtc.change(now, |rtc| rtc.direct_api().invalidate_candidate(&candidate));
            }
        }
        let new: Vec<_> = allowed.difference(&self.hosts).copied().collect();
        for socket in new {
            if let Ok(candidate) = Candidate::host(socket, Protocol::Udp) {
                self.add_local(rtc, candidate, now);
            }
        }
        self.hosts = allowed;
    }

    /// An own candidate, of which the peer is told.
    pub(super) fn add_local(&mut self, rtc: &mut DrainedRtc, candidate: Candidate, now: Instant) {
        let line = rtc.change(now, |rtc| {
            rtc.add_local_candidate(candidate)
                .map(Candidate::to_sdp_string)
        });
        self.trickled.extend(line);
    }

    /// The peer's description in force has these ufrags; other ones begin a generation, so that a
    /// device that roams for days is heard each time.
    pub(super) fn handle_description(&mut self, ufrags: &BTreeSet<String>) {
        if self.generation == *ufrags {
            return;
        }
        self.generation.clone_from(ufrags);
        self.remote_candidates = 0;
        if self.remote_kinds.len() > MAX_REMOTE_CANDIDATES {
            self.remote_kinds.clear();
        }
    }

    /// A candidate of the peer: its address, where it is used. One that cannot be used is dropped,
    /// never an error.
    pub(super) fn handle_remote(
        &mut self,
        rtc: &mut DrainedRtc,
        line: &str,
        now: Instant,
    ) -> Option<IpAddr> {
        if line.is_empty() || line.len() > MAX_CANDIDATE_BYTES {
            return None;
        }
        self.remote_candidates += 1;
        if self.remote_candidates > MAX_REMOTE_CANDIDATES {
            return None;
        }
        if let Some(name) = mdns_name(line) {
            if self.named.len() < MAX_LOOKUPS {
                self.lookups.push_back(name.to_owned());
                self.named.push((name.to_owned(), line.to_owned()));
            }
            return None;
        }
        let Ok(candidate) = Candidate::from_sdp_string(line) else {
            return None;
        };
        let addr = candidate.addr();
        if !address::is_usable(addr.ip(), addr.port()) || !self.policy.allows(addr.ip()) {
            return None;
        }
        self.remote_kinds.insert(addr, end_of(&candidate));
        if candidate.kind() == CandidateKind::Relayed {
            forget_reflexive(rtc, addr, now);
        }
        rtc.change(now, |rtc| rtc.add_remote_candidate(candidate));
        Some(addr.ip())
    }

    /// A name was looked up; without addresses its candidates are dropped.
    pub(super) fn handle_found(
        &mut self,
        rtc: &mut DrainedRtc,
        host: &str,
        addrs: &[IpAddr],
        now: Instant,
    ) {
        let (found, waiting) = std::mem::take(&mut self.named)
            .into_iter()
            .partition::<Vec<_>, _>(|(name, _)| name == host);
        self.named = waiting;
        for (name, line) in found {
            for addr in addrs {
                self.handle_remote(rtc, &line.replacen(&name, &addr.to_string(), 1), now);
            }
        }
    }

    /// Whether a packet from there may be looked at.
    pub(super) fn takes_from(&self, from: SocketAddr) -> bool {
        self.policy.allows(from.ip())
    }

    /// Names the kinds of a path's ends; an address that nobody told us of is peer-reflexive.
    pub(super) fn describe(
        &self,
        local: PathEnd,
        local_addr: SocketAddr,
        remote_addr: SocketAddr,
    ) -> Path {
        let remote = self.remote_kinds.get(&remote_addr).copied();
        Path {
            local,
            remote: remote.unwrap_or(PathEnd::PeerReflexive),
            local_addr,
            remote_addr,
        }
    }
}

/// Forgets the address as one that only the peer's checks came from.
///
/// A check can be here before the candidate that it was sent from. The address is peer-reflexive
/// then, and its priority that of its PRIORITY attribute (RFC 8445 §7.3.1.3), which is above all
/// that was found by a server (§7.1.1). str0m keeps that for the pair when the candidate comes, so
/// that a relayed path would win over a direct one, at the end that heard the check alone.
fn forget_reflexive(rtc: &mut DrainedRtc, addr: SocketAddr, now: Instant) {
    let (ip, port) = (addr.ip(), addr.port());
    let line = format!("candidate:0 1 udp 1 {ip} {port} typ prflx");
    if let Ok(reflexive) = Candidate::from_sdp_string(&line) {
        rtc.change(now, |rtc| rtc.direct_api().invalidate_candidate(&reflexive));
    }
}

fn end_of(candidate: &Candidate) -> PathEnd {
    match candidate.kind() {
        CandidateKind::Host => PathEnd::Host,
        CandidateKind::ServerReflexive => PathEnd::ServerReflexive,
        CandidateKind::PeerReflexive => PathEnd::PeerReflexive,
        CandidateKind::Relayed => PathEnd::Relayed,
    }
}

/// The name in `candidate:1 1 udp 1 NAME.local 9 typ host`, if it is one.
fn mdns_name(line: &str) -> Option<&str> {
    let name = line.split(' ').nth(4)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    (name.ends_with(".local") && name.chars().all(is_plain)).then_some(name)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_limited_for_each_generation_of_the_peer() {
        let now = Instant::now();
        let mut rtc = DrainedRtc::new(None, now);
        let mut paths = Paths::new(IcePolicy::All);
        let line = "candidate:1 1 udp 2130706431 10.0.0.2 4000 typ host";
        for ufrag in ["first", "second"] {
            paths.handle_description(&BTreeSet::from([ufrag.to_owned()]));
            for _ in 0..MAX_REMOTE_CANDIDATES {
                assert!(
                    paths.handle_remote(&mut rtc, line, now).is_some(),
                    "{ufrag}"
                );
            }
            assert_eq!(paths.handle_remote(&mut rtc, line, now), None, "{ufrag}");
        }
    }
}
