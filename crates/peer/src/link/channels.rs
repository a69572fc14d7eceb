//! The data channels of a connection (`docs/protocol.md`, The channels of a link).
//!
//! A message that WebRTC does not take yet waits here; above the limit the sender is told, so
//! that nothing is lost silently.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use str0m::channel::{ChannelConfig, ChannelId, Reliability};

use super::rtc::DrainedRtc;
use super::window::Window;

/// What waits for one channel, in bytes, before a sender is told to wait as well.
pub(crate) const MAX_QUEUED_BYTES: usize = 256 * 1024;

/// A channel of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// The handshake that proves both keys.
    Noise,
    /// Control frames.
    Ctl,
    /// Statistics.
    Telemetry,
    /// Files; secured links only.
    File,
    /// A language model's answers; secured links only.
    Llm,
}

impl Label {
    const ALL: [Label; 5] = [
        Label::Noise,
        Label::Ctl,
        Label::Telemetry,
        Label::File,
        Label::Llm,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Label::Noise => "noise",
            Label::Ctl => "ctl",
            Label::Telemetry => "telemetry",
            Label::File => "file",
            Label::Llm => protocol::llm::LABEL,
        }
    }

    /// Whether nothing goes there but inside Noise.
    pub(super) fn is_secured_only(self) -> bool {
        matches!(self, Label::File | Label::Llm)
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.as_str() == text)
    }

    pub(super) fn config(self) -> ChannelConfig {
        let (ordered, reliability) = match self {
            Label::Noise | Label::File | Label::Llm => (true, Reliability::Reliable),
            Label::Ctl => (false, Reliability::MaxPacketLifetime { lifetime: 100 }),
            Label::Telemetry => (false, Reliability::MaxRetransmits { retransmits: 0 }),
        };
        ChannelConfig {
            label: self.as_str().to_owned(),
            ordered,
            reliability,
            ..ChannelConfig::default()
        }
    }
}

/// The channel has too much waiting already; wait until it is writable, then send it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the channel has {MAX_QUEUED_BYTES} bytes waiting; wait until it is writable")]
pub struct Full;

#[derive(Default)]
struct Queue {
    messages: VecDeque<Vec<u8>>,
    bytes: usize,
    is_sender_waiting: bool,
}

/// The channels that are open.
#[derive(Default)]
pub(super) struct Channels {
    ids_by_label: BTreeMap<Label, ChannelId>,
    queues: BTreeMap<Label, Queue>,
    pub(super) window: Window,
    sent_bytes: u64,
}

impl Channels {
    /// A channel opened. Nothing of a second one is ever read.
    pub(super) fn handle_open(&mut self, id: ChannelId, label: Label) -> Option<Label> {
        if self.ids_by_label.contains_key(&label) {
            return None;
        }
        self.ids_by_label.insert(label, id);
        Some(label)
    }

    pub(super) fn handle_close(&mut self, id: ChannelId) -> Option<Label> {
        let label = self.label(id)?;
        self.ids_by_label.remove(&label);
        Some(label)
    }

    /// Which channel a message came on.
    pub(super) fn label(&self, id: ChannelId) -> Option<Label> {
        let mut open = self.ids_by_label.iter();
        open.find(|(_, open)| **open == id).map(|(label, _)| *label)
    }

    pub(super) fn is_open(&self, label: Label) -> bool {
        self.ids_by_label.contains_key(&label)
    }

    /// Whether a message may be sent now.
    ///
    /// # Errors
    /// Too much waits already; the sender is told when that is over.
    pub(super) fn check_room(&mut self, label: Label, bytes: usize) -> Result<(), Full> {
        let queue = self.queues.entry(label).or_default();
        if !queue.messages.is_empty() && queue.bytes + bytes > MAX_QUEUED_BYTES {
            queue.is_sender_waiting = true;
            return Err(Full);
        }
        Ok(())
    }

    /// Sends a message, at once or when the channel has room.
    ///
    /// # Errors
    /// Too much waits already; nothing was taken.
    pub(super) fn send(
        &mut self,
        rtc: &mut DrainedRtc,
        label: Label,
        message: Vec<u8>,
        now: Instant,
    ) -> Result<(), Full> {
        self.check_room(label, message.len())?;
        let queue = self.queues.entry(label).or_default();
        queue.bytes += message.len();
        queue.messages.push_back(message);
        self.flush(rtc, now);
        Ok(())
    }

    /// Hands on what waits, as far as it is taken.
    pub(super) fn flush(&mut self, rtc: &mut DrainedRtc, now: Instant) {
        for (label, queue) in &mut self.queues {
            let Some(id) = self.ids_by_label.get(label) else {
                continue;
            };
            while let Some(message) = queue.messages.front() {
                let under_way = rtc.unacknowledged(*id) + message.len();
                if under_way > self.window.bytes() || !rtc.write(*id, message, now) {
                    break;
                }
                queue.bytes -= message.len();
                self.sent_bytes += message.len() as u64;
                queue.messages.pop_front();
            }
        }
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.queues.values().any(|queue| !queue.messages.is_empty())
    }

    /// What WebRTC took, on all channels.
    pub(super) fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Whether the peer has all that was sent.
    pub(super) fn are_flushed(&self, rtc: &mut DrainedRtc) -> bool {
        let mut ids = self.ids_by_label.values();
        !self.has_waiting() && ids.all(|id| rtc.unacknowledged(*id) == 0)
    }

    /// What waits here for a channel, in bytes.
    pub(super) fn waiting_bytes(&self, label: Label) -> usize {
        self.queues.get(&label).map_or(0, |queue| queue.bytes)
    }

    /// Bytes of the channels that give nothing up which the peer has not acknowledged.
    pub(super) fn unacknowledged(&self, rtc: &mut DrainedRtc) -> usize {
        let ids = [Label::File, Label::Llm].map(|label| self.ids_by_label.get(&label));
        let ids = ids.into_iter().flatten();
        ids.map(|id| rtc.unacknowledged(*id)).sum()
    }

    /// The next channel whose sender was refused and may go on.
    pub(super) fn poll_writable(&mut self) -> Option<Label> {
        let half = MAX_QUEUED_BYTES / 2;
        let (label, queue) = self
            .queues
            .iter_mut()
            .find(|(_, queue)| queue.is_sender_waiting && queue.bytes <= half)?;
        queue.is_sender_waiting = false;
        Some(*label)
    }
}
