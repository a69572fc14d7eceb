//! The four words that both people compare, and the sets that the inviter chooses from.

use std::fmt;

use bip39::Language;
use identity::word_indices;

use super::Entropy;

/// Four words of the BIP-39 English list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words([&'static str; 4]);

impl Words {
    /// The words of a handshake: equal on both screens only if nobody sits in between.
    pub fn of_handshake(hash: &[u8; 32]) -> Self {
        Self::at(word_indices(hash))
    }

    fn at(indices: [u16; 4]) -> Self {
        let list = Language::English.word_list();
        Self(indices.map(|index| list[usize::from(index & 0x7ff)]))
    }

    fn random(entropy: &mut Entropy) -> Self {
        // 65536 is a multiple of 2048: every word is equally likely.
        let bytes: [u8; 8] = entropy.draw();
        let index = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        Self::at([index(0), index(2), index(4), index(6)])
    }

    /// The words, in order.
    pub fn as_array(&self) -> &[&'static str; 4] {
        &self.0
    }

    fn shares_a_word_with(&self, other: &Self) -> bool {
        self.0.iter().any(|word| other.0.contains(word))
    }

    fn repeats_a_word(&self) -> bool {
        let [a, b, c, d] = self.0;
        a == b || a == c || a == d || b == c || b == d || c == d
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// Three sets, the right one at a random place, which is returned too. No set shares a word with
/// another, so that a glance at one word is not enough to err.
pub(super) fn sets(right: Words, entropy: &mut Entropy) -> ([Words; 3], usize) {
    let mut sets = [right; 3];
    for at in 1..3 {
        sets[at] = loop {
            let wrong = Words::random(entropy);
            let is_apart = sets[..at].iter().all(|set| !set.shares_a_word_with(&wrong));
            if is_apart && !wrong.repeats_a_word() {
                break wrong;
            }
        };
    }
    let place = below_3(entropy);
    sets.swap(0, place);
    (sets, place)
}

/// 255 = 3 × 85: rejecting it keeps the three places equally likely.
fn below_3(entropy: &mut Entropy) -> usize {
    loop {
        let [byte] = entropy.draw();
        if byte < 255 {
            return usize::from(byte % 3);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_handshake_has_the_words_that_the_pages_show() {
        // testdata/identity/words.json: 1733, 70, 1837, 1899.
        assert_eq!(
            Words::of_handshake(&[0; 32]).to_string(),
            "suffer angle toss uniform"
        );
    }

    #[test]
    fn the_right_set_is_at_every_place_and_shares_no_word() {
        let mut counter = 0_u8;
        let mut entropy = Entropy::new(move |bytes| {
            for byte in bytes {
                counter = counter.wrapping_mul(5).wrapping_add(17);
                *byte = counter;
            }
        });
        let right = Words::of_handshake(&[7; 32]);
        let mut places = BTreeSet::new();
        for _ in 0..64 {
            let (sets, place) = sets(right, &mut entropy);
            assert_eq!(sets[place], right);
            let words: BTreeSet<_> = sets.iter().flat_map(|set| set.as_array()).collect();
            assert_eq!(words.len(), 12);
            places.insert(place);
        }
        assert_eq!(places.len(), 3);
    }
}
