//! Why a message was refused, before any dialect words it.

use std::time::Duration;

use protocol::json::DecodeError;
use protocol::signal::{self, ErrorCode};
use protocol::{pairing, register};

/// Which words a socket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// `/api/signal`.
    Link,
    /// `/ws`.
    Register,
    /// `/api/pairing/{id}`.
    Pairing,
}

/// A refusal: its cause, and what a person reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    pub(crate) retry_after: Duration,
}

impl Refused {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after: Duration::ZERO,
        }
    }

    pub(crate) fn after(self, retry_after: Duration) -> Self {
        Self {
            retry_after,
            ..self
        }
    }

    /// Whether it counts against the patience for malformed messages.
    pub(crate) fn is_malformed(&self) -> bool {
        matches!(self.code, ErrorCode::BadJson | ErrorCode::BadMessage)
    }

    /// The refusal in the socket's words.
    pub(crate) fn text(&self, dialect: Dialect) -> String {
        let message = self.message.clone();
        match dialect {
            Dialect::Link => signal::encode(&signal::ServerMessage::Error(signal::Error {
                code: self.code,
                message,
                retry_after_ms: u64::try_from(self.retry_after.as_millis()).unwrap_or(u64::MAX),
            })),
            Dialect::Register => register::encode(&register::ServerMessage::Error { message }),
            Dialect::Pairing => {
                let code = pairing::ErrorCode::from(self.code);
                pairing::encode(&pairing::ServerMessage::Error { code, message })
            }
        }
    }
}

impl From<DecodeError> for Refused {
    fn from(error: DecodeError) -> Self {
        Self::new(ErrorCode::from(&error), error.to_string())
    }
}
