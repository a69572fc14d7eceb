//! The size of each still: encode, measure, and encode again until it fits.

use super::STILL_LIMIT_BYTES;
use super::encoder::{EncodeError, Encoder, Quality};
use super::picture::Picture;

/// Encodings per still; the last one is the coarsest, where nothing fitted before.
pub(super) const MAX_ATTEMPTS: u32 = 8;
/// Below this quality a picture suffers visibly: only the limit, not the target, goes below it.
const PLAIN: Quality = Quality::new(16);
/// Six steps of quality double the bytes.
const STEPS_PER_DOUBLING: f64 = 6.0;
/// A still that uses this share of its budget is not made any finer.
const ENOUGH: f64 = 0.7;

/// How large a still shall and may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Aimed at, in bytes, as long as the picture does not suffer.
    pub target_bytes: usize,
    /// Never exceeded, in bytes.
    pub limit_bytes: usize,
}

impl Budget {
    /// What `bits_per_second` allow for a still every `interval`, and never more than
    /// [`STILL_LIMIT_BYTES`].
    pub fn new(bits_per_second: u32, interval: std::time::Duration) -> Self {
        let bytes = f64::from(bits_per_second) * interval.as_secs_f64() / 8.0;
        Self {
            target_bytes: (bytes as usize).min(STILL_LIMIT_BYTES),
            limit_bytes: STILL_LIMIT_BYTES,
        }
    }
}

/// A still that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedStill {
    /// One access unit in Annex B.
    pub access_unit: Vec<u8>,
    /// How fine it is.
    pub quality: Quality,
    /// How often it was encoded.
    pub attempts: u32,
}

/// Finds the finest quality that fits; begins each still where the one before ended.
#[derive(Debug)]
pub struct RateControl {
    begin: Quality,
}

impl Default for RateControl {
    fn default() -> Self {
        Self {
            begin: Quality::new(26),
        }
    }
}

impl RateControl {
    /// Encodes a picture within its budget.
    ///
    /// # Errors
    /// [`EncodeError::TooLarge`] where not even the coarsest quality fits, and what the encoder
    /// says.
    pub fn encode(
        &mut self,
        encoder: &mut dyn Encoder,
        picture: &Picture,
        budget: Budget,
    ) -> Result<EncodedStill, EncodeError> {
        let mut search = Search::new(budget);
        let mut next = Some(self.begin);
        while let Some(quality) = next {
            let access_unit = encoder.encode(picture, quality)?;
            next = search.note(quality, access_unit);
        }
        let still = search.finish()?;
        self.begin = still.quality;
        Ok(still)
    }
}

/// The search for one still: qualities up to `fitting` fit, those from `failing` on do not.
struct Search {
    budget: Budget,
    attempts: u32,
    best: Option<(Quality, Vec<u8>)>,
    failing: i32,
    last_bytes: usize,
}

impl Search {
    fn new(budget: Budget) -> Self {
        Self {
            budget,
            attempts: 0,
            best: None,
            failing: Quality::FINEST.steps() + 1,
            last_bytes: 0,
        }
    }

    /// Takes an encoding; the quality to try next, if any.
    fn note(&mut self, quality: Quality, access_unit: Vec<u8>) -> Option<Quality> {
        let bytes = access_unit.len();
        self.attempts += 1;
        self.last_bytes = bytes;
        if bytes <= self.allowed(quality) {
            self.best = Some((quality, access_unit));
            let finer = Quality::new(quality.steps() + 1);
            if bytes as f64 >= self.allowed(finer) as f64 * ENOUGH {
                return None;
            }
        } else {
            self.failing = quality.steps();
        }
        self.next(quality, bytes)
    }

    fn next(&self, quality: Quality, bytes: usize) -> Option<Quality> {
        let fitting = self.best.as_ref().map_or(0, |(best, _)| best.steps());
        if fitting + 1 >= self.failing || self.attempts == MAX_ATTEMPTS {
            return None;
        }
        if self.best.is_none() && self.attempts + 1 == MAX_ATTEMPTS {
            return Some(Quality::COARSEST);
        }
        let aimed = |goal| quality.steps() + steps_between(bytes, goal);
        let by_limit = aimed(self.budget.limit_bytes).min(PLAIN.steps());
        let steps = aimed(self.budget.target_bytes).max(by_limit);
        Some(Quality::new(steps.clamp(fitting + 1, self.failing - 1)))
    }

    /// What a still of this quality may have, in bytes.
    fn allowed(&self, quality: Quality) -> usize {
        let Budget {
            target_bytes,
            limit_bytes,
        } = self.budget;
        if quality > PLAIN {
            target_bytes.min(limit_bytes)
        } else {
            limit_bytes
        }
    }

