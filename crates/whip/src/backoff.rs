//! How long to wait before another session is asked for.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);

/// Twice as long after each attempt in vain, spread by half, so that the clients of a server that
/// comes back do not come all at once.
#[derive(Debug)]
pub(crate) struct Backoff {
    wait: Duration,
    random: u64,
}

impl Backoff {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            wait: FIRST,
            random: seed,
        }
    }

    /// An attempt succeeded.
    pub(crate) fn reset(&mut self) {
        self.wait = FIRST;
    }

    /// How long to wait; at least as long as the server wants.
    pub(crate) fn next(&mut self, wanted: Option<Duration>) -> Duration {
        let wait = self.wait;
        self.wait = (wait * 2).min(LONGEST);
        // A step of a linear congruential generator (Knuth): spreading needs no better one.
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let share = (self.random >> 40) as f64 / f64::from(1 << 24);
        let spread = wait.mul_f64(0.5 + share / 2.0);
        wanted.map_or(spread, |wanted| wanted.max(FIRST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest_and_begin_anew() {
        let mut backoff = Backoff::new(7);
        let mut waits: Vec<_> = (0..12).map(|_| backoff.next(None)).collect();
        let longest = waits.pop().expect("there are twelve");
        assert!(longest <= LONGEST && longest >= LONGEST / 2, "{longest:?}");
        assert!(waits[0] <= FIRST && waits[0] >= FIRST / 2, "{waits:?}");
        backoff.reset();
        assert!(backoff.next(None) <= FIRST);
    }

    #[test]
    fn clients_do_not_come_back_all_at_once() {
        let waits = (0..100).map(|seed| Backoff::new(seed << 32).next(None));
        let waits: std::collections::BTreeSet<_> = waits.collect();
        assert!(waits.len() > 90);
    }

    #[test]
    fn a_server_that_names_a_time_is_asked_then() {
        let wanted = Duration::from_secs(2);
        assert_eq!(Backoff::new(1).next(Some(wanted)), wanted);
        assert_eq!(Backoff::new(1).next(Some(Duration::ZERO)), FIRST);
    }
}
