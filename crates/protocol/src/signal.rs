//! Messages of `/api/signal`: one JSON object per WebSocket text, its kind in `t`.
//!
//! Chapter 1 of the specification and `docs/protocol.md`. The server relays a client's text as
//! it came, with `from` set ([`relayed`]); it never writes it anew from these types.

use serde::{Deserialize, Serialize};

use crate::http::IceServer;
use crate::id::{DeviceId, PairId};
use crate::json::{self, DecodeError};

mod error;

pub use error::{Error, ErrorCode};

/// The largest message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// The largest session description, in bytes.
pub const MAX_SDP_BYTES: usize = 32 * 1024;
/// The largest candidate line, in bytes.
pub const MAX_CANDIDATE_BYTES: usize = 1024;
/// How many candidates may follow an offer, from each side, those in its SDP included.
pub const MAX_CANDIDATES_PER_OFFER: usize = 128;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "t", rename_all = "kebab-case")]
pub enum ClientMessage {
    /// Proposes a session.
    Offer(Description),
    /// Accepts a session.
    Answer(Description),
    /// One trickled candidate.
    Ice(Candidate),
    /// Leaves the link.
    Bye(Bye),
    /// Renews the token of this socket.
    Auth(Auth),
}

/// What the server says, the other device's messages among it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "kebab-case")]
pub enum ServerMessage {
    /// The socket is known and may be used.
    Ready(Ready),
    /// The other device came or went. `online: true` again means that it came with a fresh
    /// socket.
    Peer(Presence),
    /// The token was renewed.
    AuthOk(AuthOk),
    /// A message was refused, or the socket is about to close.
    Error(Error),
    /// The other device's offer.
    Offer(Relayed<Description>),
    /// The other device's answer.
    Answer(Relayed<Description>),
    /// The other device's candidate.
    Ice(Relayed<Candidate>),
    /// The other device left.
    Bye(Relayed<Bye>),
}

/// A message of the other device, with its sender as the server knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relayed<T> {
    /// Who sent it, whatever the sender wrote there.
    pub from: DeviceId,
    /// What it sent.
    #[serde(flatten)]
    pub message: T,
}

/// An offer or an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The pair as the client wrote it; only the hub knows whether it is right.
    pub pair_id: String,
    /// The session description (RFC 8866), at most [`MAX_SDP_BYTES`].
    pub sdp: String,
    /// The sender's signing time in milliseconds; foreign clients leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ts: Option<u64>,
    /// The sender's signature; foreign clients leave it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig: Option<String>,
}

impl ClientMessage {
    /// The pair that a message for the other device names.
    pub fn pair_id(&self) -> Option<&str> {
        match self {
            ClientMessage::Offer(message) | ClientMessage::Answer(message) => {
                Some(&message.pair_id)
            }
            ClientMessage::Ice(message) => Some(&message.pair_id),
            ClientMessage::Bye(message) => Some(&message.pair_id),
            ClientMessage::Auth(_) => None,
        }
    }

    /// How many candidates it holds; the end of candidates is none.
    pub fn candidates(&self) -> usize {
        match self {
            ClientMessage::Offer(message) | ClientMessage::Answer(message) => message.candidates(),
            ClientMessage::Ice(message) => usize::from(!message.candidate.is_empty()),
            ClientMessage::Bye(_) | ClientMessage::Auth(_) => 0,
        }
    }
}

impl Description {
    /// How many candidates the SDP holds (RFC 8839 §5.1).
    pub fn candidates(&self) -> usize {
        self.sdp
            .lines()
            .filter(|line| line.starts_with("a=candidate:"))
            .count()
    }
}

/// One ICE candidate (RFC 8839 §5.1); an empty one is the end of candidates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The pair as the client wrote it.
    pub pair_id: String,
    /// `candidate:…`, at most [`MAX_CANDIDATE_BYTES`].
    pub candidate: String,
    /// The media section's identification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mid: Option<String>,
    /// The username fragment it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ufrag: Option<String>,
}

/// A farewell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bye {
    /// The pair as the client wrote it.
    pub pair_id: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A fresh link token.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// The token.
    pub token: String,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth { token: … }")
    }
}

/// The first message of the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// The pair of the token.
    pub pair_id: PairId,
    /// The device of the token.
    pub device_id: DeviceId,
    /// Whether this side yields when offers collide: the lower device id does.
    pub polite: bool,
    /// The other device.
    pub peer: Peer,
    /// What to gather candidates with.
    pub ice_servers: Vec<IceServer>,
    /// Until when the ICE servers' credentials serve, in seconds.
    pub ice_servers_exp: u64,
}

/// The other device of the pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// Its id.
    pub device_id: DeviceId,
    /// Whether it has a socket.
    pub online: bool,
}

/// The other device came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// The pair.
    pub pair_id: PairId,
    /// The other device.
    pub device_id: DeviceId,
    /// Whether it has a socket.
    pub online: bool,
}

/// The token was renewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthOk {
    /// When the new token ends, in seconds.
    pub exp: u64,
    /// What to gather candidates with from here on.
    pub ice_servers: Vec<IceServer>,
}

/// Only the kind; every other member is skipped.
#[derive(Deserialize)]
struct Kind {
    t: String,
}

/// Reads a client's message.
///
/// # Errors
/// One [`DecodeError`] per cause.
pub fn decode(text: &str) -> Result<ClientMessage, DecodeError> {
    json::check_message(text, MAX_MESSAGE_BYTES)?;
    let Kind { t } = json::body(text)?;
    match t.as_str() {
        "offer" => description(text).map(ClientMessage::Offer),
        "answer" => description(text).map(ClientMessage::Answer),
        "ice" => candidate(text).map(ClientMessage::Ice),
        "bye" => json::body(text).map(ClientMessage::Bye),
        "auth" => json::body(text).map(ClientMessage::Auth),
        _ => Err(DecodeError::UnknownType(t.chars().take(32).collect())),
    }
}

fn description(text: &str) -> Result<Description, DecodeError> {
    let description: Description = json::body(text)?;
    json::check_size("sdp", description.sdp.len(), MAX_SDP_BYTES)?;
    Ok(description)
}

fn candidate(text: &str) -> Result<Candidate, DecodeError> {
    let candidate: Candidate = json::body(text)?;
    json::check_size("candidate", candidate.candidate.len(), MAX_CANDIDATE_BYTES)?;
    Ok(candidate)
}

/// The text of a decoded message as the other device gets it: `from` set, the rest as it came.
pub fn relayed(text: &str, from: &DeviceId) -> String {
    json::with_member(text, "from", from.as_str())
}

/// Writes a message of the server.
pub fn encode(message: &ServerMessage) -> String {
    serde_json::to_string(message).expect("a message has string keys and finite numbers only")
}
