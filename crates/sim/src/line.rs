//! What a device's access to the network does to everything that passes: late, out of order, lost.

use std::ops::Range;
use std::time::Duration;

use crate::random::Random;

/// How TCP waits before it sends a lost segment again, at first (the least that Linux waits).
const RETRANSMIT: Duration = Duration::from_millis(200);

/// One way over one line, either direction. Where the delays vary, datagrams overtake each other.
#[derive(Debug, Clone)]
pub struct Line {
    /// One way, drawn for each packet.
    pub delay: Range<Duration>,
    /// How many of a thousand packets are lost.
    pub lost_per_mille: u64,
}

impl Line {
    /// A line that loses nothing and is always as slow.
    pub fn steady(delay: Duration) -> Self {
        Self {
            delay: delay..delay,
            lost_per_mille: 0,
        }
    }

    /// How long a datagram takes; none where it is lost.
    pub(crate) fn datagram(&self, random: &mut Random) -> Option<Duration> {
        let delay = random.span(&self.delay);
        (!random.per_mille(self.lost_per_mille)).then_some(delay)
    }

    /// How long a segment of a stream takes, which is sent again until it arrives.
    pub(crate) fn segment(&self, random: &mut Random) -> Duration {
        let (mut transit, mut wait) = (random.span(&self.delay), RETRANSMIT);
        while random.per_mille(self.lost_per_mille) {
            transit += wait;
            wait *= 2;
        }
        transit
    }
}
