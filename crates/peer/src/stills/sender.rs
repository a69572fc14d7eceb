//! When stills are sent, announced and sent again, as a pure state machine.
//!
//! It never sees a picture: it orders captures, takes the encoded bytes, and orders what to say and
//! to send. The wire is that of the browser SDK (`docs/protocol.md`, Commands).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::cbor::Value;

pub use output::{SenderOutput, SentStill};

use super::{STILL_HEIGHT, STILL_LIMIT_BYTES, STILL_WIDTH};

mod output;

/// How often a still is sent by default.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(3);
/// Without word that it is on the screen a still goes again after two round trips, within these.
const SHORTEST_WAIT: Duration = Duration::from_millis(300);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// What is asked for within a round trip of a frame was asked before it arrived; this is the
/// shortest.
const SHORTEST_GAP: Duration = Duration::from_millis(50);
/// Beyond a round trip without word the announcement may be lost: it goes again, alone, since the
/// frame's packets are repaired below.
const ANNOUNCE_MARGIN: Duration = Duration::from_millis(50);
/// The round trip before one was measured.
const DEFAULT_ROUND_TRIP: Duration = Duration::from_millis(100);
/// How often one still is sent again before the next one has to do.
pub(super) const MAX_RESENDS: u32 = 6;

struct Current {
    seq: u32,
    captured_at: Instant,
    frame: Arc<[u8]>,
    encode: Duration,
    sent_at: Instant,
    /// When it is announced again.
    announce_at: Option<Instant>,
    /// When it goes again without the peer having asked.
    echo_at: Option<Instant>,
    /// The peer asked for a key frame, too soon after the last one.
    asked_at: Option<Instant>,
    resends: u32,
    shown: Option<Duration>,
}

/// Sends a still every interval while the video section is open.
pub struct StillsSender {
    interval: Duration,
    /// How many are still to be captured; unlimited without a number.
    left: Option<u32>,
    is_open: bool,
    seq: u32,
    capture_at: Option<Instant>,
    capturing: Option<(u32, Instant)>,
    current: Option<Current>,
    round_trip: Option<Duration>,
    outputs: VecDeque<SenderOutput>,
}

impl StillsSender {
    /// Waits for [`StillsSender::handle_open`]; sends `count` stills, or until it is dropped.
    pub fn new(interval: Duration, count: Option<u32>) -> Self {
        Self {
            interval,
            left: count,
            is_open: false,
            seq: 0,
            capture_at: None,
            capturing: None,
            current: None,
            round_trip: None,
            outputs: VecDeque::new(),
        }
    }

    /// Whether every still that was wanted has been sent, and shown or given up.
    pub fn is_done(&self) -> bool {
        self.left == Some(0) && self.capturing.is_none() && self.current.is_none()
    }

    /// The video section is negotiated and frames flow; a still goes at once.
    pub fn handle_open(&mut self, now: Instant) {
        if self.is_open {
            return;
        }
        self.is_open = true;
        self.capture_at = Some(now);
        if let Some(current) = self.current.as_mut().filter(|_| self.left == Some(0)) {
            // No other takes its place.
            current.echo_at = Some(now);
        }
        self.handle_timeout(now);
    }

    /// The connection is gone; what was under way goes again on the next one.
    pub fn handle_close(&mut self) {
        self.is_open = false;
        self.capture_at = None;
        if let Some(current) = &mut self.current {
            current.announce_at = None;
            current.echo_at = None;
            current.asked_at = None;
        }
    }

    /// Sends one now, not at the end of the interval.
    pub fn hurry(&mut self, now: Instant) {
        if self.is_open {
            self.capture_at = Some(now);
            self.handle_timeout(now);
        }
    }

