//! Pings every 2 s and the round trips they measure.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

const PING_EVERY: Duration = Duration::from_secs(2);
/// Round trips that the percentiles are of.
const MAX_SAMPLES: usize = 100;
/// Pings without a pong that are remembered: a minute of them.
const MAX_UNANSWERED: usize = 30;

/// Round trips of the control channel over the last 100 pings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTrip {
    /// The median.
    pub p50: Duration,
    /// 95 of a hundred are at most this.
    pub p95: Duration,
    /// 99 of a hundred are at most this.
    pub p99: Duration,
}

/// The pings of one connection.
pub(super) struct Pings {
    /// What the microseconds on the wire count from.
    epoch: Instant,
    due: Instant,
    /// Pings without a pong, by id.
    unanswered: BTreeMap<u32, Instant>,
    samples: VecDeque<Duration>,
}

impl Pings {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            due: now,
            unanswered: BTreeMap::new(),
            samples: VecDeque::new(),
        }
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Notes a ping; returns its time in microseconds.
    pub(super) fn send(&mut self, id: u32, now: Instant) -> u64 {
        self.due = now + PING_EVERY;
        self.unanswered.insert(id, now);
        while self.unanswered.len() > MAX_UNANSWERED {
            self.unanswered.pop_first();
        }
        self.micros(now)
    }

    /// Takes a pong once, and only one that a ping explains: others would spoil the figures.
    pub(super) fn handle_pong(&mut self, id: u32, sent_micros: u64, now: Instant) {
        let Some(sent) = self.unanswered.get(&id).copied() else {
            return;
        };
        if self.micros(sent) != sent_micros {
            return;
        }
        self.unanswered.remove(&id);
        self.samples.push_back(now.saturating_duration_since(sent));
        if self.samples.len() > MAX_SAMPLES {
            self.samples.pop_front();
        }
    }

    pub(super) fn round_trip(&self) -> Option<RoundTrip> {
        let mut sorted: Vec<Duration> = self.samples.iter().copied().collect();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        let at = |percent: usize| sorted[last.min(sorted.len() * percent / 100)];
        Some(RoundTrip {
            p50: at(50),
            p95: at(95),
            p99: at(99),
        })
    }

    fn micros(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.epoch).as_micros();
        u64::try_from(since).unwrap_or(u64::MAX)
    }
}
