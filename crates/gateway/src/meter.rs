//! How much comes of a layer, and whether anything does.

use std::time::{Duration, Instant};

/// Over which a rate is taken.
const WINDOW: Duration = Duration::from_secs(1);
/// A layer that is silent for so long does not come any more: publishers drop layers that their
/// connection or their processor does not carry.
const SILENCE: Duration = Duration::from_millis(1500);

/// The rate of one layer.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    bytes: u64,
    since: Option<Instant>,
    last_at: Option<Instant>,
    rate_bps: Option<u64>,
}

impl Meter {
    /// A packet came.
    pub(crate) fn handle_bytes(&mut self, bytes: usize, now: Instant) {
        let since = *self.since.get_or_insert(now);
        let span = now.saturating_duration_since(since);
        if span >= WINDOW {
            let rate = bits_per_second(self.bytes, span);
            // Key frames come now and then: half of the window before.
            let before = self.rate_bps.filter(|_| span < WINDOW * 2);
            self.rate_bps = Some(before.map_or(rate, |before| before.midpoint(rate)));
            (self.bytes, self.since) = (0, Some(now));
        }
        self.bytes += bytes as u64;
        self.last_at = Some(now);
    }

    /// In bits a second; none where nothing comes.
    pub(crate) fn rate_bps(&self, now: Instant) -> Option<u64> {
        let is_alive = self.last_at.is_some_and(|at| now < at + SILENCE);
        let first = bits_per_second(self.bytes, WINDOW);
        is_alive.then(|| self.rate_bps.unwrap_or(first))
    }
}

fn bits_per_second(bytes: u64, span: Duration) -> u64 {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    bytes.saturating_mul(8000) / millis.max(1)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests {
    use super::*;

    #[test]
    fn a_steady_layer_is_measured_and_a_silent_one_is_none() {
        let (mut meter, mut now) = (Meter::default(), Instant::now());
        assert_eq!(meter.rate_bps(now), None);
        for _ in 0..100 {
            meter.handle_bytes(1250, now);
            now += Duration::from_millis(100);
        }
        assert_eq!(meter.rate_bps(now), Some(100_000));
        assert_eq!(meter.rate_bps(now + SILENCE), None);
        meter.handle_bytes(1250, now + SILENCE * 10);
        assert!(meter.rate_bps(now + SILENCE * 10).is_some(), "it is back");
    }
}
