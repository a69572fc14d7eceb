//! How much of a channel may be under way: what the path holds, and not more.
//!
//! SCTP here (sctp-proto 0.10) looks at everything that is under way, several times, for each packet
//! that comes or goes. A megabyte of it costs a sender on a near path twenty times the rest.

use std::net::SocketAddr;
use std::time::Duration;

/// The most that may be under way: 200 Mbit/s at 40 ms.
pub(super) const MAX_WINDOW_BYTES: usize = 1024 * 1024;
/// And the least: also on the nearest path the other end is not always awake.
const MIN_WINDOW_BYTES: usize = 128 * 1024;
/// 256 Mbit/s.
const BYTES_PER_MS: usize = 32 * 1024;

/// The path's two ends.
type Ends = (SocketAddr, SocketAddr);

/// The window of the path in use.
#[derive(Debug, Default)]
pub(super) struct Window {
    ends: Option<Ends>,
    /// The shortest round trip: what the path takes when nothing waits on it.
    round_trip: Duration,
}

impl Window {
    /// A round trip on a path.
    pub(super) fn handle_round_trip(&mut self, ends: Ends, round_trip: Duration) {
        if self.ends.replace(ends) != Some(ends) || round_trip < self.round_trip {
            self.round_trip = round_trip;
        }
    }

    /// In bytes.
    pub(super) fn bytes(&self) -> usize {
        let micros = usize::try_from(self.round_trip.as_micros()).unwrap_or(usize::MAX);
        let held = micros.saturating_mul(BYTES_PER_MS) / 1000;
        MIN_WINDOW_BYTES.saturating_add(held).min(MAX_WINDOW_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(port: u16) -> Ends {
        (
            SocketAddr::from(([192, 0, 2, 1], port)),
            SocketAddr::from(([192, 0, 2, 2], 9)),
        )
    }

    fn after(round_trips: &[(u16, u64)]) -> usize {
        let mut window = Window::default();
        for (port, micros) in round_trips {
            window.handle_round_trip(ends(*port), Duration::from_micros(*micros));
        }
        window.bytes()
    }

    #[test]
    fn a_far_path_holds_more_up_to_the_limit() {
        assert_eq!(after(&[]), MIN_WINDOW_BYTES);
        assert_eq!(after(&[(1, 500)]), MIN_WINDOW_BYTES + 16 * 1024);
        assert_eq!(after(&[(1, 28_000)]), MAX_WINDOW_BYTES);
        assert_eq!(after(&[(1, 28_001)]), MAX_WINDOW_BYTES);
        assert_eq!(after(&[(1, u64::MAX)]), MAX_WINDOW_BYTES);
    }

    #[test]
    fn what_waits_on_a_path_makes_it_no_longer_and_another_path_counts_anew() {
        assert_eq!(
            after(&[(1, 1000), (1, 20_000)]),
            MIN_WINDOW_BYTES + 32 * 1024
        );
        assert_eq!(
            after(&[(1, 1000), (2, 20_000)]),
            MIN_WINDOW_BYTES + 640 * 1024
        );
    }
}
