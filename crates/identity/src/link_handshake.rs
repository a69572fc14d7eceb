//! Proves both keys on a fresh connection: `KKpsk2` on the channel `noise`, bound to the pair,
//! the roles and both DTLS certificates (`docs/protocol.md`, The channels of a link).

use protocol::base64url::Base64Url;
use protocol::id::{DeviceId, PairId};

use crate::noise::{Handshake, NoiseKey, Pattern, Start, length_prefixed};

/// One end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct LinkEnd<'a> {
    /// The device.
    pub device: &'a DeviceId,
    /// SHA-256 of its DTLS certificate: as seen on the wire where that can be had, else as the
    /// verified SDP fixed it.
    pub certificate_hash: &'a [u8; 32],
}

/// What one side of a link proves itself with.
#[derive(Debug, Clone, Copy)]
pub struct LinkProof<'a> {
    /// The pair.
    pub pair: &'a PairId,
    /// This device.
    pub own: LinkEnd<'a>,
    /// Its static key.
    pub own_key: &'a NoiseKey,
    /// The paired device.
    pub peer: LinkEnd<'a>,
    /// The key in the peer's pinned record.
    pub peer_key: &'a Base64Url<32>,
    /// The pair secret.
    pub secret: &'a [u8; 32],
}

impl LinkProof<'_> {
    /// Whether this side writes first: the lower device id does.
    pub fn is_initiator(&self) -> bool {
        self.own.device < self.peer.device
    }

    /// Starts the handshake. `ephemeral` is 32 bytes of randomness, never used twice. Each payload
    /// names its writer's conversation.
    pub fn start(&self, ephemeral: [u8; 32]) -> Handshake {
        Handshake::start(&Start {
            pattern: Pattern::KkPsk2,
            is_initiator: self.is_initiator(),
            prologue: &self.prologue(),
            key: self.own_key,
            peer_key: Some(self.peer_key),
            psk: self.secret,
            ephemeral,
        })
    }

    /// The bytes both sides must agree on before the first message.
    pub fn prologue(&self) -> Vec<u8> {
        let (initiator, responder) = if self.is_initiator() {
            (self.own, self.peer)
        } else {
            (self.peer, self.own)
        };
        length_prefixed(&[
            b"heliograph-link-v1",
            self.pair.as_str().as_bytes(),
            initiator.device.as_str().as_bytes(),
            responder.device.as_str().as_bytes(),
            initiator.certificate_hash,
            responder.certificate_hash,
        ])
    }
}
