//! Decides when a connection looks for a new path: after two seconds without a reply on the one
//! it has, after a failure, after an attempt that took too long.

use std::time::{Duration, Instant};

use super::random::Random;

/// A path may be without replies for this long. str0m itself notices after 15 to 21 s.
const QUIET_LIMIT: Duration = Duration::from_secs(2);
/// An attempt may take this long.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(15);
/// The first wait after a failed attempt; the next ones double.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The path is silent: look for a new one.
    Restart,
    /// The attempt failed; tell why, and [`Recovery::pause`] follows by itself.
    GiveUp,
    /// The pause is over: try again.
    Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// No path is there and none is looked for.
    Idle,
    /// A path carries the connection; the last reply on it.
    Up(Instant),
    Attempting(Instant),
    Pausing(Instant),
}

/// Watches one connection.
#[derive(Debug)]
pub(super) struct Recovery {
    mood: Mood,
    failures: u32,
}

impl Recovery {
    pub(super) fn new() -> Self {
        Self {
            mood: Mood::Idle,
            failures: 0,
        }
    }

    /// An attempt begins: a description was sent or taken.
    pub(super) fn handle_attempt(&mut self, now: Instant) {
        if !matches!(self.mood, Mood::Attempting(_)) {
            self.mood = Mood::Attempting(now);
        }
    }

    /// The peer answered on the path that carries the connection.
    pub(super) fn handle_reply(&mut self, now: Instant) {
        self.mood = Mood::Up(now);
        self.failures = 0;
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(self.mood, Mood::Up(_))
    }

    /// Waits before the next attempt.
    pub(super) fn pause(&mut self, random: &mut Random, now: Instant) {
        let longest = FIRST_PAUSE
            .saturating_mul(1 << self.failures.min(8))
            .min(LONGEST_PAUSE);
        self.failures += 1;
        self.mood = Mood::Pausing(now + random.upper_half(longest));
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.mood {
            Mood::Idle => None,
            Mood::Up(last) => Some(last + QUIET_LIMIT),
            Mood::Attempting(since) => Some(since + ATTEMPT_LIMIT),
            Mood::Pausing(until) => Some(until),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<Step> {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return None;
        }
        match self.mood {
            Mood::Idle => None,
            Mood::Up(_) => {
                self.mood = Mood::Attempting(now);
                Some(Step::Restart)
            }
            Mood::Attempting(_) => Some(Step::GiveUp),
            Mood::Pausing(_) => {
                self.mood = Mood::Attempting(now);
                Some(Step::Again)
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_silent_for_two_seconds_is_given_up() {
        let start = Instant::now();
        let mut recovery = Recovery::new();
        recovery.handle_reply(start);
        let almost = start + QUIET_LIMIT - Duration::from_millis(1);
        assert_eq!(recovery.handle_timeout(almost), None);
        assert_eq!(
            recovery.handle_timeout(start + QUIET_LIMIT),
            Some(Step::Restart)
        );
        let end = start + QUIET_LIMIT + ATTEMPT_LIMIT;
        assert_eq!(recovery.handle_timeout(end), Some(Step::GiveUp));
    }

    #[test]
    fn pauses_grow_to_fifteen_seconds() {
        let (start, mut random) = (Instant::now(), Random::new([1; 32]));
        let mut recovery = Recovery::new();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            recovery.pause(&mut random, start);
            pauses.push(recovery.poll_timeout().expect("it pauses") - start);
        }
        assert!(pauses[0] <= FIRST_PAUSE && pauses[0] >= FIRST_PAUSE / 2);
        assert!(pauses[7] <= LONGEST_PAUSE && pauses[7] >= LONGEST_PAUSE / 2);
    }
}
