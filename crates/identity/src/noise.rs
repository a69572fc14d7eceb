//! The two Noise handshakes Heliograph runs (Noise specification, revision 34): `IKpsk1` for
//! pairing, `KKpsk2` for links, both with 25519, AESGCM, SHA256.
//!
//! `snow` holds the pattern and its order, aws-lc-rs computes. The ephemeral key is the caller's
//! randomness, as every other here. What goes into prologue and psk is decided by
//! [`crate::pairing_handshake`] and [`crate::link_handshake`].

use std::fmt;

use aws_lc_rs::agreement::{PrivateKey, X25519};
use protocol::base64url::Base64Url;
use snow::{Builder, HandshakeState};

use resolver::AwsLcResolver;

mod resolver;

/// The largest message of a handshake, in bytes (Noise §3).
pub const MAX_NOISE_BYTES: usize = 65_535;
/// The largest payload that a handshake message of ours has room for: e, s with its tag, and the
/// payload's own tag go before and after it.
pub const MAX_NOISE_PAYLOAD_BYTES: usize = MAX_NOISE_BYTES - 32 - 48 - 16;

/// A static X25519 key (RFC 7748 §5).
#[derive(Clone)]
pub struct NoiseKey {
    secret: [u8; 32],
    public: Base64Url<32>,
}

impl NoiseKey {
    /// The key of 32 bytes of randomness.
    pub fn from_secret(secret: [u8; 32]) -> Self {
        let public = Base64Url(x25519_public(&secret));
        Self { secret, public }
    }

    /// The bytes it was made from. A secret.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The public half.
    pub fn public(&self) -> &Base64Url<32> {
        &self.public
    }
}

impl fmt::Debug for NoiseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoiseKey({})", self.public)
    }
}

/// The public key of a secret one.
fn x25519_public(secret: &[u8; 32]) -> [u8; 32] {
    let private = PrivateKey::from_private_key(&X25519, secret).expect("any 32 bytes are a key");
    let public = private.compute_public_key().expect("a key has two halves");
    let public = public.as_ref().try_into();
    public.expect("X25519 keys have 32 bytes")
}

/// Which of the two handshakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Pairing: the initiator knows the responder's key and introduces its own.
    IkPsk1,
    /// Links: both keys are known.
    KkPsk2,
}

impl Pattern {
    fn name(self) -> &'static str {
        match self {
            Pattern::IkPsk1 => "Noise_IKpsk1_25519_AESGCM_SHA256",
            Pattern::KkPsk2 => "Noise_KKpsk2_25519_AESGCM_SHA256",
        }
    }

    fn psk_place(self) -> u8 {
        match self {
            Pattern::IkPsk1 => 1,
            Pattern::KkPsk2 => 2,
        }
    }
}

/// What a handshake begins with.
pub(crate) struct Start<'a> {
    pub(crate) pattern: Pattern,
    pub(crate) is_initiator: bool,
    pub(crate) prologue: &'a [u8],
    pub(crate) key: &'a NoiseKey,
    /// Unknown to the responder of `IKpsk1` alone.
    pub(crate) peer_key: Option<&'a Base64Url<32>>,
    pub(crate) psk: &'a [u8; 32],
    pub(crate) ephemeral: [u8; 32],
}

/// Why a handshake ended. Nothing more is told: a peer learns nothing from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoiseError {
    /// A message does not open: other keys, another psk, another prologue, or it was changed.
    #[error("the peer used other keys, or the message was changed")]
    Refused,
    /// A message shorter than its keys and tags, or above [`MAX_NOISE_BYTES`].
    #[error("a message has no length that a handshake's can have")]
    Length,
    /// A second message where the peer's is due, or the other way round; also after an error.
    #[error("a message came out of turn")]
    OutOfTurn,
}

/// One run of a handshake: a message each way, then [`Handshake::finish`].
pub struct Handshake {
    state: HandshakeState,
    is_initiator: bool,
    /// An error ends it: what was half read must not be gone on with.
    has_failed: bool,
}

