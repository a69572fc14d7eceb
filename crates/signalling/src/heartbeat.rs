//! Is anybody there? Pings every 20 s; two without a pong mean no.

use std::time::Instant;

use crate::limits::Limits;

/// The pings of one socket.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    next: Instant,
    is_awaiting: bool,
    missed: u32,
}

/// What a heartbeat wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    /// Not yet.
    Wait,
    /// Ask.
    Ping,
    /// Nobody is there.
    Dead,
}

impl Heartbeat {
    /// Starts with a first ping one interval from now.
    pub(crate) fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            next: now + limits.ping_every,
            is_awaiting: false,
            missed: 0,
        }
    }

    /// When to call [`Heartbeat::handle_timeout`].
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// Whether the last ping went unanswered for its whole time.
    pub(crate) fn is_suspect(&self) -> bool {
        self.missed > 0
    }

    /// The other end answered.
    pub(crate) fn handle_pong(&mut self) {
        self.is_awaiting = false;
        self.missed = 0;
    }

    /// Asks out of turn, with a short time to answer. True when a ping must go out.
    pub(crate) fn probe(&mut self, limits: &Limits, now: Instant) -> bool {
        self.next = self.next.min(now + limits.probe);
        !std::mem::replace(&mut self.is_awaiting, true)
    }

    /// What to do at `now`.
    pub(crate) fn handle_timeout(&mut self, limits: &Limits, now: Instant) -> Beat {
        if now < self.next {
            return Beat::Wait;
        }
        if self.is_awaiting {
            self.missed += 1;
        }
        if self.missed >= limits.missed_pongs {
            return Beat::Dead;
        }
        self.is_awaiting = true;
        self.next = now + limits.ping_every;
        Beat::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn two_missed_pongs_are_death_and_one_is_forgiven() {
        let (limits, now) = (Limits::default(), crate::epoch::epoch());
        let at = |seconds| now + Duration::from_secs(seconds);
        let mut heart = Heartbeat::new(&limits, now);
        assert_eq!(heart.handle_timeout(&limits, at(19)), Beat::Wait);
        assert_eq!(heart.handle_timeout(&limits, at(20)), Beat::Ping);
        assert_eq!(heart.handle_timeout(&limits, at(40)), Beat::Ping);
        assert!(heart.is_suspect());
        heart.handle_pong();
        assert_eq!(heart.handle_timeout(&limits, at(60)), Beat::Ping);
        assert_eq!(heart.handle_timeout(&limits, at(80)), Beat::Ping);
        assert_eq!(heart.handle_timeout(&limits, at(100)), Beat::Dead);
    }

    #[test]
    fn a_probe_makes_a_silent_socket_suspect_soon() {
        let (limits, now) = (Limits::default(), crate::epoch::epoch());
        let mut heart = Heartbeat::new(&limits, now);
        assert!(heart.probe(&limits, now));
        assert!(!heart.probe(&limits, now), "one ping is under way");
        assert_eq!(
            heart.handle_timeout(&limits, now + limits.probe),
            Beat::Ping
        );
        assert!(heart.is_suspect());
    }
}
