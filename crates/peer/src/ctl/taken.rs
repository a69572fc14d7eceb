//! Which ids were taken: a window behind the newest, as for the nonces of a channel.

use std::collections::BTreeSet;

/// How far behind the newest id one may still come.
pub(super) const WINDOW: u32 = 1024;

/// What is known of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was not seen before, and is remembered.
    New,
    /// It was taken.
    Seen,
    /// It is behind the window.
    TooOld,
}

/// The ids taken of the last [`WINDOW`].
#[derive(Default)]
pub(super) struct Taken(BTreeSet<u32>);

impl Taken {
    pub(super) fn accept(&mut self, id: u32) -> Verdict {
        let newest = self.0.last().copied().unwrap_or(id);
        if newest.saturating_sub(id) >= WINDOW {
            return Verdict::TooOld;
        }
        if !self.0.insert(id) {
            return Verdict::Seen;
        }
        let newest = newest.max(id);
        let oldest = newest.saturating_sub(WINDOW - 1);
        self.0 = self.0.split_off(&oldest);
        Verdict::New
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once() {
        let mut taken = Taken::default();
        assert_eq!(taken.accept(5), Verdict::New);
        assert_eq!(taken.accept(5), Verdict::Seen);
        assert_eq!(taken.accept(4), Verdict::New);
        assert_eq!(taken.accept(4), Verdict::Seen);
    }

    #[test]
    fn an_id_at_the_edge_of_the_window_is_known_and_one_behind_it_is_not() {
        let mut taken = Taken::default();
        assert_eq!(taken.accept(1), Verdict::New);
        assert_eq!(taken.accept(WINDOW), Verdict::New);
        assert_eq!(taken.accept(1), Verdict::Seen);
        assert_eq!(taken.accept(WINDOW + 1), Verdict::New);
        assert_eq!(taken.accept(1), Verdict::TooOld);
        assert_eq!(taken.accept(2), Verdict::New);
    }

    #[test]
    fn never_more_than_the_window_is_remembered() {
        let mut taken = Taken::default();
        for id in 0..3 * WINDOW {
            assert_eq!(taken.accept(id), Verdict::New);
        }
        assert_eq!(taken.0.len(), WINDOW as usize);
        assert_eq!(taken.accept(u32::MAX), Verdict::New);
        assert_eq!(taken.0.len(), 1);
    }
}
