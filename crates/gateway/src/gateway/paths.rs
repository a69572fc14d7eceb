//! Which ways lead to which session.

use std::time::Instant;

use super::{Event, Gateway};
use crate::path::{Path, Transport};
use crate::session::SessionKey;

/// Ways of one session. A browser shows its password on each pair of addresses that it tries; who
/// shows it on more loses the way that was not checked for longest.
pub(super) const MAX_PATHS: usize = 32;

impl Gateway {
    /// Whether a session has shown its password on this way.
    pub fn has_path(&self, path: &Path) -> bool {
        self.keys_by_path.contains_key(path)
    }

    /// A connection was closed. Where it was a session's last way, the session waits for another
    /// for a few seconds only.
    pub fn handle_disconnect(&mut self, path: Path, now: Instant) {
        let Some(key) = self.keys_by_path.remove(&path) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        session.paths.retain(|each| *each != path);
        if session.paths.is_empty() {
            session.handle_disconnected(now);
            self.timers.set(key, session.poll_timeout());
        }
    }

    /// A session has shown its password on this way.
    pub(super) fn note_path(&mut self, path: Path, key: SessionKey) {
        self.keys_by_path.insert(path, key);
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let paths = &mut session.paths;
        if paths.back() == Some(&path) {
            return;
        }
        paths.retain(|each| *each != path);
        paths.push_back(path);
        let oldest = (paths.len() > MAX_PATHS).then(|| paths.pop_front());
        if let Some(oldest) = oldest.flatten() {
            self.leave_path(oldest, key);
        }
    }

    /// A session does not use this way any more.
    pub(super) fn leave_path(&mut self, path: Path, key: SessionKey) {
        // Another session may have shown its password on it since.
        if self.keys_by_path.get(&path) != Some(&key) {
            return;
        }
        self.keys_by_path.remove(&path);
        if path.transport == Transport::Tcp {
            self.events.push_back(Event::Left(path));
        }
    }
}
