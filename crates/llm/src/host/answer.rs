//! One answer: what the model said so far, cut into pieces as they are sent.
//!
//! A piece is cut when it is sent first, from all that waits: so a token goes out as it comes, and
//! what gathered while nobody was there goes out in few messages. Once cut, a piece stays as it is.

use std::time::Instant;

use protocol::llm::{ChatId, Code, HostOp, MAX_PIECE_BYTES, Reason, Usage};

use super::{AnswerKey, HostOutput};

/// The longest answer, in bytes of text.
pub const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// What may wait to be sent on a link that is up, in bytes, before the model server waits as well.
const MAX_UNSENT_BYTES: usize = 64 * 1024;

/// How an answer ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Done {
        reason: Reason,
        usage: Option<Usage>,
    },
    Failed {
        code: Code,
        message: String,
    },
}

impl End {
    pub(super) fn failed(code: Code, message: String) -> Self {
        Self::Failed { code, message }
    }
}

/// There is no such piece.
#[derive(Debug)]
pub(super) struct Beyond;

#[derive(Debug)]
pub(super) struct Answer {
    key: AnswerKey,
    /// Whether pieces go out before the answer is whole.
    is_streamed: bool,
    text: String,
    /// Where each piece ends.
    cuts: Vec<usize>,
    end: Option<End>,
    /// How many pieces the client has or is being sent; the end is one of them.
    sent: usize,
    /// Whether the client asked for the answer on the channel that is open.
    is_attached: bool,
    is_held: bool,
    touched: Instant,
}

impl Answer {
    pub(super) fn new(key: AnswerKey, is_streamed: bool, now: Instant) -> Self {
        Self {
            key,
            is_streamed,
            text: String::new(),
            cuts: Vec::new(),
            end: None,
            sent: 0,
            is_attached: true,
            is_held: false,
            touched: now,
        }
    }

    pub(super) fn key(&self) -> AnswerKey {
        self.key
    }

    /// When the client was last sent something, or said something.
    pub(super) fn touched(&self) -> Instant {
        self.touched
    }

    pub(super) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        self.text.len() + text.len() <= MAX_ANSWER_BYTES
    }

    /// The model said more; whether it shall wait.
    pub(super) fn push(&mut self, text: &str, is_open: bool) -> Option<HostOutput> {
        self.text.push_str(text);
        let is_slow = self.is_attached && is_open && self.is_streamed;
        let is_full = is_slow && !self.is_held && self.unsent_bytes() > MAX_UNSENT_BYTES;
        self.is_held |= is_full;
        is_full.then_some(HostOutput::Hold(self.key, true))
    }

    pub(super) fn end(&mut self, end: End, now: Instant) {
        self.end = Some(end);
        self.touched = now;
    }

    /// Nobody is there any more: the model says on into the memory.
    pub(super) fn detach(&mut self) -> Option<HostOutput> {
        self.is_attached = false;
        let was_held = std::mem::take(&mut self.is_held);
        was_held.then_some(HostOutput::Hold(self.key, false))
    }

    /// Lets the model go on once half of what it waited for is sent.
    pub(super) fn release(&mut self) -> Option<HostOutput> {
        let is_due = self.is_held && self.unsent_bytes() <= MAX_UNSENT_BYTES / 2;
        self.is_held &= !is_due;
        is_due.then_some(HostOutput::Hold(self.key, false))
    }

    /// The client is there, and has so many pieces.
    pub(super) fn resume(&mut self, after: u64, now: Instant) -> Result<(), Beyond> {
        let after = usize::try_from(after).map_err(|_| Beyond)?;
        if after > self.cuts.len() + usize::from(self.end.is_some()) {
            return Err(Beyond);
        }
        self.sent = after;
        self.is_attached = true;
        self.touched = now;
        Ok(())
    }

    pub(super) fn has_next(&self) -> bool {
        let is_sayable = self.is_streamed || self.is_over();
        let has_text = is_sayable && self.sent <= self.cuts.len() && self.unsent_bytes() > 0;
        let has_end = self.is_over() && self.sent <= self.cuts.len();
        self.is_attached && (has_text || has_end)
    }

    /// The next piece, where there is one.
    pub(super) fn next_piece(&mut self, id: &ChatId, now: Instant) -> HostOp {
        self.touched = now;
        let start = self.sent_bytes();
        if self.sent == self.cuts.len() && start < self.text.len() {
            let end = self.text.floor_char_boundary(start + MAX_PIECE_BYTES);
            self.cuts.push(end);
        }
        let (id, at) = (id.clone(), self.sent);
        self.sent += 1;
        let seq = self.sent as u64;
        if let Some(end) = self.cuts.get(at) {
            let content = self.text[start..*end].to_owned();
            return HostOp::Delta { id, seq, content };
        }
        match self.end.clone().expect("there is a next piece") {
            End::Done { reason, usage } => HostOp::Done {
                id,
                seq,
                reason,
                usage,
            },
            End::Failed { code, message } => HostOp::Error {
                id: Some(id),
                seq: Some(seq),
                code: code.as_str().to_owned(),
                message,
            },
        }
    }

    fn sent_bytes(&self) -> usize {
        match self.sent.min(self.cuts.len()) {
            0 => 0,
            sent => self.cuts[sent - 1],
        }
    }

    fn unsent_bytes(&self) -> usize {
        self.text.len() - self.sent_bytes()
    }
}
