//! Who a device is and how it proves it: thumbprints, records, pair statements, assertions,
//! tokens, signed session descriptions, the Noise handshakes of pairings and links, sealed
//! channels, TURN credentials, secrets of invites and shares.
//!
//! Pure: the caller brings the time and the randomness. The bytes are described in
//! `docs/protocol.md`.

mod assertion;
mod channel;
mod ed25519;
mod jwks;
mod jws;
mod key_ring;
mod link_handshake;
mod noise;
mod pair_keys;
mod pairing_handshake;
mod record;
mod sdp;
mod secret;
mod statement;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod thumbprint;
mod token;
mod turn_credentials;
mod words;

pub use assertion::{Assertion, AssertionError, ReadAssertion, sign_assertion};
pub use channel::{
    AeadFailure, OrderedChannel, REPLAY_WINDOW, ReplayWindow, SEAL_OVERHEAD_BYTES, UnorderedChannel,
};
pub use ed25519::{SigningKey, verify_signature};
pub use jws::{JwsError, MAX_JWS_BYTES, SKEW_S};
pub use key_ring::{KeyRing, RetiredKey, UnknownKey};
pub use link_handshake::{LinkEnd, LinkProof};
pub use noise::{
    Handshake, MAX_NOISE_BYTES, MAX_NOISE_PAYLOAD_BYTES, NoiseError, NoiseKey, TransportKeys,
};
pub use pair_keys::{pair_id, pair_secret};
pub use pairing_handshake::{
    PairingTransport, invite_handshake, join_handshake, pairing_prologue, pairing_psk,
};
pub use record::{RecordError, VerifiedRecord};
pub use sdp::{DescriptionKind, SdpError, SignedDescription};
pub use secret::{OneTimeSecret, SecretError, SecretHash, ShareCode, sha256};
pub use statement::{StatementError, VerifiedPair};
pub use thumbprint::thumbprint;
pub use token::{Scope, Token, TokenError, WrongScope};
pub use turn_credentials::{MAX_TTL_S, TurnCredentials};
pub use words::word_indices;
