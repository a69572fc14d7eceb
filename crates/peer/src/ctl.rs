//! The conversation on `ctl` and `telemetry` of a link: texts with acks, commands, figures, pings
//! (`docs/protocol.md`, Control frames). It outlives the connections that carry it.
//!
//! Pure: frames and the time come in, frames and events go out. It knows no channel, no key and no
//! peer. Both channels lose, double and reorder; what must arrive is resent here. Drain
//! [`Ctl::poll_transmit`] and [`Ctl::poll_event`] after each call.

mod pings;
mod taken;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use protocol::cbor::Value;
use protocol::control::{ControlFrame, check_text};
use protocol::frame::FrameError;

use pings::Pings;
pub use pings::RoundTrip;
use taken::{Taken, Verdict};

/// How long a text is resent before its sender learns that it failed.
pub const DELIVERY_LIMIT: Duration = Duration::from_secs(3);
/// How many texts may wait for their acks.
pub const MAX_PENDING_TEXTS: usize = 256;
/// How many frames may wait to be sent; more are dropped, and what matters is resent.
pub const MAX_QUEUED_FRAMES: usize = 1024;

const FIRST_RESEND: Duration = Duration::from_millis(200);
const SHORTEST_RESEND: Duration = Duration::from_millis(40);
const LONGEST_RESEND: Duration = Duration::from_millis(800);

/// Which data channel carries a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameChannel {
    /// Unordered, 100 ms.
    Ctl,
    /// Unordered, sent once.
    Telemetry,
}

/// What the conversation brings.
#[derive(Debug, Clone, PartialEq)]
pub enum CtlEvent {
    /// The peer said something; comes once per text.
    Text(String),
    /// The text of this id was acknowledged.
    Delivered(TextId),
    /// The text of this id was not acknowledged within [`DELIVERY_LIMIT`], or before the close, or
    /// before the peer began anew: whether it was shown is not known.
    Undelivered(TextId),
    /// The peer wants something.
    Command {
        /// What.
        name: String,
        /// How.
        args: BTreeMap<String, Value>,
    },
    /// The peer's figures.
    Stats(BTreeMap<String, Value>),
}

/// Names a text that waits for its ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextId(u32);

/// Names one life of a device's end of a link, in which it gives an id once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conversation([u8; 16]);

impl Conversation {
    /// From 16 bytes that nobody drew before.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// As it travels in the proof of keys; none where a peer names nothing that could be read.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// As it travels.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Why a text is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SayError {
    /// Longer than 2000 characters.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// [`MAX_PENDING_TEXTS`] wait already.
    #[error("{MAX_PENDING_TEXTS} texts wait for their acks already")]
    TooManyPending,
}

/// What was dropped, for the figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CtlCounts {
    /// Frames that could not be read.
    pub malformed: u64,
    /// Texts and commands that came again.
    pub duplicates: u64,
    /// Frames that found [`MAX_QUEUED_FRAMES`] before them.
    pub overflowed: u64,
}

struct Pending {
    bytes: Vec<u8>,
    deadline: Instant,
    wait: Duration,
    due: Instant,
}

/// This end of the conversation.
pub struct Ctl {
    /// The peer's, as the connection says that carries it.
    peer: Option<Conversation>,
    next_id: u32,
    pending: BTreeMap<TextId, Pending>,
    taken: Taken,
    pings: Pings,
    frames: VecDeque<(FrameChannel, Vec<u8>)>,
    events: VecDeque<CtlEvent>,
    counts: CtlCounts,
}

impl Ctl {
    /// Begins, with a ping, once frames may flow.
    pub fn new(now: Instant) -> Self {
        let mut ctl = Self {
            peer: None,
            next_id: 0,
            pending: BTreeMap::new(),
            taken: Taken::default(),
            pings: Pings::new(now),
            frames: VecDeque::new(),
            events: VecDeque::new(),
            counts: CtlCounts::default(),
        };
        ctl.handle_timeout(now);
        ctl
    }

