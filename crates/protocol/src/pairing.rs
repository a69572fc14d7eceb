//! Messages of the rendezvous socket `/api/pairing/{id}`: JSON text, the kind in `t`.
//!
//! What the two devices say stays opaque here (`data`); the Noise handshake inside is the
//! identity crate's.

use serde::{Deserialize, Serialize};

use crate::json::{self, DecodeError};
use crate::signal;

/// The largest text, in bytes: 4 KiB of payload.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024;
/// How many opaque messages one joiner and the inviter may exchange.
pub const MAX_MESSAGES_PER_JOINER: usize = 16;
/// How many failed attempts burn an invite.
pub const MAX_FAILURES: usize = 3;

/// What the inviter or the joiner says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub enum ClientMessage {
    /// An opaque message for the other.
    Noise {
        /// base64url.
        data: String,
    },
    /// The inviter ends this attempt.
    Failed,
    /// The inviter ends the invite.
    Burn,
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub enum ServerMessage {
    /// The other's opaque message.
    Noise {
        /// base64url.
        data: String,
    },
    /// The other is there.
    Joined,
    /// The joiner is gone.
    Left,
    /// A message was refused, or the socket is about to close.
    Error {
        /// The stable name of the cause.
        code: ErrorCode,
        /// For people.
        message: String,
    },
}

/// The stable names of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// The text is not JSON, or nests too deeply.
    BadJson,
    /// A member is missing or of the wrong type.
    BadMessage,
    /// No message has this `t`, or it is the inviter's alone.
    UnknownType,
    /// The message is larger than its limit.
    TooLarge,
    /// Too many messages or invites.
    RateLimited,
    /// The other is not there.
    PeerOffline,
    /// No such invite: never opened, used up or withdrawn.
    UnknownInvite,
    /// Somebody is joining already.
    Busy,
    /// The invite's time is over.
    Expired,
    /// The invite failed too often or was withdrawn.
    Burnt,
    /// This attempt failed.
    Failed,
    /// The inviter's device is revoked.
    Revoked,
    /// The inviter's token no longer serves.
    Unauthorized,
    /// The server stops.
    Draining,
    /// The server is at fault.
    Internal,
}

impl From<signal::ErrorCode> for ErrorCode {
    fn from(code: signal::ErrorCode) -> Self {
        match code {
            signal::ErrorCode::BadJson => ErrorCode::BadJson,
            signal::ErrorCode::BadMessage => ErrorCode::BadMessage,
            signal::ErrorCode::UnknownType => ErrorCode::UnknownType,
            signal::ErrorCode::TooLarge => ErrorCode::TooLarge,
            signal::ErrorCode::RateLimited => ErrorCode::RateLimited,
            signal::ErrorCode::PeerOffline => ErrorCode::PeerOffline,
            signal::ErrorCode::Revoked => ErrorCode::Revoked,
            signal::ErrorCode::Unauthorized | signal::ErrorCode::WrongPair => {
                ErrorCode::Unauthorized
            }
            signal::ErrorCode::Draining => ErrorCode::Draining,
            signal::ErrorCode::Replaced | signal::ErrorCode::Internal => ErrorCode::Internal,
        }
    }
}

/// Only the kind; every other member is skipped.
#[derive(Deserialize)]
struct Kind {
    t: String,
}

#[derive(Deserialize)]
struct Noise {
    data: String,
}

/// Reads a client's message.
///
/// # Errors
/// One [`DecodeError`] per cause.
pub fn decode(text: &str) -> Result<ClientMessage, DecodeError> {
    json::check_message(text, MAX_MESSAGE_BYTES)?;
    let Kind { t } = json::body(text)?;
    match t.as_str() {
        "noise" => noise(text),
        "failed" => Ok(ClientMessage::Failed),
        "burn" => Ok(ClientMessage::Burn),
        _ => Err(DecodeError::UnknownType(t.chars().take(32).collect())),
    }
}

fn noise(text: &str) -> Result<ClientMessage, DecodeError> {
    let Noise { data } = json::body(text)?;
    if !is_base64url(&data) {
        return Err(DecodeError::BadMessage("data is not base64url".into()));
    }
    Ok(ClientMessage::Noise { data })
}

fn is_base64url(data: &str) -> bool {
    data.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Writes a message of the server.
pub fn encode(message: &ServerMessage) -> String {
    serde_json::to_string(message).expect("a message has string keys only")
}
