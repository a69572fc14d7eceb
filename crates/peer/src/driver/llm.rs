//! The channel `llm` as the program holds it that speaks there.
//!
//! What was written for one connection is never sent on the next: both ends agree there anew what
//! the other has. So messages name the connection they are for.

use tokio::sync::{mpsc, watch};

use super::Link;
use crate::link::LlmEvent;

/// Messages of the peer that wait to be read. The next one is dropped, and the channel counts as
/// opened anew.
const MAX_UNREAD: usize = 1024;
/// Messages that wait to be sent; the next ones wait with whoever wrote them.
const MAX_UNSENT: usize = 4;

/// One opening of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LlmEpoch(u64);

/// What happened on the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LlmIncoming {
    /// It is open; messages for it carry this.
    Opened(LlmEpoch),
    /// It is closed.
    Closed,
    /// The peer said this.
    Message(Vec<u8>),
}

/// The driver's end.
#[derive(Debug)]
pub(super) struct LlmPort {
    last: LlmEpoch,
    open: watch::Sender<Option<LlmEpoch>>,
    messages: mpsc::Sender<(LlmEpoch, Vec<u8>)>,
}

/// The reader's end; see [`Link::take_llm`].
#[derive(Debug)]
pub struct LlmChannel {
    open: watch::Receiver<Option<LlmEpoch>>,
    messages: mpsc::Receiver<(LlmEpoch, Vec<u8>)>,
    /// As far as the reader was told.
    told: Option<LlmEpoch>,
    /// Read, while the reader has yet to hear that the channel opened.
    held: Option<(LlmEpoch, Vec<u8>)>,
    sender: LlmSender,
}

/// The writer's end.
#[derive(Debug, Clone)]
pub struct LlmSender(mpsc::Sender<(LlmEpoch, Vec<u8>)>);

/// Room for one message.
#[derive(Debug)]
pub struct LlmSlot<'a>(mpsc::Permit<'a, (LlmEpoch, Vec<u8>)>);

/// The driver's end, the program's, and what the program sends.
pub(super) fn channel() -> (LlmPort, LlmChannel, mpsc::Receiver<(LlmEpoch, Vec<u8>)>) {
    let (opened, open) = watch::channel(None);
    let (told, messages) = mpsc::channel(MAX_UNREAD);
    let (sender, sent) = mpsc::channel(MAX_UNSENT);
    let port = LlmPort {
        last: LlmEpoch(0),
        open: opened,
        messages: told,
    };
    let channel = LlmChannel {
        open,
        messages,
        told: None,
        held: None,
        sender: LlmSender(sender),
    };
    (port, channel, sent)
}

impl LlmPort {
    pub(super) fn tell(&mut self, event: LlmEvent) {
        match event {
            LlmEvent::Opened => {
                self.last.0 += 1;
                self.open.send_replace(Some(self.last));
            }
            LlmEvent::Closed => {
                self.open.send_replace(None);
            }
            LlmEvent::Message(message) => {
                if self.messages.try_send((self.last, message)).is_err() {
                    // As if the channel had broken here: its reader asks for the rest again.
                    tracing::debug!("a message on llm was dropped: nobody reads them");
                    self.tell(LlmEvent::Opened);
                }
            }
        }
    }

    pub(super) fn is_current(&self, epoch: LlmEpoch) -> bool {
        *self.open.borrow() == Some(epoch)
    }
}

impl LlmChannel {
    /// Writes while somebody else reads.
    pub fn sender(&self) -> LlmSender {
        self.sender.clone()
    }

    /// What happens next; none once the link is over. It may be given up while it waits.
    pub async fn next(&mut self) -> Option<LlmIncoming> {
        loop {
            let open = *self.open.borrow_and_update();
            if open != self.told {
                // Between two openings there was an end, also where it was missed.
                if self.told.take().is_some() {
                    return Some(LlmIncoming::Closed);
                }
                self.told = open;
                return open.map(LlmIncoming::Opened);
            }
            if let Some((epoch, message)) = self.held.take()
                && self.told == Some(epoch)
            {
                return Some(LlmIncoming::Message(message));
            }
            tokio::select! {
                biased;
                changed = self.open.changed() => changed.ok()?,
                message = self.messages.recv() => self.held = Some(message?),
            }
        }
    }
}

impl LlmSender {
    /// Waits for room; none once the link is over. It may be given up while it waits.
    pub async fn reserve(&self) -> Option<LlmSlot<'_>> {
        self.0.reserve().await.ok().map(LlmSlot)
    }
}

impl LlmSlot<'_> {
    /// Sends a message, where the channel has not closed since it opened with this.
    pub fn send(self, epoch: LlmEpoch, message: Vec<u8>) {
        self.0.send((epoch, message));
    }
}

impl Link {
    /// The channel `llm`, once; for links whose options say `has_llm`. The link lives as long as
    /// its [`Link`].
    pub fn take_llm(&mut self) -> Option<LlmChannel> {
        self.llm.take()
    }
}
