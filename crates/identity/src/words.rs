//! The four words that both people compare (`docs/protocol.md`, Pairing).

use crate::secret::sha256;

/// Four places in the BIP-39 English list: the first 44 bits of the hash, 11 bits each, most
/// significant first.
pub fn word_indices(handshake_hash: &[u8]) -> [u16; 4] {
    let hash = sha256(&[b"heliograph-words-v1", handshake_hash]);
    let bits = hash
        .iter()
        .take(8)
        .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    [53, 42, 31, 20].map(|shift| (bits >> shift & 0x7ff) as u16)
}
