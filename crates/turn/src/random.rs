//! Unpredictable numbers from one seed: HMAC-SHA256 of a counter. Not a clock, not the system.

use stun_types::attribute::MessageIntegritySha256;
use stun_types::message::{IntegrityKey, ShortTermCredentials};

/// A keyed generator; the same seed gives the same numbers.
#[derive(Debug)]
pub(crate) struct Random {
    key: IntegrityKey,
    drawn: u64,
}

impl Random {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self {
            key: keyed(seed, "random"),
            drawn: 0,
        }
    }

    /// For port numbers, reservation tokens and the start of transaction ids.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.drawn += 1;
        let mac = hmac_sha256(&self.key, &[&self.drawn.to_be_bytes()]);
        u64::from_be_bytes(mac[..8].try_into().expect("a MAC has 32 bytes"))
    }
}

/// A key of its own for each use of the seed.
pub(crate) fn keyed(seed: &[u8; 32], purpose: &str) -> IntegrityKey {
    let hex: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    ShortTermCredentials::new(format!("{purpose}:{hex}")).make_key()
}

pub(crate) fn hmac_sha256(key: &IntegrityKey, parts: &[&[u8]]) -> [u8; 32] {
    MessageIntegritySha256::compute(parts, key).expect("HMAC takes a key of any length")
}
