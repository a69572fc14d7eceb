//! RTP times as times of a run.

use std::time::Duration;

/// Sound is moved where it is further from its picture than this, and no further than that: a
/// sender's reports may be wrong.
const LEAST_SHIFT_NS: i64 = 20_000_000;
const MOST_SHIFT_NS: i64 = 2_000_000_000;
const NANOS: i64 = 1_000_000_000;

/// Where the frames of one track stand.
#[derive(Debug)]
pub(super) struct Timeline {
    clock_rate: i64,
    /// An RTP time, and the ticks of the run that it stands for.
    anchor: Option<(u32, i64)>,
    /// Ticks of the last frame.
    last: Option<i64>,
}

impl Timeline {
    pub(super) fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate: i64::from(clock_rate),
            anchor: None,
            last: None,
        }
    }

    /// A run begins.
    pub(super) fn begin(&mut self) {
        (self.anchor, self.last) = (None, None);
    }

    /// Ticks since the run began; none where that is not after the frame before. The first frame
    /// stands where it arrived, the others by their RTP times, moved to `synchronous_ns` where
    /// sender's reports say that they belong there.
    pub(super) fn place(
        &mut self,
        time: u32,
        arrived: Duration,
        synchronous_ns: Option<i64>,
    ) -> Option<u64> {
        let arrived = self.ticks(i64::try_from(arrived.as_nanos()).unwrap_or(i64::MAX));
        let (anchor_time, anchor_at) = *self.anchor.get_or_insert((time, arrived));
        // Frames are less than half of the numbers' circle apart.
        let ticks = i64::from(time.wrapping_sub(anchor_time).cast_signed());
        let mut at = anchor_at + ticks;
        if let Some(wanted) = synchronous_ns.map(|wanted_ns| self.ticks(wanted_ns)) {
            let off = (wanted - at).abs();
            if off >= self.ticks(LEAST_SHIFT_NS) && off <= self.ticks(MOST_SHIFT_NS) {
                at = wanted;
            }
        }
        if at < 0 || self.last.is_some_and(|last| at <= last) {
            // The clock goes on all the same.
            if self.last.is_none() {
                self.anchor = Some((time, at));
            }
            return None;
        }
        self.anchor = Some((time, at));
        self.last = Some(at);
        u64::try_from(at).ok()
    }

    fn ticks(&self, span_ns: i64) -> i64 {
        let (seconds, rest_ns) = (span_ns / NANOS, span_ns % NANOS);
        seconds * self.clock_rate + rest_ns * self.clock_rate / NANOS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn frames_stand_where_the_senders_clock_says() {
        let mut picture = Timeline::new(90_000);
        let first = u32::MAX - 1000;
        assert_eq!(picture.place(first, ms(0), None), Some(0));
        let second = first.wrapping_add(3000);
        assert_eq!(picture.place(second, ms(70), None), Some(3000), "late");
        assert_eq!(picture.place(second, ms(71), None), None, "again");
        assert_eq!(picture.place(first, ms(72), None), None, "before");
    }

    #[test]
    fn sound_that_began_later_stands_later() {
        let mut sound = Timeline::new(48_000);
        assert_eq!(sound.place(7, ms(100), None), Some(4800));
        assert_eq!(sound.place(967, ms(180), None), Some(5760));
    }

    #[test]
    fn reports_move_sound_to_its_picture() {
        let mut sound = Timeline::new(48_000);
        sound.place(0, ms(0), None);
        let at = |ms: i64| Some(ms * 1_000_000);
        assert_eq!(sound.place(960, ms(20), at(30)), Some(960), "near enough");
        assert_eq!(sound.place(1920, ms(40), at(140)), Some(6720), "moved");
        assert_eq!(
            sound.place(2880, ms(60), at(160)),
            Some(7680),
            "stays there"
        );
        assert_eq!(sound.place(3840, ms(80), at(60)), None, "back: dropped");
        assert_eq!(sound.place(4800, ms(100), at(9000)), Some(9600), "nonsense");
    }
}
