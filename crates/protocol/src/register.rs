//! Messages of `/ws`, the sender and receiver dialect: JSON text, the kind in `type`.
//!
//! One sender, many receivers. What they relay is opaque: an `sdp` may be a string or an
//! object, and reaches the other side as it came, with the receiver's `id` beside it.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::http::IceServer;
use crate::json::{self, DecodeError};
use crate::signal::{MAX_CANDIDATE_BYTES, MAX_MESSAGE_BYTES, MAX_SDP_BYTES};

/// The longest receiver id or participant name, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// Which side of a stream a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Makes the offers.
    Sender,
    /// Answers them.
    Receiver,
}

impl Role {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Sender => "sender",
            Role::Receiver => "receiver",
        }
    }
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientMessage {
    /// Takes a role in the room.
    Register(Register),
    /// A message for the other side.
    Relay(Relay),
}

/// Takes a role in the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The role.
    pub role: Role,
    /// A secret of the client's choosing: a sender that names the same one again is the same
    /// participant, and takes over from its own dead socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant: Option<String>,
}

/// A message for the other side; its text is relayed, not these fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// What it carries.
    pub kind: RelayKind,
    /// Which receiver a sender means; a receiver's own is overwritten.
    pub id: Option<String>,
}

/// What a relayed message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayKind {
    /// A session description that proposes.
    Offer,
    /// A session description that accepts.
    Answer,
    /// A candidate.
    IceCandidate,
}

/// What the server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ServerMessage {
    /// The role is taken.
    #[serde(rename_all = "camelCase")]
    Registered {
        /// The role.
        role: Role,
        /// What to gather candidates with.
        turn_config: TurnConfig,
    },
    /// The other side is there.
    PeerConnected {
        /// Which side.
        peer: Role,
        /// Which receiver.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// The other side is gone.
    PeerDisconnected {
        /// Which side.
        peer: Role,
        /// Which receiver.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// A message was refused, or the socket is about to close.
    Error {
        /// For people.
        message: String,
    },
}

/// What to gather candidates with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnConfig {
    /// Servers as in the W3C's `RTCIceServer`.
    pub ice_servers: Vec<IceServer>,
}

/// Only the kind; every other member is skipped.
#[derive(Deserialize)]
struct Kind {
    r#type: String,
}

#[derive(Deserialize)]
struct Described {
    sdp: Box<RawValue>,
    #[serde(default)]
    id: Option<String>,
}

#[derive(Deserialize)]
struct Trickled {
    candidate: Box<RawValue>,
    #[serde(default)]
    id: Option<String>,
}

/// Reads a client's message.
///
/// # Errors
/// One [`DecodeError`] per cause.
pub fn decode(text: &str) -> Result<ClientMessage, DecodeError> {
    json::check_message(text, MAX_MESSAGE_BYTES)?;
    let Kind { r#type } = json::body(text)?;
    match r#type.as_str() {
        "register" => register(text),
        "offer" => described(text, RelayKind::Offer),
        "answer" => described(text, RelayKind::Answer),
        "ice-candidate" => trickled(text),
        _ => Err(DecodeError::UnknownType(r#type.chars().take(32).collect())),
    }
}

fn register(text: &str) -> Result<ClientMessage, DecodeError> {
    let register: Register = json::body(text)?;
    check_name("participant", register.participant.as_deref())?;
    Ok(ClientMessage::Register(register))
}

fn described(text: &str, kind: RelayKind) -> Result<ClientMessage, DecodeError> {
    let Described { sdp, id } = json::body(text)?;
    if !matches!(sdp.get().as_bytes().first(), Some(b'"' | b'{')) {
        return Err(DecodeError::BadMessage(
            "sdp is neither a string nor an object".into(),
        ));
    }
    // The limit is for the SDP as text: what JSON escapes in it does not count.
    json::check_size("sdp", text_bytes(sdp.get()), MAX_SDP_BYTES)?;
    relay(kind, id)
}

fn trickled(text: &str) -> Result<ClientMessage, DecodeError> {
    let Trickled { candidate, id } = json::body(text)?;
    if !matches!(candidate.get().as_bytes().first(), Some(b'"' | b'{' | b'n')) {
        return Err(DecodeError::BadMessage(
            "candidate is neither an object nor null".into(),
        ));
    }
    json::check_size(
        "candidate",
        text_bytes(candidate.get()),
        MAX_CANDIDATE_BYTES,
    )?;
    relay(RelayKind::IceCandidate, id)
}

fn relay(kind: RelayKind, id: Option<String>) -> Result<ClientMessage, DecodeError> {
    check_name("id", id.as_deref())?;
    Ok(ClientMessage::Relay(Relay { kind, id }))
}

fn check_name(part: &'static str, name: Option<&str>) -> Result<(), DecodeError> {
    json::check_size(part, name.map_or(0, str::len), MAX_NAME_BYTES)
}

/// The bytes of a string, or of an object as written.
fn text_bytes(raw: &str) -> usize {
    serde_json::from_str::<String>(raw).map_or(raw.len(), |text| text.len())
}

/// The text of a decoded message as the other side gets it: the receiver's `id` set, the rest
/// as it came.
pub fn relayed(text: &str, id: &str) -> String {
    json::with_member(text, "id", id)
}

/// Writes a message of the server.
pub fn encode(message: &ServerMessage) -> String {
    serde_json::to_string(message).expect("a message has string keys only")
}
