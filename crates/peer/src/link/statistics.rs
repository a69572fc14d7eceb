//! How a link runs and how it came up (`docs/protocol.md`, Telemetry): for whoever uses it, for the
//! peer every two seconds, and by the shell for the server.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::cbor::Value;
use str0m::stats::{MediaIngressStats, PeerStats};

use super::LinkCore;
use super::output::Path;
use crate::ctl::RoundTrip;

/// How often the peer hears of this side's figures.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_secs(2);
/// RTP's clock for video (RFC 6184 §8.1): ticks of a second.
const VIDEO_CLOCK_HZ: f64 = 90_000.0;

/// How a link runs. Totals are of the connection there is, or was.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Statistics {
    /// The path in use.
    pub path: Option<Path>,
    /// Round trip of the path: the last consent check (RFC 7675).
    pub rtt: Option<Duration>,
    /// Round trips over the channel `ctl`.
    pub channel_rtt: Option<RoundTrip>,
    /// Of the video that comes (RFC 3550 §6.4.1).
    pub jitter: Option<Duration>,
    /// Of the video that comes, 0 to 1.
    pub loss_ratio: Option<f64>,
    /// Bytes of RTP that this side sent.
    pub media_bytes: u64,
    /// Bytes on data channels that this side sent.
    pub data_bytes: u64,
}

/// How long a connection took to come up, each part where both its ends were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetUp {
    /// From the offer to its answer.
    pub offer_to_answer: Option<Duration>,
    /// From the answer to a path.
    pub answer_to_connected: Option<Duration>,
    /// From the path to the first frame that may flow.
    pub connected_to_channel: Option<Duration>,
}

impl Statistics {
    /// As the peer gets them; the names and units of telemetry.
    fn as_frame(&self) -> BTreeMap<String, Value> {
        let mut frame = BTreeMap::new();
        let mut put = |name: &str, value: Value| frame.insert(name.to_owned(), value);
        let ms = |duration: Duration| Value::Float(duration.as_secs_f64() * 1000.0);
        let count = |total: u64| Value::Integer(i64::try_from(total).unwrap_or(i64::MAX));
        if let Some(rtt) = self.rtt {
            put("rttMs", ms(rtt));
        }
        if let Some(jitter) = self.jitter {
            put("jitterMs", ms(jitter));
        }
        if let Some(ratio) = self.loss_ratio {
            put("lossRatio", Value::Float(ratio));
        }
        if let Some(trip) = self.channel_rtt {
            let all = [("p50", trip.p50), ("p95", trip.p95), ("p99", trip.p99)];
            let all = all.map(|(name, trip)| (name.to_owned(), ms(trip)));
            put("channelRttMs", Value::Map(all.into()));
        }
        put("mediaBytes", count(self.media_bytes));
        put("dataBytes", count(self.data_bytes));
        frame
    }
}

/// What str0m measured of one connection.
#[derive(Debug, Default)]
pub(super) struct Meter {
    rtt: Option<Duration>,
    jitter: Option<Duration>,
    loss_ratio: Option<f64>,
    media_bytes: u64,
}

impl Meter {
    pub(super) fn take(&mut self, stats: &PeerStats) {
        let pair = stats.selected_candidate_pair.as_ref();
        self.rtt = pair
            .and_then(|pair| pair.current_round_trip_time)
            .or(self.rtt);
        self.loss_ratio = stats
            .ingress_loss_fraction
            .map(f64::from)
            .or(self.loss_ratio);
        self.media_bytes = stats.bytes_tx;
    }

    pub(super) fn take_ingress(&mut self, stats: &MediaIngressStats) {
        let seconds = f64::from(stats.jitter) / VIDEO_CLOCK_HZ;
        self.jitter = Some(Duration::from_secs_f64(seconds));
    }

    pub(super) fn read(&self, path: Option<Path>, data_bytes: u64) -> Statistics {
        Statistics {
            path,
            rtt: self.rtt,
            channel_rtt: None,
            jitter: self.jitter,
            loss_ratio: self.loss_ratio,
            media_bytes: self.media_bytes,
            data_bytes,
        }
    }
}

/// When a connection reached what.
#[derive(Debug, Default)]
pub(super) struct Laps {
    offered: Option<Instant>,
    answered: Option<Instant>,
    connected: Option<Instant>,
}

impl Laps {
    /// An offer went or came; only the first counts.
    pub(super) fn offer(&mut self, now: Instant) {
        self.offered.get_or_insert(now);
    }

    pub(super) fn answer(&mut self, now: Instant) {
        self.answered.get_or_insert(now);
    }

    pub(super) fn connect(&mut self, now: Instant) {
        self.connected.get_or_insert(now);
    }

    /// Frames may flow from now on.
    pub(super) fn open(&self, now: Instant) -> SetUp {
        let between = |from: Option<Instant>, to: Option<Instant>| Some(to?.duration_since(from?));
        SetUp {
            offer_to_answer: between(self.offered, self.answered),
            answer_to_connected: between(self.answered, self.connected),
            connected_to_channel: between(self.connected, Some(now)),
        }
    }
}

impl LinkCore {
    /// How the link runs now; without a connection, how the last one ran.
    pub fn statistics(&self) -> Statistics {
        match &self.connection {
            Some(connection) => Statistics {
                channel_rtt: self.round_trip(),
                ..connection.statistics()
            },
            None => self.last_statistics.clone(),
        }
    }

    /// Tells the peer, when it is time.
    pub(super) fn report(&mut self, now: Instant) {
        if self.report_at.is_none_or(|due| now < due) {
            return;
        }
        self.report_at = Some(now + REPORT_INTERVAL);
        let frame = self.statistics().as_frame();
        if let Some(ctl) = &mut self.ctl {
            let sent = ctl.report(frame);
            debug_assert!(sent.is_ok(), "eight numbers fit a frame");
        }
    }
}
