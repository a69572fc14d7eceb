//! When the next frame of live video is due, and whether it is a key frame; pure.

use std::time::{Duration, Instant};

/// A key frame is large: however often one is asked for, they are this far apart.
const KEY_FRAME_GAP: Duration = Duration::from_millis(300);

/// Paces live video while its section is open.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// Frames that are still to be taken; unlimited without a number.
    left: Option<u32>,
    due: Option<Instant>,
    wants_key_frame: bool,
    key_frame_at: Option<Instant>,
    skipped: u32,
}

impl Pace {
    /// So many frames, or without end, once the section is open.
    pub(super) fn new(frames_per_second: u32, count: Option<u32>) -> Self {
        Self {
            interval: Duration::from_secs(1) / frames_per_second.max(1),
            left: count,
            due: None,
            wants_key_frame: true,
            key_frame_at: None,
            skipped: 0,
        }
    }

    /// Whether every frame that was wanted has been taken.
    pub(super) fn is_done(&self) -> bool {
        self.left == Some(0)
    }

    /// Frames that came due while the one before was not ready.
    pub(super) fn skipped(&self) -> u32 {
        self.skipped
    }

    /// The peer takes frames: one is due at once.
    pub(super) fn handle_open(&mut self, now: Instant) {
        if self.due.is_none() {
            self.due = Some(now);
            self.wants_key_frame = true;
        }
    }

    /// The peer takes none.
    pub(super) fn handle_close(&mut self) {
        self.due = None;
    }

    /// The peer's picture is damaged (PLI, RFC 4585 §6.3.1), or it has none yet.
    pub(super) fn handle_key_frame_request(&mut self) {
        self.wants_key_frame = true;
    }

    /// There is no other frame.
    pub(super) fn handle_source_over(&mut self) {
        self.left = Some(0);
    }

    /// When a frame is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_done())
    }

    /// Takes the frame that is due, if any: whether it is to be a key frame. Those that are
    /// overdue by then are skipped, so that the video never lags.
    pub(super) fn take(&mut self, now: Instant) -> Option<bool> {
        let due = self.poll_timeout().filter(|due| *due <= now)?;
        self.left = self.left.map(|left| left - 1);
        let overdue = (now - due).as_nanos() / self.interval.as_nanos().max(1);
        let overdue = u32::try_from(overdue).unwrap_or(u32::MAX);
        self.skipped = self.skipped.saturating_add(overdue);
        self.due = Some(due + self.interval * overdue.saturating_add(1));
        let is_early = |at: Instant| now < at + KEY_FRAME_GAP;
        let is_key = self.wants_key_frame && !self.key_frame_at.is_some_and(is_early);
        if is_key {
            self.wants_key_frame = false;
            self.key_frame_at = Some(now);
        }
        Some(is_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "some instant to begin at")]
    fn start() -> Instant {
        Instant::now()
    }

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// Whether each frame of this time is a key frame, at ten frames a second.
    fn take_all(pace: &mut Pace, mut now: Instant, end: Instant) -> Vec<bool> {
        let mut taken = Vec::new();
        while let Some(due) = pace.poll_timeout().filter(|due| *due <= end) {
            now = now.max(due);
            taken.extend(pace.take(now));
        }
        taken
    }

    #[test]
    fn frames_are_due_at_their_rate_and_the_first_is_a_key_frame() {
        let now = start();
        let mut pace = Pace::new(10, None);
        assert_eq!(pace.poll_timeout(), None, "nobody takes frames yet");
        pace.handle_open(now);
        let taken = take_all(&mut pace, now, now + ms(1950));
        assert_eq!(taken.len(), 20);
        assert_eq!(taken.iter().filter(|is_key| **is_key).count(), 1);
        assert!(taken[0]);
        assert_eq!(pace.take(now + ms(1950)), None, "not yet");
    }

    #[test]
    fn key_frames_are_as_far_apart_as_the_limit_says() {
        let now = start();
        let mut pace = Pace::new(100, None);
        pace.handle_open(now);
        let mut keys = Vec::new();
        for at in 0..100 {
            pace.handle_key_frame_request();
            if pace.take(now + ms(at * 10)) == Some(true) {
                keys.push(at * 10);
            }
        }
        assert_eq!(keys, [0, 300, 600, 900]);
    }

    #[test]
    fn what_cannot_be_taken_in_time_is_skipped() {
        let now = start();
        let mut pace = Pace::new(10, None);
        pace.handle_open(now);
        pace.take(now);
        assert_eq!(pace.take(now + ms(350)), Some(false));
        assert_eq!(pace.skipped(), 2);
        assert_eq!(pace.poll_timeout(), Some(now + ms(400)), "in step again");
    }

    #[test]
    fn a_connection_that_comes_back_begins_with_a_key_frame() {
        let now = start();
        let mut pace = Pace::new(10, None);
        pace.handle_open(now);
        pace.take(now);
        pace.handle_close();
        assert_eq!(pace.take(now + ms(5000)), None);
        pace.handle_open(now + ms(5000));
        assert_eq!(pace.take(now + ms(5000)), Some(true));
        assert_eq!(pace.skipped(), 0);
    }

    #[test]
    fn the_count_of_frames_is_kept_and_a_source_may_end_before() {
        let now = start();
        let mut pace = Pace::new(10, Some(3));
        pace.handle_open(now);
        assert_eq!(take_all(&mut pace, now, now + ms(10_000)).len(), 3);
        assert!(pace.is_done());
        let mut pace = Pace::new(10, None);
        pace.handle_open(now);
        pace.take(now);
        pace.handle_source_over();
        assert!(pace.is_done() && pace.poll_timeout().is_none());
    }
}