/// What a finished handshake leaves. Secret but for `hash`.
#[derive(Clone, PartialEq, Eq)]
pub struct TransportKeys {
    /// The handshake hash: names this run, for channel binding.
    pub hash: [u8; 32],
    /// What this side sends is under this key.
    pub send: [u8; 32],
    /// What the peer sends is under this key.
    pub receive: [u8; 32],
}

impl Handshake {
    pub(crate) fn start(start: &Start<'_>) -> Self {
        let state = build(start).expect("both patterns have the keys that they need");
        Self {
            state,
            is_initiator: start.is_initiator,
            has_failed: false,
        }
    }

    /// Whether this side writes first.
    pub fn is_initiator(&self) -> bool {
        self.is_initiator
    }

    /// The peer's static key, once known.
    pub fn peer_key(&self) -> Option<Base64Url<32>> {
        let key = self.state.get_remote_static()?;
        key.try_into().ok().map(Base64Url)
    }

    /// This side's message around `payload`.
    ///
    /// # Errors
    /// [`NoiseError::OutOfTurn`], or [`NoiseError::Length`] above [`MAX_NOISE_PAYLOAD_BYTES`].
    pub fn write(&mut self, payload: &[u8]) -> Result<Vec<u8>, NoiseError> {
        let mut message = vec![0; payload.len() + MAX_NOISE_BYTES - MAX_NOISE_PAYLOAD_BYTES];
        let written = self.turn(|state| state.write_message(payload, &mut message))?;
        message.truncate(written);
        Ok(message)
    }

    /// The payload of the peer's message.
    ///
    /// # Errors
    /// Each of [`NoiseError`]; the handshake is over then.
    pub fn read(&mut self, message: &[u8]) -> Result<Vec<u8>, NoiseError> {
        let mut payload = vec![0; message.len()];
        let read = self.turn(|state| state.read_message(message, &mut payload))?;
        payload.truncate(read);
        Ok(payload)
    }

    /// Keys and hash, after both messages.
    ///
    /// # Errors
    /// [`NoiseError::OutOfTurn`] before them.
    pub fn finish(mut self) -> Result<TransportKeys, NoiseError> {
        if self.has_failed || !self.state.is_handshake_finished() {
            return Err(NoiseError::OutOfTurn);
        }
        let hash = self.state.get_handshake_hash().try_into();
        let (first, second) = self.state.dangerously_get_raw_split();
        let (send, receive) = if self.is_initiator {
            (first, second)
        } else {
            (second, first)
        };
        Ok(TransportKeys {
            hash: hash.expect("SHA-256 has 32 bytes"),
            send,
            receive,
        })
    }

    fn turn(
        &mut self,
        step: impl FnOnce(&mut HandshakeState) -> Result<usize, snow::Error>,
    ) -> Result<usize, NoiseError> {
        if self.has_failed {
            return Err(NoiseError::OutOfTurn);
        }
        step(&mut self.state).map_err(|error| {
            self.has_failed = true;
            match error {
                snow::Error::State(_) => NoiseError::OutOfTurn,
                snow::Error::Input => NoiseError::Length,
                _ => NoiseError::Refused,
            }
        })
    }
}

fn build(start: &Start<'_>) -> Result<HandshakeState, snow::Error> {
    let parameters = start.pattern.name().parse()?;
    let resolver = Box::new(AwsLcResolver::new(start.ephemeral));
    let mut builder = Builder::with_resolver(parameters, resolver)
        .prologue(start.prologue)?
        .local_private_key(start.key.secret())?
        .psk(start.pattern.psk_place(), start.psk)?;
    if let Some(peer_key) = start.peer_key {
        builder = builder.remote_public_key(peer_key.as_bytes())?;
    }
    if start.is_initiator {
        builder.build_initiator()
    } else {
        builder.build_responder()
    }
}

/// Each part preceded by its length as two bytes, big endian: the form of both prologues.
pub(crate) fn length_prefixed(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts {
        let length = u16::try_from(part.len()).expect("ids, hashes and origins are short");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("is_initiator", &self.is_initiator)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TransportKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransportKeys(…)")
    }
}

#[cfg(test)]
mod tests;
