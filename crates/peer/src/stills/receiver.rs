//! Which picture is which still, and when to ask for one again, as a pure state machine.
//!
//! It decodes nothing: commands and decoded pictures come in, stills and orders go out. A still is
//! handed on as it arrives, once. The wire is that of the browser SDK (`docs/protocol.md`,
//! Commands).

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use protocol::cbor::Value;

use super::picture::Picture;

/// How many stills are kept by default.
pub const DEFAULT_KEEP: usize = 20;
/// A picture and its announcement travel apart; this far apart they still belong together.
const TOGETHER: Duration = Duration::from_millis(700);
/// Beyond a round trip of silence an announced still is missing; reordering and pacing take this.
const MARGIN: Duration = Duration::from_millis(50);
/// The round trip before one was measured.
const DEFAULT_ROUND_TRIP: Duration = Duration::from_millis(100);
/// A still that trickles in, or seems to, is asked for after this long all the same.
const LONGEST_TRANSFER: Duration = Duration::from_secs(2);
/// How often a still is asked for.
pub(super) const MAX_ASKS: u32 = 6;

/// What the receiver orders and tells.
#[derive(Debug, Clone, PartialEq)]
pub enum ReceiverOutput {
    /// Ask the peer for a key frame (PLI, RFC 4585 §6.3.1).
    AskKeyFrame,
    /// Say this on `ctl`: the command's arguments.
    StillShown(BTreeMap<String, Value>),
    /// A still arrived.
    Still(ReceivedStill),
}

/// A still, as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedStill {
    /// The sender's number.
    pub seq: u64,
    /// Encoded size.
    pub bytes: usize,
    /// When it arrived: its age counts from here.
    pub arrived_at: Instant,
    /// From the sender's capture to here, as far as known: its encoding, half a round trip, and
    /// the wait after the announcement.
    pub latency: Option<Duration>,
    /// How often it was asked for.
    pub asks: u32,
    /// What it shows.
    pub picture: Picture,
}

struct Announced {
    seq: u64,
    bytes: Option<u64>,
    encode: Duration,
    at: Instant,
    asks: u32,
    ask_at: Option<Instant>,
}

struct Unclaimed {
    picture: Picture,
    bytes: usize,
    at: Instant,
}

/// Receives the stills of one video section.
pub struct StillsReceiver {
    keep: usize,
    kept: VecDeque<ReceivedStill>,
    announced: Option<Announced>,
    unclaimed: Option<Unclaimed>,
    last_seq: Option<u64>,
    /// The encoded size of the last still, as its sender announced it.
    last_bytes: Option<u64>,
    round_trip: Option<Duration>,
    asked_at: Option<Instant>,
    outputs: VecDeque<ReceiverOutput>,
}

impl StillsReceiver {
    /// Keeps the last `keep` stills.
    pub fn new(keep: usize) -> Self {
        Self {
            keep,
            kept: VecDeque::new(),
            announced: None,
            unclaimed: None,
            last_seq: None,
            last_bytes: None,
            round_trip: None,
            asked_at: None,
            outputs: VecDeque::new(),
        }
    }

    /// The last stills, newest first.
    pub fn kept(&self) -> impl Iterator<Item = &ReceivedStill> {
        self.kept.iter()
    }

