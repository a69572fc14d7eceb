//! Which of the last nonces were seen (as RFC 4303 §3.4.3 does).

/// How far behind the newest frame one may still come.
pub const REPLAY_WINDOW: u64 = 1024;

const WORDS: usize = (REPLAY_WINDOW / 64) as usize;

/// A bit for each nonce from the newest down to [`REPLAY_WINDOW`] − 1 behind it.
#[derive(Debug, Default)]
pub struct ReplayWindow {
    newest: Option<u64>,
    seen: [u64; WORDS],
}

impl ReplayWindow {
    /// Whether a nonce is new; does not remember it.
    pub fn is_fresh(&self, nonce: u64) -> bool {
        match self.newest {
            Some(newest) if nonce <= newest => {
                let (word, bit) = place(nonce);
                newest - nonce < REPLAY_WINDOW && self.seen[word] & bit == 0
            }
            _ => true,
        }
    }

    /// Remembers a nonce; false when it was seen or is too old.
    pub fn accept(&mut self, nonce: u64) -> bool {
        if !self.is_fresh(nonce) {
            return false;
        }
        let newest = self.newest.map_or(nonce, |newest| newest.max(nonce));
        self.forget_up_to(newest);
        self.newest = Some(newest);
        let (word, bit) = place(nonce);
        self.seen[word] |= bit;
        true
    }

    /// The places of the nonces that come into the window held ones that leave it.
    fn forget_up_to(&mut self, newest: u64) {
        let Some(before) = self.newest else { return };
        if newest - before >= REPLAY_WINDOW {
            self.seen = [0; WORDS];
            return;
        }
        for nonce in before + 1..=newest {
            let (word, bit) = place(nonce);
            self.seen[word] &= !bit;
        }
    }
}

fn place(nonce: u64) -> (usize, u64) {
    let bit = nonce % REPLAY_WINDOW;
    ((bit / 64) as usize, 1 << (bit % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_window_takes_what_is_at_most_1023_behind() {
        let mut window = ReplayWindow::default();
        assert!(window.accept(2000));
        assert!(window.accept(2000 - REPLAY_WINDOW + 1));
        assert!(!window.accept(2000 - REPLAY_WINDOW));
        assert!(!window.accept(2000));
    }

    #[test]
    fn the_last_nonce_of_all_is_a_nonce_too() {
        let mut window = ReplayWindow::default();
        assert!(window.accept(0));
        assert!(window.accept(u64::MAX));
        assert!(!window.accept(u64::MAX));
        assert!(!window.accept(0));
    }

    proptest! {
        /// The bits say what a set of every accepted nonce would say.
        #[test]
        fn the_window_agrees_with_a_set(steps in prop::collection::vec(-1500_i64..1600, 1..400)) {
            let (mut window, mut accepted) = (ReplayWindow::default(), BTreeSet::new());
            let mut at = 5_000_i64;
            for step in steps {
                let nonce = u64::try_from((at + step).max(0)).expect("not negative");
                let newest = accepted.last().copied();
                let is_late = newest.is_some_and(|newest: u64| newest >= nonce + REPLAY_WINDOW);
                let expected = !is_late && !accepted.contains(&nonce);
                prop_assert_eq!(window.accept(nonce), expected);
                if expected {
                    accepted.insert(nonce);
                }
                at = at.max(at + step);
            }
        }
    }
}