    fn finish(self) -> Result<EncodedStill, EncodeError> {
        let too_large = EncodeError::TooLarge {
            bytes: self.last_bytes,
            limit_bytes: self.budget.limit_bytes,
        };
        let (quality, access_unit) = self.best.ok_or(too_large)?;
        Ok(EncodedStill {
            access_unit,
            quality,
            attempts: self.attempts,
        })
    }
}

/// Steps of quality that should lead from one size to at most another.
fn steps_between(bytes: usize, goal: usize) -> i32 {
    let doublings = (goal.max(1) as f64 / bytes.max(1) as f64).log2();
    (doublings * STEPS_PER_DOUBLING).floor() as i32
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Makes frames of a size that doubles every six steps; notes what it was asked for.
    struct Doubling {
        bytes_at_coarsest: usize,
        asked: Vec<i32>,
    }

    impl Encoder for Doubling {
        fn encode(&mut self, _: &Picture, quality: Quality) -> Result<Vec<u8>, EncodeError> {
            self.asked.push(quality.steps());
            let doublings = f64::from(quality.steps() - 1) / 6.0;
            let bytes = self.bytes_at_coarsest as f64 * doublings.exp2();
            Ok(vec![0; bytes as usize])
        }
    }

    fn run(bytes_at_coarsest: usize) -> (Result<EncodedStill, EncodeError>, Vec<i32>) {
        let budget = Budget::new(100_000, Duration::from_secs(3));
        let asked = Vec::new();
        let mut encoder = Doubling {
            bytes_at_coarsest,
            asked,
        };
        let picture = Picture::from_fn(2, 2, |_, _| [0; 3]);
        let still = RateControl::default().encode(&mut encoder, &picture, budget);
        (still, encoder.asked)
    }

    #[test]
    fn the_budget_is_the_rate_times_the_interval_up_to_the_limit() {
        let budget = |secs| Budget::new(100_000, Duration::from_secs(secs));
        assert_eq!(budget(3).target_bytes, 37_500);
        assert_eq!(budget(8).target_bytes, STILL_LIMIT_BYTES);
        assert_eq!(budget(9).target_bytes, STILL_LIMIT_BYTES);
        assert_eq!(budget(9).limit_bytes, STILL_LIMIT_BYTES);
    }

    #[test]
    fn every_size_of_picture_ends_within_its_budget_and_near_it() {
        for bytes_at_coarsest in (100..100_000).step_by(97) {
            let (still, asked) = run(bytes_at_coarsest);
            let still = still.expect("it fits");
            let bytes = still.access_unit.len();
            assert!(bytes <= STILL_LIMIT_BYTES, "{bytes} {asked:?}");
            assert!(
                bytes <= 37_500 || still.quality <= PLAIN,
                "{bytes} {asked:?}"
            );
            assert!(
                bytes >= 26_000 || still.quality == Quality::FINEST,
                "{bytes} {asked:?}"
            );
            assert!(asked.len() <= 4, "{asked:?}");
        }
    }

    #[test]
    fn a_picture_that_suffers_gets_more_than_the_target() {
        let (still, _) = run(10_000);
        let still = still.expect("it fits");
        assert_eq!(still.quality, PLAIN);
        assert!(still.access_unit.len() > 37_500);
    }

    #[test]
    fn a_byte_above_the_limit_is_too_large() {
        let (still, _) = run(STILL_LIMIT_BYTES);
        assert_eq!(still.expect("it fits").access_unit.len(), STILL_LIMIT_BYTES);
        let (still, asked) = run(STILL_LIMIT_BYTES + 1);
        let too_large = EncodeError::TooLarge {
            bytes: STILL_LIMIT_BYTES + 1,
            limit_bytes: STILL_LIMIT_BYTES,
        };
        assert_eq!(still.expect_err("it does not fit"), too_large);
        assert!(asked.len() <= MAX_ATTEMPTS as usize, "{asked:?}");
    }

    #[test]
    fn the_next_still_begins_where_this_one_ended() {
        let budget = Budget::new(100_000, Duration::from_secs(3));
        let mut encoder = Doubling {
            bytes_at_coarsest: 400,
            asked: Vec::new(),
        };
        let picture = Picture::from_fn(2, 2, |_, _| [0; 3]);
        let mut rate = RateControl::default();
        for _ in 0..2 {
            rate.encode(&mut encoder, &picture, budget)
                .expect("it fits");
        }
        assert_eq!(encoder.asked.len(), 3, "{:?}", encoder.asked);
    }
}