    /// The round trip of the control channel, as last measured.
    pub fn handle_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = Some(round_trip);
    }

    /// A command of the peer; others than `still` mean nothing here.
    pub fn handle_command(&mut self, name: &str, args: &BTreeMap<String, Value>, now: Instant) {
        let whole = |name| match args.get(name) {
            Some(Value::Integer(number)) => u64::try_from(*number).ok(),
            _ => None,
        };
        let Some(seq) = whole("seq").filter(|_| name == "still") else {
            return;
        };
        if self.last_seq == Some(seq) {
            // The sender missed our word, and sends the picture again.
            self.unclaimed = None;
            return self.tell_shown(seq, Duration::ZERO);
        }
        if self.announced.as_ref().is_some_and(|each| each.seq == seq) {
            return;
        }
        let encode = Duration::from_millis(whole("encodeMs").unwrap_or(0).min(60_000));
        self.announced = Some(Announced {
            seq,
            bytes: whole("bytes"),
            encode,
            at: now,
            asks: 0,
            ask_at: Some(now + self.patience()),
        });
        self.claim(now);
    }

    /// A picture of the section was decoded; `bytes` is its encoded size.
    pub fn handle_picture(&mut self, picture: Picture, bytes: usize, now: Instant) {
        if self.is_echo(&picture, bytes) {
            return;
        }
        self.unclaimed = Some(Unclaimed {
            picture,
            bytes,
            at: now,
        });
        self.claim(now);
    }

    /// A frame came that cannot be decoded: asks at once, unless the answer to the last question
    /// may still be under way.
    pub fn handle_damage(&mut self, now: Instant) {
        let patience = self.patience();
        let ask_at = self.asked_at.map_or(now, |asked| now.max(asked + patience));
        if let Some(announced) = &mut self.announced {
            announced.ask_at = Some(ask_at);
            self.handle_timeout(now);
        } else if ask_at <= now {
            self.ask(now);
        }
    }

    /// A packet of the section came, whole frame or not: what is under way is not missing.
    pub fn handle_packet(&mut self, now: Instant) {
        let quiet_at = now + self.patience();
        if let Some(announced) = &mut self.announced
            && let Some(ask_at) = announced.ask_at
        {
            let latest = ask_at.max(announced.at + LONGEST_TRANSFER);
            announced.ask_at = Some(quiet_at.clamp(ask_at, latest));
        }
    }

    /// The connection is gone, and with it what was announced on it.
    pub fn handle_close(&mut self) {
        self.announced = None;
        self.unclaimed = None;
        self.last_seq = None;
    }

    /// The next order.
    pub fn poll_output(&mut self) -> Option<ReceiverOutput> {
        self.outputs.pop_front()
    }

    /// When [`StillsReceiver::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.announced.as_ref().and_then(|each| each.ask_at)
    }

    /// It is that time, or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        let patience = self.patience();
        let Some(announced) = &mut self.announced else {
            return;
        };
        if announced.ask_at.is_none_or(|at| at > now) {
            return;
        }
        announced.asks += 1;
        let is_last = announced.asks == MAX_ASKS;
        announced.ask_at = (!is_last).then(|| now + patience * announced.asks.min(4) * 2);
        self.ask(now);
    }

    fn ask(&mut self, now: Instant) {
        self.asked_at = Some(now);
        self.outputs.push_back(ReceiverOutput::AskKeyFrame);
    }

    /// How long an announced still may stay silent.
    fn patience(&self) -> Duration {
        self.round_trip.unwrap_or(DEFAULT_ROUND_TRIP) + MARGIN
    }

    /// Hands the picture on where it and its announcement are here.
    fn claim(&mut self, now: Instant) {
        self.unclaimed
            .take_if(|picture| now > picture.at + TOGETHER);
        let (Some(announced), Some(_)) = (&self.announced, &self.unclaimed) else {
            return;
        };
        let latency = self
            .round_trip
            .map(|trip| announced.encode + trip / 2 + now.saturating_duration_since(announced.at));
        let (Some(announced), Some(unclaimed)) = (self.announced.take(), self.unclaimed.take())
        else {
            return;
        };
        let still = ReceivedStill {
            seq: announced.seq,
            bytes: unclaimed.bytes,
            arrived_at: now,
            latency,
            asks: announced.asks,
            picture: unclaimed.picture,
        };
        (self.last_seq, self.last_bytes) = (Some(announced.seq), announced.bytes);
        self.tell_shown(announced.seq, now.saturating_duration_since(announced.at));
        self.kept.push_front(still.clone());
        self.kept.truncate(self.keep);
        self.outputs.push_back(ReceiverOutput::Still(still));
    }

    /// Whether this is the last still's picture again, because its sender missed our word: it must
    /// not pass for the next still. That of a scene which stands still has the same size.
    fn is_echo(&self, picture: &Picture, bytes: usize) -> bool {
        let next_differs = self
            .announced
            .as_ref()
            .is_none_or(|next| next.bytes != self.last_bytes);
        next_differs
            && self.last_seq.is_some()
            && self
                .kept
                .front()
                .is_some_and(|last| last.bytes == bytes && last.picture == *picture)
    }

    fn tell_shown(&mut self, seq: u64, waited: Duration) {
        let figures = [("seq", seq), ("ms", waited.as_millis() as u64)];
        let args = figures.map(|(name, value)| (name.to_owned(), Value::Integer(value as i64)));
        self.outputs
            .push_back(ReceiverOutput::StillShown(args.into()));
    }
}

#[cfg(test)]
mod tests;
