//! When which session is to be woken.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::session::SessionKey;

/// One time for each session.
#[derive(Debug, Default)]
pub(super) struct Timers {
    in_order: BTreeSet<(Instant, SessionKey)>,
    by_key: HashMap<SessionKey, Instant>,
}

impl Timers {
    pub(super) fn set(&mut self, key: SessionKey, at: Instant) {
        let before = self.by_key.insert(key, at);
        if before != Some(at) {
            before.map(|before| self.in_order.remove(&(before, key)));
            self.in_order.insert((at, key));
        }
    }

    pub(super) fn remove(&mut self, key: SessionKey) {
        if let Some(before) = self.by_key.remove(&key) {
            self.in_order.remove(&(before, key));
        }
    }

    pub(super) fn first(&self) -> Option<Instant> {
        self.in_order.first().map(|(at, _)| *at)
    }

    /// The next session whose time has come; it has none until it is set again.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<SessionKey> {
        let (at, key) = *self.in_order.first()?;
        (at <= now).then(|| {
            self.remove(key);
            key
        })
    }
}
