//! Everything that takes a peer's sealed bytes, with keys that nobody outside has.

use protocol::base64url::Base64Url;
use protocol::id::PairId;
use protocol::invite_link::PairingLink;

use super::TestDevice;
use crate::{
    LinkEnd, LinkProof, NoiseKey, OrderedChannel, PairingTransport, TransportKeys,
    UnorderedChannel, invite_handshake, join_handshake,
};

/// One of each.
#[derive(Debug)]
pub struct Listeners {
    keys: [NoiseKey; 2],
    devices: [TestDevice; 2],
    link: PairingLink,
    transport: TransportKeys,
}

impl Default for Listeners {
    fn default() -> Self {
        Self::new()
    }
}

impl Listeners {
    /// How many kinds there are.
    pub const KINDS: u8 = 6;

    /// With the same keys each time.
    pub fn new() -> Self {
        let keys = [[11; 32], [12; 32]].map(NoiseKey::from_secret);
        Self {
            link: PairingLink {
                origin: "https://helio.example".to_owned(),
                key: *keys[0].public(),
                secret: Base64Url([13; 16]),
                rendezvous: Base64Url([14; 16]),
                expiry_s: 1_760_000_000,
            },
            keys,
            devices: [TestDevice::new(1, "Ada"), TestDevice::new(2, "Bob")],
            transport: TransportKeys {
                hash: [15; 32],
                send: [16; 32],
                receive: [17; 32],
            },
        }
    }

    /// Whether the listener of a kind opens the message.
    pub fn believes(&self, kind: u8, message: &[u8]) -> bool {
        let [inviter, joiner] = &self.keys;
        match kind % Self::KINDS {
            0 => {
                let mut handshake = invite_handshake(&self.link, inviter, [18; 32]);
                handshake.read(message).is_ok()
            }
            1 => {
                let mut handshake = join_handshake(&self.link, joiner, [19; 32]);
                handshake.write(b"hello").is_ok() && handshake.read(message).is_ok()
            }
            2 => self.link_believes(message),
            3 => PairingTransport::new(&self.transport).open(message).is_ok(),
            4 => {
                let opened = UnorderedChannel::new(&self.transport, "ctl").open(message);
                opened.is_ok_and(|frame| frame.is_some())
            }
            _ => OrderedChannel::new(&self.transport, "file")
                .open(message)
                .is_ok(),
        }
    }

    /// Both roles of a link.
    fn link_believes(&self, message: &[u8]) -> bool {
        let pair = PairId::from_bytes(&[20; 32]);
        let ids = self.devices.each_ref().map(TestDevice::id);
        let end = |at: usize| LinkEnd {
            device: &ids[at],
            certificate_hash: &[21; 32],
        };
        [0, 1].into_iter().any(|own| {
            let proof = LinkProof {
                pair: &pair,
                own: end(own),
                own_key: &self.keys[own],
                peer: end(1 - own),
                peer_key: self.keys[1 - own].public(),
                secret: &[22; 32],
            };
            let mut handshake = proof.start([23; 32]);
            let has_written = !handshake.is_initiator() || handshake.write(b"").is_ok();
            has_written && handshake.read(message).is_ok()
        })
    }
}
