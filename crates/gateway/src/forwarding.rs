//! Where a packet of the publisher's track stands in a viewer's: its number and its time.
//!
//! Viewers see one unbroken track, whoever publishes it and whenever they joined.

use std::time::Instant;

use crate::layer_choice::Layer;

/// RTP clock ticks that the picture moves on where nothing says how many.
const LEAST_STEP: u32 = 1;

/// Number and time of a packet as a viewer gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Extended sequence number. Begins below 65536: the viewer guesses the rest (RFC 3711 §3.3.1).
    pub(crate) seq: u64,
    pub(crate) time: u32,
}

/// Whose clock packets carry: that of an encoding of a publication.
pub(crate) type Source = (u64, Layer);

/// The forwarding of one track to one viewer.
#[derive(Debug, Default)]
pub(crate) struct Forwarding {
    /// Where the present run began: at the publisher, and at the viewer.
    run: Option<(u64, u64)>,
    /// The next number that nothing was sent with.
    next_seq: u64,
    time_shift: u32,
    last: Option<(u32, Instant)>,
    /// Whose clock the time was aligned to.
    source: Option<Source>,
}

impl Forwarding {
    /// Whether packets flow.
    pub(crate) fn is_running(&self) -> bool {
        self.run.is_some()
    }

    /// What comes next may not follow from what was.
    pub(crate) fn pause(&mut self) {
        self.run = None;
    }

    /// Lets packets flow from this one on, in the place of those that flow. `clock_rate` is in
    /// hertz.
    pub(crate) fn begin(
        &mut self,
        source: Source,
        (seq, time): (u64, u32),
        clock_rate: u32,
        now: Instant,
    ) {
        self.run = Some((seq, self.next_seq.max(1)));
        if self.source.replace(source) == Some(source) {
            return;
        }
        if let Some((last_time, last_at)) = self.last {
            let elapsed = now.saturating_duration_since(last_at).as_secs_f64();
            // Rounded towards zero: less than a tick.
            let ticks = (elapsed * f64::from(clock_rate)) as u32;
            let due = last_time.wrapping_add(ticks.max(LEAST_STEP));
            self.time_shift = due.wrapping_sub(time);
        }
    }

    /// The place of a packet; none where nothing flows or the packet is older than the run.
    pub(crate) fn place(&mut self, seq: u64, time: u32, now: Instant) -> Option<Placed> {
        let (from, to) = self.run?;
        let seq = to + seq.checked_sub(from)?;
        let time = time.wrapping_add(self.time_shift);
        if seq >= self.next_seq {
            self.next_seq = seq + 1;
            self.last = Some((time, now));
        }
        Some(Placed { seq, time })
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
mod tests {
    use std::time::Duration;

    use super::*;

    const VIDEO: u32 = 90_000;

    fn placed(seq: u64, time: u32) -> Option<Placed> {
        Some(Placed { seq, time })
    }

    #[test]
    fn a_viewer_who_joins_late_counts_from_one() {
        let (mut track, now) = (Forwarding::default(), Instant::now());
        assert_eq!(track.place(70_000, 5, now), None);
        track.begin((1, 0), (70_000, 1000), VIDEO, now);
        assert_eq!(track.place(70_000, 1000, now), placed(1, 1000));
        assert_eq!(track.place(70_002, 4000, now), placed(3, 4000));
        assert_eq!(track.place(70_001, 4000, now), placed(2, 4000), "late");
        assert_eq!(track.place(69_999, 900, now), None, "before the beginning");
    }

    #[test]
    fn a_pause_leaves_no_gap_in_the_numbers_and_its_length_in_the_times() {
        let (mut track, now) = (Forwarding::default(), Instant::now());
        track.begin((1, 0), (100, 1000), VIDEO, now);
        track.place(100, 1000, now);
        track.pause();
        assert!(!track.is_running());
        track.begin((1, 0), (160, 91_000), VIDEO, now);
        assert_eq!(track.place(160, 91_000, now), placed(2, 91_000));
    }

    #[test]
    fn another_layer_goes_on_in_the_numbers_and_times_of_the_one_before() {
        let (mut track, now) = (Forwarding::default(), Instant::now());
        track.begin((1, 0), (100, 5000), VIDEO, now);
        track.place(101, 5000, now);
        let later = now + Duration::from_millis(100);
        track.begin((1, 2), (900, 77), VIDEO, later);
        assert_eq!(track.place(900, 77, later), placed(3, 14_000));
        assert_eq!(track.place(901, 3077, later), placed(4, 17_000));
    }

    #[test]
    fn another_publication_goes_on_in_the_viewers_time() {
        let (mut track, now) = (Forwarding::default(), Instant::now());
        track.begin((1, 0), (100, u32::MAX), VIDEO, now);
        track.place(100, u32::MAX, now);
        track.pause();
        let later = now + Duration::from_secs(2);
        track.begin((2, 0), (7, 123), VIDEO, later);
        assert_eq!(track.place(7, 123, later), placed(2, 179_999));
    }
}
