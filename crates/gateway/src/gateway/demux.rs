//! Whose packet it is (RFC 7983 §7, RFC 8445 §7.3).

use stun_types::attribute::Username;
use stun_types::message::Message;

use super::Gateway;
use crate::path::Path;
use crate::session::SessionKey;

/// The second byte of a Binding request (RFC 8489 §5); the first is 0.
const BINDING_REQUEST: u8 = 1;

impl Gateway {
    /// The session that a packet belongs to: a connectivity check by the credentials that it
    /// names, everything else by the way that they were shown on.
    pub(super) fn owner(&self, path: Path, bytes: &[u8]) -> Option<SessionKey> {
        match bytes {
            // Relays share the port: what can be no check is not read.
            [0, BINDING_REQUEST, ..] if !self.sessions.is_empty() => {
                let ufrag = checked_ufrag(bytes)?;
                self.keys_by_ufrag.get(&ufrag).copied()
            }
            [20..=63 | 128..=191, ..] => self.keys_by_path.get(&path).copied(),
            _ => None,
        }
    }
}

/// The server's part of a connectivity check's USERNAME, `server:client`.
fn checked_ufrag(bytes: &[u8]) -> Option<String> {
    let message = Message::from_bytes(bytes).ok()?;
    let username = message.attribute::<Username>().ok()?;
    let (own, _) = username.username().split_once(':')?;
    Some(own.to_owned())
}
