//! Everything random that a link decides itself, from one secret seed that the caller brings.

use std::time::Duration;

use identity::sha256;

/// Draws from 32 bytes of randomness; as secret as they are.
pub(super) struct Random {
    seed: [u8; 32],
    drawn: u64,
}

impl Random {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self { seed, drawn: 0 }
    }

    /// 32 bytes that nobody else knows.
    pub(super) fn secret(&mut self) -> [u8; 32] {
        self.drawn += 1;
        let drawn = self.drawn.to_be_bytes();
        sha256(&[b"heliograph-link-random-v1", &self.seed, &drawn])
    }

    /// 16 such bytes.
    pub(super) fn half_secret(&mut self) -> [u8; 16] {
        let secret = self.secret();
        *secret.first_chunk().expect("32 bytes have 16")
    }

    pub(super) fn next_u64(&mut self) -> u64 {
        let secret = self.secret();
        u64::from_be_bytes(*secret.first_chunk().expect("32 bytes have 8"))
    }

    /// Between half of `longest` and all of it.
    pub(super) fn upper_half(&mut self, longest: Duration) -> Duration {
        let half = longest / 2;
        let half_us = u64::try_from(half.as_micros()).unwrap_or(u64::MAX - 1);
        half + Duration::from_micros(self.next_u64() % (half_us + 1))
    }
}
