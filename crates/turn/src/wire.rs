//! What the packet path gives back: where the payload goes and which bytes stand before it.

use std::net::SocketAddr;
use std::ops::Range;

use stun_types::attribute::AttributeStaticType;
use stun_types::message::{Message, MessageClass, MessageType, MessageWrite, TransactionId};
use stun_types::message::{MessageWriteExt, MessageWriteMutSlice};
use turn_types::attribute::{Data, XorPeerAddress};
use turn_types::message::DATA;

use crate::five_tuple::{FiveTuple, Transport};
use crate::relays::RelayId;

/// STUN header 20, XOR-PEER-ADDRESS of IPv6 24, DATA's own header 4.
pub const MAX_HEADER_BYTES: usize = 48;

/// One packet to pass on: `payload` is a range of the datagram that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relay {
    /// Send the payload out of a relay socket.
    ToPeer {
        /// The relay socket.
        relay: RelayId,
        /// The peer.
        to: SocketAddr,
        /// The payload.
        payload: Range<usize>,
    },
    /// Send `header`, the payload and `padding` zeros to a client.
    ToClient {
        /// The client.
        to: FiveTuple,
        /// A ChannelData header, or a Data indication up to its payload.
        header: Header,
        /// The payload.
        payload: Range<usize>,
        /// Zero bytes after it, 0-3.
        padding: usize,
    },
}

/// Bytes that go before a payload, by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    bytes: [u8; MAX_HEADER_BYTES],
    length: usize,
}

impl Header {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// A ChannelData header (RFC 8656 section 12.4).
    pub(crate) fn channel_data(number: u16, payload_bytes: u16) -> Self {
        let mut bytes = [0; MAX_HEADER_BYTES];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        bytes[2..4].copy_from_slice(&payload_bytes.to_be_bytes());
        Self { bytes, length: 4 }
    }

    /// A Data indication (RFC 8656 section 11.5) without its payload.
    pub(crate) fn data_indication(
        peer: SocketAddr,
        payload_bytes: u16,
        transaction: TransactionId,
    ) -> Self {
        let mut bytes = [0; MAX_HEADER_BYTES];
        let kind = MessageType::from_class_method(MessageClass::Indication, DATA);
        let mut message =
            Message::builder(kind, transaction, MessageWriteMutSlice::new(&mut bytes));
        message
            .add_attribute(&XorPeerAddress::new(peer, transaction))
            .expect("an address fits in 48 bytes");
        let length = message.finish();
        bytes[length..length + 2].copy_from_slice(&Data::TYPE.value().to_be_bytes());
        bytes[length + 2..length + 4].copy_from_slice(&payload_bytes.to_be_bytes());
        let length = length + 4;
        let body = length - 20 + usize::from(payload_bytes).next_multiple_of(4);
        bytes[2..4].copy_from_slice(&(body as u16).to_be_bytes());
        Self { bytes, length }
    }
}

/// ChannelData is padded on streams only (RFC 8656 section 12.5), attributes always.
pub(crate) fn padding(is_channel: bool, transport: Transport, payload_bytes: usize) -> usize {
    if is_channel && transport == Transport::Udp {
        return 0;
    }
    payload_bytes.next_multiple_of(4) - payload_bytes
}
