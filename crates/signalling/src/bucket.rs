//! A token bucket: a burst at once, then a steady rate.

use std::time::{Duration, Instant};

/// How much is left to one socket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    burst: f64,
    per_second: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(burst: u32, per_second: u32, now: Instant) -> Self {
        let (burst, per_second) = (f64::from(burst), f64::from(per_second));
        Self {
            burst,
            per_second,
            left: burst,
            at: now,
        }
    }

    /// Takes `amount`, or says after how long it would be there.
    pub(crate) fn take(&mut self, amount: u32, now: Instant) -> Result<(), Duration> {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + elapsed * self.per_second).min(self.burst);
        self.at = self.at.max(now);
        let missing = f64::from(amount) - self.left;
        if missing > 0.0 {
            return Err(Duration::from_secs_f64(
                missing / self.per_second.max(0.001),
            ));
        }
        self.left -= f64::from(amount);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_passes_and_one_more_is_told_when_to_come_back() {
        let now = crate::epoch::epoch();
        let mut bucket = Bucket::new(160, 20, now);
        for _ in 0..160 {
            assert_eq!(bucket.take(1, now), Ok(()));
        }
        assert_eq!(bucket.take(1, now), Err(Duration::from_millis(50)));
        assert_eq!(bucket.take(1, now + Duration::from_millis(50)), Ok(()));
    }

    #[test]
    fn a_clock_that_steps_back_fills_nothing() {
        let now = crate::epoch::epoch() + Duration::from_secs(9);
        let mut bucket = Bucket::new(1, 1, now);
        assert_eq!(bucket.take(1, now), Ok(()));
        assert!(bucket.take(1, now - Duration::from_secs(9)).is_err());
        assert!(bucket.take(1, now).is_err());
    }
}
