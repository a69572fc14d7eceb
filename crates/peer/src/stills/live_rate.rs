//! Which bitrate live video aims at, from what the path is believed to carry; pure.

use std::time::{Duration, Instant};

/// Below this a picture of 640×480 is not worth its packets.
const LOWEST: u32 = 60_000;
/// Of what the path carries, the encoder takes so much: its frames vary, and losses are sent again.
const SHARE: f64 = 0.85;
/// A new aim costs a key frame. Less is aimed at when the path carries this share of the aim...
const LOWER_AT: f64 = 0.9;
/// ...and more when it would let the aim grow by this factor, not sooner after another change than
/// [`RAISE_AFTER`].
const RAISE_AT: f64 = 1.3;
const RAISE_AFTER: Duration = Duration::from_secs(4);

/// Follows the path, at most as high as was asked for.
#[derive(Debug)]
pub(super) struct LiveRate {
    highest: u32,
    aim: u32,
    changed_at: Option<Instant>,
}

impl LiveRate {
    /// Begins with what was asked for, in bits per second.
    pub(super) fn new(bits_per_second: u32) -> Self {
        Self {
            highest: bits_per_second,
            aim: bits_per_second,
            changed_at: None,
        }
    }

    /// What is aimed at, in bits per second.
    pub(super) fn aim(&self) -> u32 {
        self.aim
    }

    /// The path is believed to carry so many bits per second.
    pub(super) fn handle_capacity(&mut self, bits_per_second: u64, now: Instant) {
        let capacity = bits_per_second as f64;
        let fitting = (capacity * SHARE).clamp(LOWEST.into(), self.highest.max(LOWEST).into());
        let fitting = (fitting as u32).min(self.highest);
        let aim = f64::from(self.aim);
        let is_settled = self.changed_at.is_none_or(|at| at + RAISE_AFTER <= now);
        // The estimate looks no further than what was asked for, so the last step is a small one.
        let is_highest = fitting == self.highest && self.aim < self.highest;
        let is_more = f64::from(fitting) >= aim * RAISE_AT || is_highest;
        if (capacity < aim * LOWER_AT && fitting < self.aim) || (is_more && is_settled) {
            self.aim = fitting;
            self.changed_at = Some(now);
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests {
    use super::*;

    #[test]
    fn it_falls_at_once_and_rises_in_steps_up_to_what_was_asked_for() {
        let (mut rate, start) = (LiveRate::new(1_000_000), Instant::now());
        rate.handle_capacity(950_000, start);
        assert_eq!(rate.aim(), 1_000_000, "a little less changes nothing");
        rate.handle_capacity(400_000, start);
        assert_eq!(rate.aim(), 340_000);
        rate.handle_capacity(200_000, start);
        assert_eq!(rate.aim(), 170_000);
        let almost = start + RAISE_AFTER - Duration::from_millis(1);
        rate.handle_capacity(900_000, almost);
        assert_eq!(rate.aim(), 170_000);
        rate.handle_capacity(900_000, start + RAISE_AFTER);
        assert_eq!(rate.aim(), 765_000);
        rate.handle_capacity(9_000_000, start + RAISE_AFTER * 2);
        assert_eq!(rate.aim(), 1_000_000);
    }

    #[test]
    fn it_never_aims_below_what_shows_a_picture_nor_above_what_was_asked_for() {
        let (mut rate, now) = (LiveRate::new(300_000), Instant::now());
        rate.handle_capacity(1, now);
        assert_eq!(rate.aim(), LOWEST);
        let mut rate = LiveRate::new(50_000);
        rate.handle_capacity(1, now);
        rate.handle_capacity(u64::MAX, now + RAISE_AFTER);
        assert_eq!(rate.aim(), 50_000);
    }
}
