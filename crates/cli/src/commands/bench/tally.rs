//! What viewers got: each for itself, and all together.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use whip::{MediaKind, Packet};

/// A picture that stands still for longer than that froze.
const FREEZE: Duration = Duration::from_millis(500);

/// What one viewer got.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// From its first request to its first packet; none where nothing came.
    set_up: Option<Duration>,
    packets: u64,
    bytes: u64,
    /// Numbers of the picture's packets, first and last, and how many came.
    numbers: Option<(u64, u64, u64)>,
    /// Numbers that never came, of sessions that broke.
    missing: u64,
    last_at: Option<Instant>,
    freezes: u64,
    longest_pause: Duration,
    losses: u64,
    pub(super) failure: Option<String>,
}

impl Tally {
    /// Of a viewer that came to nothing.
    pub(super) fn failed(why: String) -> Self {
        Self {
            failure: Some(why),
            ..Self::default()
        }
    }

    pub(super) fn handle_set_up(&mut self, took: Duration) {
        self.set_up = Some(took);
    }

    /// Counts from here on.
    pub(super) fn begin(&mut self) {
        *self = Self {
            set_up: self.set_up,
            failure: self.failure.take(),
            ..Self::default()
        };
    }

    pub(super) fn handle_packet(&mut self, packet: &Packet) {
        self.packets += 1;
        self.bytes += packet.payload.len() as u64;
        if packet.kind != MediaKind::Video {
            return;
        }
        let number = packet.number;
        let (first, last, came) = self.numbers.unwrap_or((number, number, 0));
        self.numbers = Some((first.min(number), last.max(number), came + 1));
        let now = packet.heard_at;
        if let Some(last_at) = self.last_at {
            let pause = now.saturating_duration_since(last_at);
            self.freezes += u64::from(pause > FREEZE);
            self.longest_pause = self.longest_pause.max(pause);
        }
        self.last_at = Some(now);
    }

    /// The session broke; the next one has numbers of its own.
    pub(super) fn handle_lost(&mut self, why: String) {
        self.missing = self.missing();
        self.numbers = None;
        self.last_at = None;
        self.losses += 1;
        self.failure = Some(why);
    }

    fn missing(&self) -> u64 {
        let open = self.numbers.map_or(0, |(first, last, came)| {
            (last + 1 - first).saturating_sub(came)
        });
        self.missing + open
    }
}

/// What all of them got.
#[derive(Debug, Default)]
pub(super) struct Summary {
    viewers: usize,
    pub(super) failed: usize,
    /// Why one of them got nothing.
    pub(super) failure: Option<String>,
    /// Sorted.
    set_ups_ms: Vec<u64>,
    packets: u64,
    missing: u64,
    bits_per_second: u64,
    /// Of the viewer that got least.
    least_bits_per_second: u64,
    freezes: u64,
    longest_pause_ms: u64,
    losses: u64,
}

impl Summary {
    pub(super) fn of(tallies: &[Tally], span: Duration) -> Self {
        let rate = |bytes: u64| (bytes as f64 * 8.0 / span.as_secs_f64()) as u64;
        let set_up = tallies.iter().filter_map(|tally| tally.set_up);
        let mut set_ups_ms: Vec<_> = set_up.map(|took| took.as_millis() as u64).collect();
        set_ups_ms.sort_unstable();
        let failed = tallies.iter().filter(|tally| tally.packets == 0);
        let sum = |figure: fn(&Tally) -> u64| tallies.iter().map(figure).sum::<u64>();
        let longest = tallies.iter().map(|tally| tally.longest_pause).max();
        Self {
            viewers: tallies.len(),
            failed: failed.clone().count(),
            failure: failed.clone().find_map(|tally| tally.failure.clone()),
            set_ups_ms,
            packets: sum(|tally| tally.packets),
            missing: sum(Tally::missing),
            bits_per_second: rate(sum(|tally| tally.bytes)),
            least_bits_per_second: rate(tallies.iter().map(|tally| tally.bytes).min().unwrap_or(0)),
            freezes: sum(|tally| tally.freezes),
            longest_pause_ms: longest.unwrap_or_default().as_millis() as u64,
            losses: sum(|tally| tally.losses),
        }
    }

    /// The set-up time that this share of the viewers did not exceed.
    fn set_up_ms(&self, percent: usize) -> Option<u64> {
        let last = self.set_ups_ms.len().checked_sub(1)?;
        self.set_ups_ms.get(last * percent / 100).copied()
    }

