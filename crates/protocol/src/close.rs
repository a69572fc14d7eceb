//! Close codes of every WebSocket (RFC 6455 §7.4), and what a client does then.

/// Why the server closes a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseCode {
    /// The server drains or stops, or hears nothing: reconnect with backoff.
    Away,
    /// The message was too large: report a bug.
    TooLarge,
    /// The server is at fault: reconnect with backoff.
    Internal,
    /// Malformed beyond patience: report a bug.
    Malformed,
    /// The token expired and was not renewed: reconnect with a fresh token.
    Unauthorized,
    /// The device or the pair is revoked: forget the pair.
    Revoked,
    /// The invite is unknown, used up, expired or burnt: say so.
    InviteOver,
    /// Replaced by a newer socket of this device: do not reconnect.
    Replaced,
    /// Too many messages for too long: reconnect after a minute.
    RateLimited,
    /// Done: nothing to do.
    Normal,
}

impl CloseCode {
    /// Every code.
    pub const ALL: [CloseCode; 10] = [
        CloseCode::Normal,
        CloseCode::Away,
        CloseCode::TooLarge,
        CloseCode::Internal,
        CloseCode::Malformed,
        CloseCode::Unauthorized,
        CloseCode::Revoked,
        CloseCode::InviteOver,
        CloseCode::Replaced,
        CloseCode::RateLimited,
    ];

    /// The number on the wire.
    pub fn number(self) -> u16 {
        match self {
            CloseCode::Normal => 1000,
            CloseCode::Away => 1001,
            CloseCode::TooLarge => 1009,
            CloseCode::Internal => 1011,
            CloseCode::Malformed => 4400,
            CloseCode::Unauthorized => 4401,
            CloseCode::Revoked => 4403,
            CloseCode::InviteOver => 4404,
            CloseCode::Replaced => 4409,
            CloseCode::RateLimited => 4429,
        }
    }
}
