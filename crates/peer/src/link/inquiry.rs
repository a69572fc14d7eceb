//! Asks STUN and TURN servers as a link would, without a link: what the doctor concludes from.
//!
//! A pure core with the inputs and outputs of [`super::LinkCore`], as far as servers go.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use protocol::http::IceServer;
use str0m::{Candidate, CandidateKind};

use super::address::IcePolicy;
use super::gathering::{Gathering, GatheringOutput};
use super::output::{Output, StreamId};
use super::random::Random;
use crate::doctor::{Gathered, IceError, NOT_REACHED};

/// After the last answer, those of other sockets and families are waited for this long.
const GRACE: Duration = Duration::from_secs(1);

/// Servers that are being asked.
pub struct Inquiry {
    gathering: Gathering,
    random: Random,
    started: Instant,
    gathered: Gathered,
    /// When the last answer came.
    heard_at: Option<Instant>,
    /// Whether addresses at relays are wanted, and one is enough.
    is_relaying: bool,
    outputs: VecDeque<Output>,
}

impl Inquiry {
    /// Asks `servers` from these sockets; with [`IcePolicy::Relay`] for addresses at relays, else
    /// which address they see. `seed` is randomness that is never used twice.
    pub fn new(
        servers: &[IceServer],
        policy: IcePolicy,
        sockets: &BTreeSet<SocketAddr>,
        seed: [u8; 32],
        now: Instant,
    ) -> Self {
        let hosts: BTreeSet<IpAddr> = sockets.iter().map(SocketAddr::ip).collect();
        let mut this = Self {
            gathering: Gathering::new(policy, 0),
            random: Random::new(seed),
            started: now,
            gathered: Gathered {
                hosts: hosts.iter().map(IpAddr::to_string).collect(),
                ..Gathered::default()
            },
            heard_at: None,
            is_relaying: policy == IcePolicy::Relay,
            outputs: VecDeque::new(),
        };
        this.gathering
            .handle_sockets(sockets, &mut this.random, now);
        this.gathering
            .handle_servers(servers, &mut this.random, now);
        this.collect(now);
        this
    }

    /// What the world shall do next; drain it to `None` after every other call.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// A datagram came to one of the sockets.
    pub fn handle_datagram(
        &mut self,
        local: SocketAddr,
        from: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        if self.gathering.handle_datagram(local, from, bytes, now) {
            self.heard_at = Some(now);
        }
        self.collect(now);
    }

    /// A host was looked up; no addresses where it has none.
    pub fn handle_found(&mut self, host: &str, addrs: &[IpAddr], now: Instant) {
        if addrs.is_empty() {
            self.fail("its name has no address");
        }
        self.gathering
            .handle_found(host, addrs, &mut self.random, now);
        self.collect(now);
    }

    /// A stream that was asked for is connected; `local` is this end.
    pub fn handle_stream_open(&mut self, stream: StreamId, local: SocketAddr, now: Instant) {
        self.gathering.handle_stream_open(stream, local, now);
        self.collect(now);
    }

    /// Bytes came on a stream.
    pub fn handle_stream_data(&mut self, stream: StreamId, bytes: &[u8], now: Instant) {
        self.gathering.handle_stream_data(stream, bytes, now);
        self.collect(now);
    }

    /// A stream could not be connected, or is gone.
    pub fn handle_stream_closed(&mut self, stream: StreamId, why: &str, now: Instant) {
        self.gathering.handle_stream_closed(stream, now);
        self.fail(why);
        self.collect(now);
    }

    /// When [`Inquiry::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let is_answered = !self.is_relaying && self.gathering.is_answered();
        let grace = self.heard_at.filter(|_| is_answered).map(|at| at + GRACE);
        [grace, self.gathering.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// It is that time, or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.gathering.handle_timeout(now);
        self.collect(now);
    }

    /// Whether more time would bring nothing that is worth it.
    pub fn is_settled(&self, now: Instant) -> bool {
        if self.is_relaying && self.gathered.relays > 0 {
            return true;
        }
        let is_late = self.heard_at.is_some_and(|at| at + GRACE <= now);
        let is_answered = !self.is_relaying && self.gathering.is_answered();
        !self.gathering.is_waiting() || is_answered && is_late
    }

    /// Ends it, and gives back what relays gave: what it orders now is all that is left to do.
    pub fn close(&mut self, now: Instant) -> Gathered {
        let mut gathered = std::mem::take(&mut self.gathered);
        if let Some(refused) = self.gathering.refused.take() {
            let (code, text) = (refused.code, refused.reason);
            gathered.errors.insert(0, IceError { code, text });
        }
        if self.gathering.is_idle() && gathered.errors.is_empty() {
            let text = "no address of this device reaches it".to_owned();
            let code = NOT_REACHED;
            gathered.errors.push(IceError { code, text });
        }
        let is_well = gathered.relays > 0 || !self.is_relaying && self.gathering.is_answered();
        gathered.is_complete = is_well && !self.gathering.is_idle();
        self.outputs.clear();
        self.gathering.close(now);
        self.collect(now);
        gathered
    }

    fn fail(&mut self, why: &str) {
        self.gathered.errors.push(IceError {
            code: NOT_REACHED,
            text: why.to_owned(),
        });
    }

    fn collect(&mut self, now: Instant) {
        while let Some(output) = self.gathering.poll_output() {
            match output {
                GatheringOutput::Order(order) => self.outputs.push_back(order),
                GatheringOutput::Found(candidate) => self.note(&candidate, now),
                GatheringOutput::Lost(_) | GatheringOutput::Received { .. } => {}
            }
        }
    }

    fn note(&mut self, candidate: &Candidate, now: Instant) {
        self.gathered.took_ms = self.gathered.took_ms.or(Some(self.elapsed_ms(now)));
        match candidate.kind() {
            CandidateKind::ServerReflexive => {
                let seen = candidate.addr().to_string();
                if !self.gathered.srflx.contains(&seen) {
                    self.gathered.srflx.push(seen);
                }
            }
            CandidateKind::Relayed => self.gathered.relays += 1,
            CandidateKind::Host | CandidateKind::PeerReflexive => {}
        }
    }

    fn elapsed_ms(&self, now: Instant) -> f64 {
        now.saturating_duration_since(self.started).as_secs_f64() * 1000.0
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests;