    /// The round trip of the control channel, as last measured.
    pub fn handle_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = Some(round_trip);
    }

    /// The picture of this order is encoded. One above [`STILL_LIMIT_BYTES`] is dropped.
    pub fn handle_encoded(&mut self, seq: u32, access_unit: Vec<u8>, now: Instant) {
        let Some((_, captured_at)) = self.capturing.filter(|(wanted, _)| *wanted == seq) else {
            return;
        };
        self.capturing = None;
        if access_unit.len() > STILL_LIMIT_BYTES {
            return;
        }
        self.give_up();
        self.current = Some(Current {
            seq,
            captured_at,
            frame: access_unit.into(),
            encode: now.saturating_duration_since(captured_at),
            sent_at: now,
            announce_at: None,
            echo_at: None,
            asked_at: None,
            resends: 0,
            shown: None,
        });
        if self.is_open {
            self.send(now);
        }
    }

    /// The picture of this order could not be taken or encoded.
    pub fn handle_capture_failed(&mut self, seq: u32) {
        if self.capturing.is_some_and(|(wanted, _)| wanted == seq) {
            self.capturing = None;
        }
    }

    /// There is no picture for this order, nor for any later one.
    pub fn handle_source_over(&mut self, seq: u32) {
        self.handle_capture_failed(seq);
        self.left = Some(0);
    }

    /// A command of the peer; others than `still-shown` mean nothing here.
    pub fn handle_command(&mut self, name: &str, args: &BTreeMap<String, Value>, now: Instant) {
        let seq = match args.get("seq") {
            Some(Value::Integer(seq)) if name == "still-shown" => *seq,
            _ => return,
        };
        let Some(current) = self.current.as_mut() else {
            return;
        };
        if i64::from(current.seq) == seq && current.shown.is_none() {
            current.shown = Some(now.saturating_duration_since(current.captured_at));
            self.give_up();
        }
    }

    /// The peer's picture is damaged (PLI, RFC 4585 §6.3.1): the still goes again.
    pub fn handle_key_frame_request(&mut self, now: Instant) {
        let Some(current) = self.current.as_mut().filter(|_| self.is_open) else {
            return;
        };
        let gap = self.round_trip.unwrap_or(DEFAULT_ROUND_TRIP);
        current.asked_at = Some(now.max(current.sent_at + gap.max(SHORTEST_GAP)));
        self.handle_timeout(now);
    }

    /// The next order.
    pub fn poll_output(&mut self) -> Option<SenderOutput> {
        self.outputs.pop_front()
    }

    /// When [`StillsSender::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let capture_at = self.capture_at.filter(|_| self.may_capture());
        let current = self.current.as_ref();
        let again = current.and_then(|current| soonest(current.echo_at, current.asked_at));
        let announce_at = current.and_then(|current| current.announce_at);
        soonest(capture_at, soonest(again, announce_at))
    }

    /// It is that time, or later.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.capture_at.is_some_and(|at| at <= now) && self.may_capture() {
            self.capture(now);
        }
        let Some(current) = &mut self.current else {
            return;
        };
        let again = soonest(current.echo_at, current.asked_at);
        if again.is_none_or(|at| at > now) {
            if current.announce_at.take_if(|at| *at <= now).is_some() {
                self.announce();
            }
            return;
        }
        if current.resends < MAX_RESENDS {
            current.resends += 1;
            self.send(now);
        } else {
            self.give_up();
        }
    }

    fn may_capture(&self) -> bool {
        self.is_open && self.capturing.is_none() && self.left != Some(0)
    }

    fn capture(&mut self, now: Instant) {
        self.seq += 1;
        self.left = self.left.map(|left| left - 1);
        self.capturing = Some((self.seq, now));
        self.capture_at = Some(now + self.interval);
        let seq = self.seq;
        self.outputs.push_back(SenderOutput::Capture { seq });
    }

    /// Announced each time: a command may be lost like any packet.
    fn send(&mut self, now: Instant) {
        self.announce();
        let wait = self.round_trip.unwrap_or_default() * 2;
        let Some(current) = &mut self.current else {
            return;
        };
        current.sent_at = now;
        current.asked_at = None;
        let round_trip = self.round_trip.unwrap_or(DEFAULT_ROUND_TRIP);
        current.announce_at = Some(now + round_trip + ANNOUNCE_MARGIN);
        current.echo_at = Some(now + wait.clamp(SHORTEST_WAIT, LONGEST_WAIT));
        let frame = SenderOutput::Frame(current.frame.clone());
        self.outputs.push_back(frame);
    }

    fn announce(&mut self) {
        let Some(current) = &self.current else {
            return;
        };
        let figures = [
            ("seq", i64::from(current.seq)),
            ("bytes", current.frame.len() as i64),
            ("width", i64::from(STILL_WIDTH)),
            ("height", i64::from(STILL_HEIGHT)),
            ("encodeMs", current.encode.as_millis() as i64),
        ];
        let args = figures.map(|(name, value)| (name.to_owned(), Value::Integer(value)));
        self.outputs.push_back(SenderOutput::Announce(args.into()));
    }

    /// The current still is over, shown or not.
    fn give_up(&mut self) {
        let Some(current) = self.current.take() else {
            return;
        };
        self.outputs.push_back(SenderOutput::Sent(SentStill {
            seq: current.seq,
            bytes: current.frame.len(),
            encode: current.encode,
            shown: current.shown,
            resends: current.resends,
        }));
    }
}

fn soonest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    a.into_iter().chain(b).min()
}

#[cfg(test)]
mod tests;
