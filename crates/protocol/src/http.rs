//! Bodies of the HTTP API (`docs/protocol.md`, HTTP), as both ends write them.
//!
//! Unknown members are ignored. Errors are [`crate::problem::Problem`]; streams and their shares
//! are in [`streams`], statistics that peers post in [`telemetry`].

use serde::{Deserialize, Serialize};

use crate::base64url::Base64Url;
use crate::id::{AccountId, DeviceId, PairId, ShareId};
use crate::record::{DeviceKind, DeviceRecord, PairStatement};
use crate::stream::{StreamName, StreamScope};

pub mod recordings;
pub mod streams;
pub mod telemetry;

/// How long a token serves, in seconds.
pub const TOKEN_LIFETIME_S: u64 = 300;
/// The most audit entries of one reply.
pub const MAX_AUDIT_ENTRIES: usize = 200;

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, also inviting accounts and reading the audit log.
    Admin,
    /// Its own devices and pairs.
    Member,
}

impl Role {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Member => "member",
        }
    }
}

/// One STUN or TURN server, as in the W3C's `RTCIceServer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IceServer {
    /// `stun:`, `turn:` and `turns:` URLs.
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// For TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// `GET /api/server`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// `heliograph`.
    pub name: String,
    /// Of the server.
    pub version: String,
    /// Every origin that an assertion may name.
    pub origins: Vec<String>,
    /// The origin that invites carry.
    pub invite_origin: String,
    /// The server's clock, in Unix milliseconds.
    pub now: u64,
    /// Whether the first account exists.
    pub set_up: bool,
    /// Whether `/ws` takes sockets without a token.
    pub open_rooms: bool,
}

/// `POST /api/setup`: a setup or account invite becomes an account with this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetupRequest {
    /// What stood after `#` in the link.
    pub secret: String,
    /// The device.
    pub record: DeviceRecord,
    /// Its assertion.
    pub assertion: String,
}

/// The account that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SetupReply {
    /// The account.
    pub account_id: AccountId,
    /// Its first device.
    pub device_id: DeviceId,
    /// What the account may do.
    pub role: Role,
}

/// `POST /api/auth/webrtc-token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenRequest {
    /// With it a link token is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair_id: Option<PairId>,
    /// With it a stream token is asked for; with neither an account token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub scope: Option<StreamScope>,
    /// Who asks.
    pub assertion: String,
}

/// A link, account or stream token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TokenReply {
    /// The JWT.
    pub token: String,
    /// In seconds.
    pub expires_in: u64,
    /// Where to find STUN and TURN.
    pub ice_servers: Vec<IceServer>,
}

/// `GET /.well-known/jwks.json` (RFC 7517 §5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Jwks {
    /// Previous, current and next key.
    pub keys: Vec<Jwk>,
}

/// An Ed25519 public key (RFC 8037 §2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Jwk {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub x: Base64Url<32>,
    /// Its name: the thumbprint.
    pub kid: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub key_use: String,
    /// `EdDSA`.
    pub alg: String,
}

/// One device of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// The device.
    pub device_id: DeviceId,
    /// What it calls itself.
    pub name: String,
    /// What its account calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What kind of device it is.
    pub kind: DeviceKind,
    /// When its record was signed, in Unix milliseconds.
    pub created: u64,
    /// When it last proved itself, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<u64>,
    /// Whether it has a signalling socket.
    pub online: bool,
    /// Whether it is the device that asks.
    #[serde(rename = "self")]
    pub is_self: bool,
    /// What its account may do.
    pub role: Role,
}

/// `GET /api/devices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Devices {
    /// Those of the account that are not revoked.
    pub devices: Vec<Device>,
}

/// `GET /v3/paths/list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StreamPaths {
    /// Streams in all.
    pub item_count: usize,
    /// Pages of the asked size.
    pub page_count: usize,
    /// Those of the page.
    pub items: Vec<StreamPath>,
}

/// A stream as camera tools read it, `GET /v3/paths/get/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct StreamPath {
    /// The stream.
    pub name: String,
    /// The same: a stream has no configuration apart.
    pub conf_name: String,
    /// Who publishes it.
    pub source: Option<StreamPathEnd>,
    /// Whether somebody does.
    pub ready: bool,
    /// Since when, RFC 3339.
    pub ready_time: Option<String>,
    /// Its codecs, sound first.
    pub tracks: Vec<String>,
    /// Bytes of media that came from the publisher.
    pub bytes_received: u64,
    /// Bytes of media that went to those who watch now.
    pub bytes_sent: u64,
    /// Who watches.
    pub readers: Vec<StreamPathEnd>,
}

/// A publisher or viewer of a [`StreamPath`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StreamPathEnd {
    /// `webRTCSession`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What `POST /v3/webrtcsessions/kick/{id}` takes.
    pub id: String,
}

/// `PATCH /api/devices/{id}` and `PATCH /api/pairs/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Rename {
    /// As a device's name; empty takes the label away.
    pub label: String,
}

/// One device of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PairedDevice {
    /// What it says about itself.
    pub record: DeviceRecord,
    /// Whether it has a signalling socket.
    pub online: bool,
}

/// One pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// The pair.
    pub pair_id: PairId,
    /// What the account that asks calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether both devices signed it.
    pub verified: bool,
    /// When they paired, in Unix milliseconds.
    pub created: u64,
    /// Lower device id first.
    pub devices: [PairedDevice; 2],
}

/// `GET /api/pairs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pairs {
    /// Those with a device of the account that are not revoked.
    pub pairs: Vec<Pair>,
}

/// `POST /api/pairs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NewPair {
    /// What both sign.
    pub statement: PairStatement,
    /// By the lower device.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sig_a: Base64Url<64>,
    /// By the higher device.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sig_b: Base64Url<64>,
    /// Of the lower device.
    pub record_a: DeviceRecord,
    /// Of the higher device.
    pub record_b: DeviceRecord,
}

/// `POST /api/invites`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Invite {
    /// `https://HOST/setup#…`.
    pub url: String,
    /// When it ends, in Unix milliseconds.
    pub expires_ms: u64,
}

/// Something that an admin may want to know about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// When, in Unix milliseconds.
    pub time: u64,
    /// What, for example `pair-added`.
    pub action: String,
    /// Whose doing it was, or whom it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Which device it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Which pair it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<PairId>,
    /// The pair of the same two devices that took its place.
    #[serde(
        default,
        rename = "replacedBy",
        skip_serializing_if = "Option::is_none"
    )]
    pub replaced_by: Option<PairId>,
    /// Which stream it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamName>,
    /// Which share of that stream it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<ShareId>,
}

/// `GET /api/audit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Audit {
    /// Newest first, at most [`MAX_AUDIT_ENTRIES`].
    pub entries: Vec<AuditEntry>,
}
