//! Token buckets: bandwidth per allocation and in all, unauthenticated replies per source.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::settings::Limits;

/// Sources are hashed into this many buckets: bounded, and no state to exhaust.
const SOURCE_BUCKETS: usize = 4096;

/// Tokens that refill with time, up to a burst.
#[derive(Debug, Clone)]
pub(crate) struct TokenBucket {
    per_sec: u64,
    burst: u64,
    tokens: u64,
    refilled_at: Instant,
}

impl TokenBucket {
    pub(crate) fn new(per_sec: u64, burst: u64, now: Instant) -> Self {
        Self {
            per_sec,
            burst,
            tokens: burst,
            refilled_at: now,
        }
    }

    /// Takes the tokens if they are there.
    pub(crate) fn take(&mut self, tokens: u64, now: Instant) -> bool {
        self.refill(now);
        let is_enough = self.tokens >= tokens;
        if is_enough {
            self.tokens -= tokens;
        }
        is_enough
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.refilled_at);
        let earned = elapsed.as_nanos() * u128::from(self.per_sec) / NANOS_PER_SEC;
        if earned == 0 {
            return;
        }
        let room = self.burst - self.tokens;
        if earned >= u128::from(room) {
            self.tokens = self.burst;
            self.refilled_at = now;
        } else {
            self.tokens += earned as u64;
            // Only the time that was paid for: what is left over counts next time.
            let paid = earned * NANOS_PER_SEC / u128::from(self.per_sec);
            self.refilled_at += Duration::from_nanos(paid as u64);
        }
    }
}

const NANOS_PER_SEC: u128 = 1_000_000_000;

/// A bucket of bytes that may be absent: no limit, no cost.
#[derive(Debug)]
pub(crate) struct Bandwidth(Option<TokenBucket>);

impl Bandwidth {
    /// One second's worth may come at once, and at least a datagram of the largest size.
    pub(crate) fn new(bytes_per_sec: Option<u64>, now: Instant) -> Self {
        let bucket = |rate: u64| TokenBucket::new(rate, rate.max(u64::from(u16::MAX)), now);
        Self(bytes_per_sec.map(bucket))
    }

    pub(crate) fn take(&mut self, bytes: usize, now: Instant) -> bool {
        self.0
            .as_mut()
            .is_none_or(|bucket| bucket.take(bytes as u64, now))
    }
}

/// Caps unauthenticated replies per source, so that a spoofed source is not flooded.
///
/// Sources share a bucket when their hashes meet: a limit, not a ledger.
#[derive(Debug)]
pub(crate) struct SourceLimiter {
    buckets: Vec<TokenBucket>,
    seed: u64,
}

impl SourceLimiter {
    pub(crate) fn new(limits: &Limits, seed: u64, now: Instant) -> Self {
        let bucket = TokenBucket::new(
            limits.unauthenticated_replies_per_sec.into(),
            limits.unauthenticated_replies_burst.into(),
            now,
        );
        Self {
            buckets: vec![bucket; SOURCE_BUCKETS],
            seed,
        }
    }

    pub(crate) fn allows(&mut self, source: IpAddr, now: Instant) -> bool {
        let mut hasher = DefaultHasher::new();
        self.seed.hash(&mut hasher);
        network(source).hash(&mut hasher);
        let index = hasher.finish() as usize % SOURCE_BUCKETS;
        self.buckets[index].take(1, now)
    }
}

/// One household, as far as an address tells: IPv4 whole, IPv6 by its /64.
fn network(source: IpAddr) -> u64 {
    match source {
        IpAddr::V4(ip) => u32::from(ip).into(),
        IpAddr::V6(ip) => (u128::from(ip) >> 64) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::disallowed_methods)] // Any instant will do to count from.
    fn epoch() -> Instant {
        Instant::now()
    }

    #[test]
    fn bucket_gives_its_burst_then_its_rate() {
        let start = epoch();
        let mut bucket = TokenBucket::new(10, 5, start);
        assert!((0..5).all(|_| bucket.take(1, start)));
        assert!(!bucket.take(1, start));
        let later = start + Duration::from_millis(250);
        assert!(bucket.take(2, later));
        assert!(!bucket.take(1, later));
        // The half token of the 250 ms was not lost.
        assert!(bucket.take(1, later + Duration::from_millis(50)));
    }

    #[test]
    fn sources_are_limited_apart() {
        let start = epoch();
        let limits = Limits {
            unauthenticated_replies_per_sec: 1,
            unauthenticated_replies_burst: 2,
            ..Limits::default()
        };
        let mut limiter = SourceLimiter::new(&limits, 1, start);
        let mut allowed = |ip: &str| limiter.allows(ip.parse().unwrap(), start);
        assert!(allowed("198.51.100.1") && allowed("198.51.100.1"));
        assert!(!allowed("198.51.100.1"), "the third in one moment");
        assert!(allowed("198.51.100.2"), "another source");
        assert!(allowed("2600::1") && allowed("2600::2"));
        assert!(!allowed("2600::3"), "the same /64");
    }
}
