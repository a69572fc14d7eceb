//! The channel `llm` of a link. What is said on it belongs to the `llm` crate: here messages go in
//! and out, whole, in order, and only where keys were proven.

use std::time::Instant;

use super::LinkCore;
use super::channels::Label;
use super::output::Event;

/// What may wait for the channel, in bytes, before its next message waits with whoever wrote it:
/// chats take turns there, and a stopped one says no more.
const MAX_WAITING_BYTES: usize = 16 * 1024;

/// Something that happened to the channel `llm`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LlmEvent {
    /// Messages may be sent. What an earlier channel held is gone.
    Opened,
    /// They may not any more; what was sent last may not have come.
    Closed,
    /// The peer said this.
    Message(Vec<u8>),
}

impl LinkCore {
    /// Whether a message would be sent soon; ask again after any other call.
    pub fn has_llm_room(&self) -> bool {
        let waiting = |it: &super::Connection| it.waiting_bytes(Label::Llm);
        self.connection.as_ref().map_or(0, waiting) < MAX_WAITING_BYTES
    }

    /// Sends a message of at most [`protocol::llm::MAX_MESSAGE_BYTES`]; dropped while the channel
    /// is closed, and where far more waits than [`LinkCore::has_llm_room`] allows.
    pub fn send_llm(&mut self, message: Vec<u8>, now: Instant) {
        if let Some(connection) = self.connection.as_mut().filter(|_| self.is_llm_open)
            && connection.send(Label::Llm, message, now).is_err()
        {
            tracing::debug!("a message was dropped: its writer did not wait for room");
        }
        self.settle(now);
    }

    pub(super) fn handle_llm(&mut self, is_open: bool) {
        if std::mem::replace(&mut self.is_llm_open, is_open) != is_open {
            let told = if is_open {
                LlmEvent::Opened
            } else {
                LlmEvent::Closed
            };
            self.event(Event::Llm(told));
        }
    }
}
