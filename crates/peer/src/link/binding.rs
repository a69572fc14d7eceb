//! Asks a STUN server which address it sees (RFC 8489 §3), through a socket of the link.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun_types::attribute::XorMappedAddress;
use stun_types::message::{
    BINDING, Message, MessageClass, MessageType, MessageWriteVec, TransactionId,
};
use stun_types::prelude::*;

/// The first wait for a reply; the next ones double.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// How often a request is sent: 12.6 s in all.
const MAX_SENT: u32 = 6;

/// One question.
pub(super) struct Binding {
    pub(super) local: SocketAddr,
    pub(super) server: SocketAddr,
    transaction: TransactionId,
    sent: u32,
    due: Instant,
}

impl Binding {
    /// `transaction` is random.
    pub(super) fn new(
        local: SocketAddr,
        server: SocketAddr,
        transaction: u128,
        now: Instant,
    ) -> Self {
        Self {
            local,
            server,
            transaction: transaction.into(),
            sent: 0,
            due: now,
        }
    }

    /// When it is to be sent again; none once it was given up.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        (self.sent <= MAX_SENT).then_some(self.due)
    }

    /// The request, where it is due.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return None;
        }
        self.due = now + FIRST_WAIT * (1 << self.sent);
        self.sent += 1;
        let kind = MessageType::from_class_method(MessageClass::Request, BINDING);
        let message = Message::builder(kind, self.transaction, MessageWriteVec::new());
        (self.sent <= MAX_SENT).then(|| message.finish())
    }

    /// The address that the server sees, where this datagram says it.
    pub(super) fn handle_reply(&self, from: SocketAddr, bytes: &[u8]) -> Option<SocketAddr> {
        let message = Message::from_bytes(bytes).ok()?;
        let is_reply = message.has_class(MessageClass::Success) && message.has_method(BINDING);
        if from != self.server || !is_reply || message.transaction_id() != self.transaction {
            return None;
        }
        let mapped = message.attribute::<XorMappedAddress>().ok()?;
        Some(mapped.addr(self.transaction))
    }
}
