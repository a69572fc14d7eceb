//! What is kept, as it stands in the files.

use std::fmt;

use protocol::base64url::Base64Url;
use protocol::id::PairId;
use protocol::record::DeviceRecord;
use serde::{Deserialize, Serialize};

/// `device.json`: this device's keys and record.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredIdentity {
    /// What the device says about itself.
    pub record: DeviceRecord,
    /// Seed of the Ed25519 key (RFC 8032 §5.1.5).
    pub ed25519_seed: Base64Url<32>,
    /// The X25519 private key (RFC 7748 §5).
    pub x25519_secret: Base64Url<32>,
}

/// Whether the server is known to hold a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PairState {
    /// Both devices signed; whether the server stored it is not known yet. Not to be linked.
    Pending,
    /// The server holds it.
    Paired,
}

/// `pairs/<pairId>.json`: one pair as this device knows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredPair {
    /// The pair.
    pub pair_id: PairId,
    /// Origin of the server that both signal through.
    pub server: String,
    /// The peer's record, pinned: names shown to people come from here.
    pub peer: DeviceRecord,
    /// The pair secret.
    pub secret: Base64Url<32>,
    /// Whether the server is known to hold it.
    pub state: PairState,
    /// When they paired by the inviter's clock, in Unix milliseconds.
    pub created: u64,
    /// When this device kept it by its own clock, in Unix milliseconds.
    pub kept: u64,
}

/// `servers/<host>.json`: a server this device has an account or a pair on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PinnedServer {
    /// Its origin.
    pub origin: String,
    /// PEM of the authority it was first seen with; absent where public roots vouch for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

impl fmt::Debug for StoredIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredIdentity({})", self.record.device_id)
    }
}

impl fmt::Debug for StoredPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pair_id, state, .. } = self;
        write!(f, "StoredPair({pair_id}, {state:?})")
    }
}
