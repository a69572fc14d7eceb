//! How sessions end: by their client, by whoever may say so, by waiting for nobody.

use std::time::Instant;

use protocol::stream::StreamName;

use super::{Ended, Event, Gateway};
use crate::session::{Role, Session, SessionId, SessionKey};
use crate::stream::ORPHAN_LIFETIME;

impl Gateway {
    /// Ends a session at its client's wish; whether there was one.
    pub fn handle_delete(
        &mut self,
        id: SessionId,
        stream: &StreamName,
        role: Role,
        now: Instant,
    ) -> bool {
        let key = self.find(id, stream, role);
        key.is_some_and(|key| self.end(key, "deleted", now))
    }

    /// Ends a session at the operator's wish; whether there was one.
    pub fn kick(&mut self, id: SessionId, now: Instant) -> bool {
        let key = self.keys_by_id.get(&id).copied();
        key.is_some_and(|key| self.end(key, "kicked", now))
    }

    /// Ends every session that was opened by this right, which was revoked.
    pub fn revoke(&mut self, holder: &str, now: Instant) {
        self.end_all("revoked", now, |session| {
            session.holders.iter().any(|held| held == holder)
        });
    }

    /// Ends every session of a stream that is no more.
    pub fn forget(&mut self, stream: &StreamName, now: Instant) {
        self.end_all("forgotten", now, |session| session.stream == *stream);
    }

    /// Ends the sessions of those who watched because anybody might.
    pub fn close_to_strangers(&mut self, stream: &StreamName, now: Instant) {
        self.end_all("not public", now, |session| {
            session.stream == *stream && session.holders.is_empty()
        });
    }

    fn end_all(&mut self, why: &'static str, now: Instant, is_meant: impl Fn(&Session) -> bool) {
        let sessions = self.sessions.iter();
        let meant: Vec<_> = sessions
            .filter(|(_, session)| is_meant(session))
            .map(|(key, _)| *key)
            .collect();
        for key in meant {
            self.end(key, why, now);
        }
    }

    /// Viewers do not wait for ever.
    pub(super) fn drop_orphans(&mut self, name: &StreamName, now: Instant) {
        let Some(stream) = self.streams.get(name) else {
            return;
        };
        let since = stream.orphaned_at.filter(|at| *at + ORPHAN_LIFETIME <= now);
        if since.is_none() {
            return;
        }
        let viewers = stream.viewers.clone();
        for viewer in viewers {
            self.end(viewer, "not published", now);
        }
        self.streams.remove(name);
    }

    /// Ends a session; whether there was one.
    pub(super) fn end(&mut self, key: SessionKey, why: &'static str, now: Instant) -> bool {
        let Some(mut session) = self.sessions.remove(&key) else {
            return false;
        };
        session.close(now, &mut self.out);
        self.keys_by_id.remove(&session.id);
        self.keys_by_ufrag.remove(&session.ufrag);
        for path in session.paths.drain(..) {
            self.leave_path(path, key);
        }
        self.timers.remove(key);
        if let Some(stream) = self.streams.get_mut(&session.stream) {
            stream.viewers.remove(&key);
            let was_published = stream.publisher == Some(key);
            if was_published {
                stream.end(now);
            }
            if stream.publisher.is_none() && stream.viewers.is_empty() {
                self.streams.remove(&session.stream);
            }
            if was_published {
                self.end_recorded(&session.stream);
            }
        }
        let (id, stream, role) = (session.id, session.stream, session.role);
        let ended = Ended {
            id,
            stream,
            role,
            why,
        };
        self.events.push_back(Event::Ended(ended));
        true
    }
}
