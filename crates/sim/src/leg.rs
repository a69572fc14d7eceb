//! One stream between a peer and the server: in order both ways, late, and cut without warning.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::line::Line;
use crate::random::Random;

/// What the network does to every socket.
#[derive(Debug, Clone)]
pub struct Weather {
    /// A lost segment holds up everything behind it.
    pub line: Line,
    /// How long until an end notices that its socket was cut.
    pub notice: Range<Duration>,
    /// How often the hub is not told at all, and must find out by its pings.
    pub half_open_percent: u64,
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            line: Line {
                delay: Duration::from_millis(5)..Duration::from_millis(120),
                lost_per_mille: 50,
            },
            notice: Duration::ZERO..Duration::from_secs(5),
            half_open_percent: 40,
        }
    }
}

/// One socket's way, each direction with its own queue.
#[derive(Debug)]
pub(crate) struct Leg {
    /// Whose socket it is.
    pub(crate) peer: usize,
    /// Nothing passes any longer.
    pub(crate) is_cut: bool,
    up_until: Instant,
    down_until: Instant,
}

impl Leg {
    pub(crate) fn new(peer: usize, now: Instant) -> Self {
        Self {
            peer,
            is_cut: false,
            up_until: now,
            down_until: now,
        }
    }

    /// When a message sent to the server arrives.
    pub(crate) fn up(&mut self, now: Instant, line: &Line, random: &mut Random) -> Instant {
        self.up_until = self.up_until.max(now + line.segment(random));
        self.up_until
    }

    /// When a message sent to the peer arrives.
    pub(crate) fn down(&mut self, now: Instant, line: &Line, random: &mut Random) -> Instant {
        self.down_until = self.down_until.max(now + line.segment(random));
        self.down_until
    }
}
