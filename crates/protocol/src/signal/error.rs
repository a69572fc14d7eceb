//! Why a message of `/api/signal` was refused, by a stable code.

use serde::{Deserialize, Serialize};

use crate::json::DecodeError;

/// Why a message was refused or the socket closes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Error {
    /// The stable name of the cause.
    pub code: ErrorCode,
    /// For people.
    pub message: String,
    /// When to try again; 0 where trying again does not help.
    #[serde(default)]
    pub retry_after_ms: u64,
}

/// The stable names of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// The text is not JSON, or nests too deeply.
    BadJson,
    /// A member is missing, doubled or of the wrong type.
    BadMessage,
    /// No message has this `t`.
    UnknownType,
    /// The message names another pair than the token.
    WrongPair,
    /// The other device has no socket.
    PeerOffline,
    /// The message or a part of it is larger than its limit.
    TooLarge,
    /// Too many messages or sockets.
    RateLimited,
    /// The token does not serve.
    Unauthorized,
    /// The device or the pair is revoked.
    Revoked,
    /// A newer socket took this one's place.
    Replaced,
    /// The server stops.
    Draining,
    /// The server is at fault.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of the specification.
    pub const ALL: [ErrorCode; 12] = [
        ErrorCode::BadJson,
        ErrorCode::BadMessage,
        ErrorCode::UnknownType,
        ErrorCode::WrongPair,
        ErrorCode::PeerOffline,
        ErrorCode::TooLarge,
        ErrorCode::RateLimited,
        ErrorCode::Unauthorized,
        ErrorCode::Revoked,
        ErrorCode::Replaced,
        ErrorCode::Draining,
        ErrorCode::Internal,
    ];

    /// The name on the wire, also a metric label.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::BadJson => "bad-json",
            ErrorCode::BadMessage => "bad-message",
            ErrorCode::UnknownType => "unknown-type",
            ErrorCode::WrongPair => "wrong-pair",
            ErrorCode::PeerOffline => "peer-offline",
            ErrorCode::TooLarge => "too-large",
            ErrorCode::RateLimited => "rate-limited",
            ErrorCode::Unauthorized => "unauthorized",
            ErrorCode::Revoked => "revoked",
            ErrorCode::Replaced => "replaced",
            ErrorCode::Draining => "draining",
            ErrorCode::Internal => "internal",
        }
    }
}

impl From<&DecodeError> for ErrorCode {
    fn from(error: &DecodeError) -> Self {
        match error {
            DecodeError::TooLarge { .. } => ErrorCode::TooLarge,
            DecodeError::TooDeep | DecodeError::BadJson(_) => ErrorCode::BadJson,
            DecodeError::BadMessage(_) => ErrorCode::BadMessage,
            DecodeError::UnknownType(_) => ErrorCode::UnknownType,
        }
    }
}