    /// Sends a text until it is acknowledged; [`CtlEvent::Delivered`] or
    /// [`CtlEvent::Undelivered`] follows.
    ///
    /// # Errors
    /// [`SayError`] above 2000 characters or [`MAX_PENDING_TEXTS`]; nothing is sent then.
    pub fn say(&mut self, text: &str, now: Instant) -> Result<TextId, SayError> {
        check_text(text)?;
        if self.pending.len() >= MAX_PENDING_TEXTS {
            return Err(SayError::TooManyPending);
        }
        let id = self.take_id();
        let bytes = text_frame(id, text, true).encode()?;
        let wait = self.first_wait();
        let pending = Pending {
            bytes: bytes.clone(),
            deadline: now + DELIVERY_LIMIT,
            wait,
            due: now + wait,
        };
        self.pending.insert(TextId(id), pending);
        self.queue(FrameChannel::Ctl, bytes);
        Ok(TextId(id))
    }

    /// Sends a text once; it arrives, or does not, within 100 ms.
    ///
    /// # Errors
    /// [`FrameError`] above 2000 characters.
    pub fn whisper(&mut self, text: &str) -> Result<(), FrameError> {
        let id = self.take_id();
        self.send(FrameChannel::Ctl, &text_frame(id, text, false))
    }

    /// Sends a command, best effort.
    ///
    /// # Errors
    /// [`FrameError`] when it is too large, too deep, or holds a NaN.
    pub fn command(&mut self, name: &str, args: BTreeMap<String, Value>) -> Result<(), FrameError> {
        let (id, name) = (self.take_id(), name.to_owned());
        self.send(FrameChannel::Ctl, &ControlFrame::Command { id, name, args })
    }

    /// Sends this side's figures, best effort, on `telemetry`.
    ///
    /// # Errors
    /// [`FrameError`] when they are too large, too deep, or hold a NaN.
    pub fn report(&mut self, stats: BTreeMap<String, Value>) -> Result<(), FrameError> {
        let id = self.take_id();
        self.send(FrameChannel::Telemetry, &ControlFrame::Stats { id, stats })
    }

    /// Takes one frame of either channel; what cannot be read is dropped and counted.
    pub fn handle_frame(&mut self, bytes: &[u8], now: Instant) {
        let Ok(frame) = ControlFrame::decode(bytes) else {
            self.counts.malformed += 1;
            return;
        };
        match frame {
            ControlFrame::Text {
                id,
                text,
                wants_ack,
            } => self.handle_text(id, text, wants_ack),
            ControlFrame::Ack { id } => {
                if self.pending.remove(&TextId(id)).is_some() {
                    self.events.push_back(CtlEvent::Delivered(TextId(id)));
                }
            }
            ControlFrame::Ping { id, sent_micros } => {
                self.send_valid(&ControlFrame::Pong { id, sent_micros });
            }
            ControlFrame::Pong { id, sent_micros } => self.pings.handle_pong(id, sent_micros, now),
            ControlFrame::Command { id, name, args } => {
                if self.accept(id) == Verdict::New {
                    self.events.push_back(CtlEvent::Command { name, args });
                }
            }
            ControlFrame::Stats { stats, .. } => self.events.push_back(CtlEvent::Stats(stats)),
        }
    }

