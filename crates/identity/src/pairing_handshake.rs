//! The handshake of a pairing: `IKpsk1`, keyed by the secret of the link that the inviter shows
//! and bound to its rendezvous and origin; after it messages under the transport keys
//! (`docs/protocol.md`, Pairing).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use protocol::invite_link::PairingLink;

use crate::channel::{AeadFailure, gcm_nonce};
use crate::noise::{Handshake, NoiseKey, Pattern, Start, TransportKeys, length_prefixed};

/// The pre-shared key of a link's secret.
pub fn pairing_psk(link: &PairingLink) -> [u8; 32] {
    let salt = Salt::new(HKDF_SHA256, b"heliograph-pairing-psk-v1");
    let key = salt.extract(link.secret.as_bytes());
    let mut psk = [0; 32];
    key.expand(&[], HKDF_SHA256)
        .and_then(|output| output.fill(&mut psk))
        .expect("32 bytes are one block");
    psk
}

/// Version, rendezvous, and the origin that the link carries, on both sides.
pub fn pairing_prologue(link: &PairingLink) -> Vec<u8> {
    length_prefixed(&[
        b"heliograph-pairing-v1",
        link.rendezvous.to_string().as_bytes(),
        link.origin.as_bytes(),
    ])
}

/// The joiner's side: it writes first, to the key in the link. `ephemeral` is 32 bytes of
/// randomness, never used twice.
pub fn join_handshake(link: &PairingLink, key: &NoiseKey, ephemeral: [u8; 32]) -> Handshake {
    start(link, key, true, ephemeral)
}

/// The inviter's side. It learns the joiner's key from message 1. `ephemeral` as in
/// [`join_handshake`].
pub fn invite_handshake(link: &PairingLink, key: &NoiseKey, ephemeral: [u8; 32]) -> Handshake {
    start(link, key, false, ephemeral)
}

fn start(link: &PairingLink, key: &NoiseKey, is_joiner: bool, ephemeral: [u8; 32]) -> Handshake {
    Handshake::start(&Start {
        pattern: Pattern::IkPsk1,
        is_initiator: is_joiner,
        prologue: &pairing_prologue(link),
        key,
        peer_key: is_joiner.then_some(&link.key),
        psk: &pairing_psk(link),
        ephemeral,
    })
}

/// Messages after a handshake, each side counting its own from 0 (Noise §5.1); no additional
/// data.
pub struct PairingTransport {
    send: LessSafeKey,
    receive: LessSafeKey,
    sent: u64,
    received: u64,
}

impl PairingTransport {
    /// Under the keys that the handshake left.
    pub fn new(keys: &TransportKeys) -> Self {
        let [send, receive] = [&keys.send, &keys.receive].map(|key| {
            let key = UnboundKey::new(&AES_256_GCM, key).expect("AES-256 keys have 32 bytes");
            LessSafeKey::new(key)
        });
        Self {
            send,
            receive,
            sent: 0,
            received: 0,
        }
    }

    /// The next message of this side.
    pub fn seal(&mut self, payload: &[u8]) -> Vec<u8> {
        let mut message = payload.to_vec();
        self.send
            .seal_in_place_append_tag(gcm_nonce(self.sent), Aad::empty(), &mut message)
            .expect("a message is far below what AES-GCM seals");
        self.sent += 1;
        message
    }

    /// The payload of the peer's next message.
    ///
    /// # Errors
    /// [`AeadFailure`]: the pairing has failed.
    pub fn open(&mut self, message: &[u8]) -> Result<Vec<u8>, AeadFailure> {
        let mut payload = message.to_vec();
        let opened = self
            .receive
            .open_in_place(gcm_nonce(self.received), Aad::empty(), &mut payload)
            .map_err(|_| AeadFailure)?;
        let length = opened.len();
        payload.truncate(length);
        self.received += 1;
        Ok(payload)
    }
}

impl std::fmt::Debug for PairingTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PairingTransport(…)")
    }
}
