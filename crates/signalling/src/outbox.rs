//! What the hub orders the world to do, in order, and that nothing follows a close.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use protocol::close::CloseCode;
use protocol::id::{AccountId, DeviceId, PairId};

/// One WebSocket. Numbers grow: a higher one was opened later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u64);

/// An order to the loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Write a text.
    Send {
        /// To whom.
        socket: SocketId,
        /// What.
        text: String,
    },
    /// Write a ping.
    Ping {
        /// To whom.
        socket: SocketId,
    },
    /// Close; the last order for this socket.
    Close {
        /// Whom.
        socket: SocketId,
        /// Why.
        code: CloseCode,
        /// For people.
        reason: &'static str,
    },
    /// Ask the registry whether the device and the pair still stand, and answer with
    /// `handle_lookup`.
    Lookup {
        /// For whom.
        socket: SocketId,
        /// The token's device.
        device: DeviceId,
        /// The token's account.
        account: AccountId,
        /// The token's pair; none for an inviter.
        pair: Option<PairId>,
    },
    /// Check a link token and answer with `handle_verified`.
    Verify {
        /// Who sent it.
        socket: SocketId,
        /// The token.
        token: String,
    },
    /// An offer was answered: for logs and metrics.
    Answered {
        /// In which pair.
        pair: PairId,
        /// After how long.
        elapsed: Duration,
    },
}

/// Orders that wait to be polled.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    outputs: VecDeque<Output>,
    closing: BTreeSet<SocketId>,
}

impl Outbox {
    /// Queues a text, unless the socket is closing.
    pub(crate) fn send(&mut self, socket: SocketId, text: String) {
        if !self.closing.contains(&socket) {
            self.outputs.push_back(Output::Send { socket, text });
        }
    }

    /// Queues a ping, unless the socket is closing.
    pub(crate) fn ping(&mut self, socket: SocketId) {
        if !self.closing.contains(&socket) {
            self.outputs.push_back(Output::Ping { socket });
        }
    }

    /// Queues the close, once.
    pub(crate) fn close(&mut self, socket: SocketId, code: CloseCode, reason: &'static str) {
        if self.closing.insert(socket) {
            self.outputs.push_back(Output::Close {
                socket,
                code,
                reason,
            });
        }
    }

    /// Queues an order that is not for a socket's wire.
    pub(crate) fn order(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// One socket that was closed and must be forgotten.
    pub(crate) fn pop_closing(&mut self) -> Option<SocketId> {
        self.closing.pop_first()
    }

    /// The next order.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
