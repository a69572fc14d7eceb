//! Everything a stranger could make grow, with its limit; and every wait, with its length.
//!
//! Sizes of messages are the protocol's (`protocol::signal`), since both ends know them.

use std::time::Duration;

/// Limits of one hub.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Messages a socket may send at once.
    pub messages_burst: u32,
    /// Messages a socket may send for long.
    pub messages_per_second: u32,
    /// Bytes a socket may send at once.
    pub bytes_burst: u32,
    /// Bytes a socket may send for long.
    pub bytes_per_second: u32,
    /// Messages refused for their rate before the socket closes; one is forgiven a second.
    pub rate_refusals: u32,
    /// Malformed messages before the socket closes; one is forgiven a second.
    pub malformed_messages: u32,
    /// Link sockets of one account.
    pub sockets_per_account: usize,
    /// Rooms of the register dialect.
    pub register_rooms: usize,
    /// Receivers in one room of the register dialect.
    pub receivers_per_room: usize,
    /// Invites, living or remembered as spent.
    pub invites: usize,
    /// The same of one account.
    pub invites_per_account: usize,
    /// Killed keys that are remembered, so that a token checked before is refused after.
    pub dead_keys: usize,
    /// Between two pings.
    pub ping_every: Duration,
    /// Pings in a row without a pong before the socket closes.
    pub missed_pongs: u32,
    /// How soon a sender must answer when somebody else wants its role.
    pub probe: Duration,
    /// How long a socket outlives its token.
    pub token_grace: Duration,
    /// How long the registry may take to answer.
    pub lookup: Duration,
    /// How long a socket of the register dialect may stay without a role.
    pub register_within: Duration,
    /// How long an invite lives.
    pub invite_life: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages_burst: 160,
            messages_per_second: 20,
            bytes_burst: 1024 * 1024,
            bytes_per_second: 64 * 1024,
            rate_refusals: 160,
            malformed_messages: 64,
            sockets_per_account: 256,
            register_rooms: 1024,
            receivers_per_room: 64,
            invites: 1024,
            invites_per_account: 16,
            dead_keys: 64,
            ping_every: Duration::from_secs(20),
            missed_pongs: 2,
            probe: Duration::from_secs(5),
            token_grace: Duration::from_secs(30),
            lookup: Duration::from_secs(10),
            register_within: Duration::from_secs(10),
            invite_life: Duration::from_secs(120),
        }
    }
}
