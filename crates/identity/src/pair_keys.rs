//! What two devices derive from their ids and both contributions: the pair's name, and its
//! secret (`docs/protocol.md`, Identity).

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use protocol::id::{DeviceId, PairId};

use crate::secret::sha256;

/// A device and its 32 random bytes, lower id first.
fn in_order<'a>(mut sides: [(&'a DeviceId, &'a [u8; 32]); 2]) -> [(&'a DeviceId, &'a [u8; 32]); 2] {
    sides.sort_by_key(|(device, _)| *device);
    sides
}

/// The pair's name. The order of the two sides does not matter.
pub fn pair_id(sides: [(&DeviceId, &[u8; 32]); 2]) -> PairId {
    let [(lower, lower_bytes), (higher, higher_bytes)] = in_order(sides);
    PairId::from_bytes(&sha256(&[
        b"heliograph-pair-v1",
        lower.as_str().as_bytes(),
        higher.as_str().as_bytes(),
        lower_bytes,
        higher_bytes,
    ]))
}

/// The pair's secret, which no server sees. The order of the two sides does not matter.
pub fn pair_secret(sides: [(&DeviceId, &[u8; 32]); 2]) -> [u8; 32] {
    let [(_, lower_bytes), (_, higher_bytes)] = in_order(sides);
    let input = [*lower_bytes, *higher_bytes].concat();
    let key = Salt::new(HKDF_SHA256, b"heliograph-pair-secret-v1").extract(&input);
    let id = pair_id(sides);
    let mut secret = [0; 32];
    key.expand(&[id.as_str().as_bytes()], HKDF_SHA256)
        .and_then(|output| output.fill(&mut secret))
        .expect("32 bytes are one block");
    secret
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_devices_derive_the_same_and_a_contribution_changes_it() {
        let (a, b) = (
            DeviceId::from_bytes(&[1; 32]),
            DeviceId::from_bytes(&[2; 32]),
        );
        let (ours, theirs, other) = ([3; 32], [4; 32], [5; 32]);
        let sides = [(&a, &ours), (&b, &theirs)];
        let seen_from_b = [(&b, &theirs), (&a, &ours)];
        assert_eq!(pair_id(sides), pair_id(seen_from_b));
        assert_eq!(pair_secret(sides), pair_secret(seen_from_b));
        assert_ne!(pair_id(sides), pair_id([(&a, &ours), (&b, &other)]));
        assert_ne!(
            pair_secret(sides),
            pair_secret([(&a, &theirs), (&b, &ours)])
        );
    }
}