    /// The next frame to send, sealed by the caller.
    pub fn poll_transmit(&mut self) -> Option<(FrameChannel, Vec<u8>)> {
        self.frames.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<CtlEvent> {
        self.events.pop_front()
    }

    /// When to call [`Ctl::handle_timeout`].
    pub fn poll_timeout(&self) -> Instant {
        let resends = self.pending.values().map(|pending| pending.due);
        resends.fold(self.pings.due(), Instant::min)
    }

    /// Pings, resends, and gives texts up.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now >= self.pings.due() {
            let id = self.take_id();
            let sent_micros = self.pings.send(id, now);
            self.send_valid(&ControlFrame::Ping { id, sent_micros });
        }
        let due = self.pending.iter().filter(|(_, each)| each.due <= now);
        let due: Vec<TextId> = due.map(|(id, _)| *id).collect();
        for id in due {
            self.resend(id, now);
        }
    }

    /// Another connection carries the conversation. Where the peer goes on with its own, texts
    /// without an ack go out anew, and what comes again is known. A peer that began anew, or does
    /// not say, counts from 0 and knows of nothing: what was not acknowledged has failed.
    pub fn handle_open(&mut self, peer: Option<Conversation>, now: Instant) {
        if peer.is_none() || peer != self.peer {
            self.fail_pending();
            self.taken = Taken::default();
        }
        self.peer = peer;
        self.handle_path(now);
    }

    /// There is a path again, or another one: what was resent meanwhile may all be lost, so that
    /// every text without an ack goes out anew. Its time runs on.
    pub fn handle_path(&mut self, now: Instant) {
        let wait = self.first_wait();
        for pending in self.pending.values_mut() {
            pending.wait = wait;
            pending.due = now;
        }
        self.handle_timeout(now);
    }

    /// The conversation is over: texts without an ack have failed.
    pub fn close(&mut self) {
        self.fail_pending();
        self.frames.clear();
    }

    /// Round trips of the last pings; none before the first pong.
    pub fn round_trip(&self) -> Option<RoundTrip> {
        self.pings.round_trip()
    }

    /// What was dropped.
    pub fn counts(&self) -> CtlCounts {
        self.counts
    }

    fn fail_pending(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let failed = pending.into_keys().map(CtlEvent::Undelivered);
        self.events.extend(failed);
    }

    fn handle_text(&mut self, id: u32, text: String, wants_ack: bool) {
        let verdict = self.accept(id);
        // Acknowledged again when it comes again: the first ack may be what was lost. One that is
        // too old is not: nobody remembers whether it was shown.
        if wants_ack && verdict != Verdict::TooOld {
            self.send_valid(&ControlFrame::Ack { id });
        }
        if verdict == Verdict::New {
            self.events.push_back(CtlEvent::Text(text));
        }
    }

    fn accept(&mut self, id: u32) -> Verdict {
        let verdict = self.taken.accept(id);
        if verdict != Verdict::New {
            self.counts.duplicates += 1;
        }
        verdict
    }

    fn resend(&mut self, id: TextId, now: Instant) {
        let Some(pending) = self.pending.get_mut(&id) else {
            return;
        };
        if now >= pending.deadline {
            self.pending.remove(&id);
            self.events.push_back(CtlEvent::Undelivered(id));
            return;
        }
        pending.wait = LONGEST_RESEND.min(pending.wait * 3 / 2);
        pending.due = pending.deadline.min(now + pending.wait);
        let bytes = pending.bytes.clone();
        self.queue(FrameChannel::Ctl, bytes);
    }

    /// Twice the usual round trip, within bounds.
    fn first_wait(&self) -> Duration {
        self.round_trip().map_or(FIRST_RESEND, |trip| {
            (trip.p95 * 2).clamp(SHORTEST_RESEND, LONGEST_RESEND)
        })
    }

    fn take_id(&mut self) -> u32 {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        id
    }

    fn send(&mut self, channel: FrameChannel, frame: &ControlFrame) -> Result<(), FrameError> {
        let bytes = frame.encode()?;
        self.queue(channel, bytes);
        Ok(())
    }

    /// Sends a frame of numbers.
    fn send_valid(&mut self, frame: &ControlFrame) {
        let bytes = frame.encode().expect("numbers that were read can be sent");
        self.queue(FrameChannel::Ctl, bytes);
    }

    fn queue(&mut self, channel: FrameChannel, bytes: Vec<u8>) {
        if self.frames.len() >= MAX_QUEUED_FRAMES {
            self.counts.overflowed += 1;
        } else {
            self.frames.push_back((channel, bytes));
        }
    }
}

fn text_frame(id: u32, text: &str, wants_ack: bool) -> ControlFrame {
    let text = text.to_owned();
    ControlFrame::Text {
        id,
        text,
        wants_ack,
    }
}

#[cfg(test)]
mod tests;
