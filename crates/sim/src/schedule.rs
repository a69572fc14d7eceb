//! A clock that jumps from one event to the next.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Events by their time; those of one instant come in the order they were planned.
#[derive(Debug)]
pub struct Schedule<E> {
    now: Instant,
    planned_so_far: u64,
    events: BTreeMap<(Instant, u64), E>,
}

impl<E> Default for Schedule<E> {
    fn default() -> Self {
        Self {
            now: Instant::now(),
            planned_so_far: 0,
            events: BTreeMap::new(),
        }
    }
}

impl<E> Schedule<E> {
    /// The virtual time.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Plans an event after a while.
    pub fn after(&mut self, delay: Duration, event: E) {
        self.at(self.now + delay, event);
    }

    /// Plans an event at an instant.
    pub fn at(&mut self, at: Instant, event: E) {
        self.planned_so_far += 1;
        self.events
            .insert((at.max(self.now), self.planned_so_far), event);
    }

    /// When the next event is.
    pub fn next_at(&self) -> Option<Instant> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    /// Jumps to the next event.
    pub fn pop(&mut self) -> Option<E> {
        let ((at, _), event) = self.events.pop_first()?;
        self.now = at;
        Some(event)
    }

    /// Jumps to an instant at which nothing of its own is planned.
    pub fn jump(&mut self, to: Instant) {
        self.now = self.now.max(to);
    }
}