    /// Share of the picture's packets that never came, in percent.
    fn loss_percent(&self) -> f64 {
        let all = (self.packets + self.missing).max(1);
        self.missing as f64 * 100.0 / all as f64
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "event": "bench",
            "viewers": self.viewers,
            "failed": self.failed,
            "setUpMs": {
                "first": self.set_up_ms(0), "p50": self.set_up_ms(50),
                "p95": self.set_up_ms(95), "last": self.set_up_ms(100),
            },
            "packets": self.packets,
            "missing": self.missing,
            "lossPercent": (self.loss_percent() * 1000.0).round() / 1000.0,
            "bitsPerSecond": self.bits_per_second,
            "leastBitsPerSecond": self.least_bits_per_second,
            "freezes": self.freezes,
            "longestPauseMs": self.longest_pause_ms,
            "lost": self.losses,
        })
    }

    pub(super) fn rows(&self) -> Vec<Vec<String>> {
        let ms = |percent| {
            let figure = self.set_up_ms(percent);
            figure.map_or("–".to_owned(), |ms| format!("{ms} ms"))
        };
        let rate = |bits: u64| format!("{} kbit/s", bits / 1000);
        let rows = [
            ("viewers", self.viewers.to_string()),
            ("  that got nothing", self.failed.to_string()),
            ("first packet: fastest", ms(0)),
            ("  half of them", ms(50)),
            ("  95 of 100", ms(95)),
            ("  slowest", ms(100)),
            ("packets", self.packets.to_string()),
            (
                "  missing",
                format!("{} ({:.3} %)", self.missing, self.loss_percent()),
            ),
            ("bitrate: all", rate(self.bits_per_second)),
            ("  who got least", rate(self.least_bits_per_second)),
            ("freezes over 500 ms", self.freezes.to_string()),
            ("longest pause", format!("{} ms", self.longest_pause_ms)),
            ("sessions that broke", self.losses.to_string()),
        ];
        rows.map(|(what, figure)| vec![what.to_owned(), figure])
            .to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u64, heard_at: Instant) -> Packet {
        Packet {
            kind: MediaKind::Video,
            codec: None,
            number,
            time: 0,
            marker: false,
            heard_at,
            payload: vec![0; 1000].into(),
        }
    }

    #[test]
    fn what_never_came_is_missing_also_of_a_session_that_broke() {
        let (mut tally, now) = (Tally::default(), Instant::now());
        for number in [7, 9, 8, 11] {
            tally.handle_packet(&packet(number, now));
        }
        assert_eq!(tally.missing(), 1);
        tally.handle_lost("it broke".to_owned());
        tally.handle_packet(&packet(500, now + FREEZE * 3));
        assert_eq!((tally.missing(), tally.freezes), (1, 0));
        tally.handle_packet(&packet(501, now + FREEZE * 3 + FREEZE));
        assert_eq!(tally.freezes, 0);
        tally.handle_packet(&packet(502, now + FREEZE * 6));
        assert_eq!(tally.freezes, 1);
        tally.begin();
        assert_eq!((tally.missing(), tally.packets, tally.freezes), (0, 0, 0));
    }

    #[test]
    fn a_viewer_that_got_nothing_failed_and_the_others_are_added_up() {
        let now = Instant::now();
        let mut tallies: Vec<_> = (1..=20).map(|_| Tally::default()).collect();
        for (at, tally) in tallies.iter_mut().enumerate().skip(1) {
            tally.handle_set_up(Duration::from_millis(at as u64 * 10));
            tally.handle_packet(&packet(1, now));
        }
        tallies[0].failure = Some("no path".to_owned());
        let summary = Summary::of(&tallies, Duration::from_secs(1));
        assert_eq!((summary.viewers, summary.failed), (20, 1));
        assert_eq!(summary.failure.as_deref(), Some("no path"));
        assert_eq!(summary.set_up_ms(0), Some(10));
        assert_eq!(summary.set_up_ms(50), Some(100));
        assert_eq!(summary.set_up_ms(100), Some(190));
        assert_eq!(summary.bits_per_second, 19 * 8000);
        assert_eq!(summary.least_bits_per_second, 0);
        assert_eq!(Summary::of(&[], Duration::from_secs(1)).set_up_ms(50), None);
    }
}
