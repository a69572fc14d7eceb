//! One WebSocket between a peer and the hub: in order both ways, late, and cut without warning.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::random::Random;

/// How TCP waits before it sends a lost segment again, at first.
const RETRANSMIT: Duration = Duration::from_millis(200);

/// What the network does to every message.
#[derive(Debug, Clone)]
pub struct Weather {
    /// One way.
    pub delay: Range<Duration>,
    /// A lost segment holds up everything behind it.
    pub loss_percent: u64,
    /// How long until an end notices that its socket was cut.
    pub notice: Range<Duration>,
    /// How often the hub is not told at all, and must find out by its pings.
    pub half_open_percent: u64,
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(5)..Duration::from_millis(120),
            loss_percent: 5,
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

    /// When a message sent to the hub arrives.
    pub(crate) fn up(&mut self, now: Instant, weather: &Weather, random: &mut Random) -> Instant {
        self.up_until = self.up_until.max(now + transit(weather, random));
        self.up_until
    }

    /// When a message sent to the peer arrives.
    pub(crate) fn down(&mut self, now: Instant, weather: &Weather, random: &mut Random) -> Instant {
        self.down_until = self.down_until.max(now + transit(weather, random));
        self.down_until
    }
}

fn transit(weather: &Weather, random: &mut Random) -> Duration {
    let (mut transit, mut wait) = (random.span(&weather.delay), RETRANSMIT);
    while random.chance(weather.loss_percent) {
        transit += wait;
        wait *= 2;
    }
    transit
}
