//! What every socket has, whatever its dialect: a heartbeat, an allowance and a term.

use std::time::{Duration, Instant};

use crate::bucket::Bucket;
use crate::heartbeat::Heartbeat;
use crate::limits::Limits;
use crate::refused::Dialect;

/// One open socket.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) dialect: Dialect,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) allowance: Allowance,
    /// What ends the socket, and when.
    pub(crate) term: Option<(Instant, Term)>,
    /// The deadline under which the hub has filed it.
    pub(crate) wake: Instant,
}

/// Why a socket's time ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Term {
    /// The registry did not answer.
    Lookup,
    /// The token expired and was not renewed.
    Token,
    /// No role was taken.
    Role,
    /// The invite is over.
    Invite,
}

impl Socket {
    pub(crate) fn new(dialect: Dialect, limits: &Limits, now: Instant) -> Self {
        let heartbeat = Heartbeat::new(limits, now);
        let wake = heartbeat.next();
        Self {
            dialect,
            heartbeat,
            allowance: Allowance::new(limits, now),
            term: None,
            wake,
        }
    }

    /// When the hub must look at it next.
    pub(crate) fn next_wake(&self) -> Instant {
        let next = self.heartbeat.next();
        self.term.map_or(next, |(at, _)| next.min(at))
    }

    /// The term that is over, once.
    pub(crate) fn take_term(&mut self, now: Instant) -> Option<Term> {
        let (_, term) = self.term.take_if(|(at, _)| *at <= now)?;
        Some(term)
    }
}

/// How much a socket may still say, and how much nonsense is borne.
#[derive(Debug)]
pub(crate) struct Allowance {
    messages: Bucket,
    bytes: Bucket,
    rate_refusals: Bucket,
    malformed: Bucket,
}

/// Whether a message may be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Read it.
    Pass,
    /// Not before so long.
    Refuse(Duration),
    /// Too many for too long.
    Close,
}

impl Allowance {
    fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            messages: Bucket::new(limits.messages_burst, limits.messages_per_second, now),
            bytes: Bucket::new(limits.bytes_burst, limits.bytes_per_second, now),
            rate_refusals: Bucket::new(limits.rate_refusals, 1, now),
            malformed: Bucket::new(limits.malformed_messages, 1, now),
        }
    }

    /// Takes one message of so many bytes.
    pub(crate) fn take(&mut self, bytes: usize, now: Instant) -> Verdict {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let taken = self
            .messages
            .take(1, now)
            .and_then(|()| self.bytes.take(bytes, now));
        match taken {
            Ok(()) => Verdict::Pass,
            Err(_) if self.rate_refusals.take(1, now).is_err() => Verdict::Close,
            Err(retry_after) => Verdict::Refuse(retry_after),
        }
    }

    /// Bears one malformed message. False: no more.
    pub(crate) fn bear_malformed(&mut self, now: Instant) -> bool {
        self.malformed.take(1, now).is_ok()
    }
}
