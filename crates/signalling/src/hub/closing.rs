//! How sockets end: refused, turned away, revoked, drained, forgotten.

use std::time::{Duration, Instant};

use protocol::close::CloseCode;
use protocol::id::{DeviceId, PairId};
use protocol::signal::ErrorCode;

use super::Hub;
use crate::outbox::SocketId;
use crate::refused::{Dialect, Refused};
use crate::socket::Socket;

/// When somebody who was closed for flooding may come back.
const COME_BACK_AFTER_FLOOD: Duration = Duration::from_secs(60);

impl Hub {
    /// A device is revoked: its sockets close, and its peers', and its invites.
    pub fn revoke_device(&mut self, device: &DeviceId) {
        let mut sockets = self.links.revoke_device(device);
        sockets.extend(
            self.rendezvous
                .inviters_where(|grant| grant.device == *device),
        );
        self.turn_all_away(&sockets, &revoked(), CloseCode::Revoked);
    }

    /// A pair is revoked: both sides' sockets close.
    pub fn revoke_pair(&mut self, pair: &PairId) {
        let sockets = self.links.sockets_of_pair(pair);
        self.turn_all_away(&sockets, &revoked(), CloseCode::Revoked);
    }

    /// A signing key is killed: every socket that its tokens opened closes, and tokens that
    /// were checked just before open none.
    pub fn drop_key(&mut self, kid: &str) {
        if !self.is_dead(kid) {
            self.dead_keys.push_back(kid.to_owned());
        }
        while self.dead_keys.len() > self.limits.dead_keys {
            self.dead_keys.pop_front();
        }
        let mut sockets = self.links.sockets_of_key(kid);
        sockets.extend(self.rendezvous.inviters_where(|grant| grant.kid == kid));
        self.turn_all_away(&sockets, &dead_key(), CloseCode::Unauthorized);
    }

    /// The server stops: everybody is told and closed, and nobody is let in.
    pub fn drain(&mut self) {
        self.is_draining = true;
        let sockets: Vec<SocketId> = self.sockets.keys().copied().collect();
        self.turn_all_away(&sockets, &draining(), CloseCode::Away);
    }

    pub(super) fn is_dead(&self, kid: &str) -> bool {
        self.dead_keys.iter().any(|dead| dead == kid)
    }

    /// Files a fresh socket. False: nobody may come in, and it is turned away already.
    pub(super) fn enter(
        &mut self,
        socket: SocketId,
        dialect: Dialect,
        kid: Option<&str>,
        now: Instant,
    ) -> bool {
        let state = Socket::new(dialect, &self.limits, now);
        self.deadlines.insert((state.wake, socket));
        self.sockets.insert(socket, state);
        self.stats.count_opened(dialect);
        let is_dead = kid.is_some_and(|kid| self.is_dead(kid));
        if self.is_draining {
            self.turn_away(socket, &draining(), CloseCode::Away);
        } else if is_dead {
            self.turn_away(socket, &dead_key(), CloseCode::Unauthorized);
        }
        self.settle();
        !self.is_draining && !is_dead
    }

    /// Answers a refused message; some causes close the socket, and so does too much nonsense.
    pub(super) fn handle_refused(&mut self, socket: SocketId, refused: &Refused, now: Instant) {
        let Some(state) = self.sockets.get_mut(&socket) else {
            return;
        };
        let is_unbearable = refused.is_malformed() && !state.allowance.bear_malformed(now);
        self.refuse(socket, refused);
        if is_unbearable {
            self.out
                .close(socket, CloseCode::Malformed, "too many malformed messages");
        } else if refused.code == ErrorCode::TooLarge {
            self.out
                .close(socket, CloseCode::TooLarge, "message too large");
        }
    }

    /// Tells a socket what was refused, in its own words.
    pub(super) fn refuse(&mut self, socket: SocketId, refused: &Refused) {
        let Some(state) = self.sockets.get(&socket) else {
            return;
        };
        self.stats.count_refusal(state.dialect, refused.code);
        self.out.send(socket, refused.text(state.dialect));
    }

    /// Tells a socket why, and closes it.
    pub(super) fn turn_away(&mut self, socket: SocketId, refused: &Refused, code: CloseCode) {
        if self.sockets.contains_key(&socket) {
            self.refuse(socket, refused);
            self.out.close(socket, code, reason(refused.code));
        }
    }

    /// Too many messages for too long.
    pub(super) fn end_flood(&mut self, socket: SocketId) {
        let refused = too_fast(COME_BACK_AFTER_FLOOD);
        self.turn_away(socket, &refused, CloseCode::RateLimited);
    }

    fn turn_all_away(&mut self, sockets: &[SocketId], refused: &Refused, code: CloseCode) {
        for &socket in sockets {
            self.turn_away(socket, refused, code);
        }
        self.settle();
    }

    /// Forgets what was closed, until nothing more follows from it.
    pub(super) fn settle(&mut self) {
        while let Some(socket) = self.out.pop_closing() {
            self.forget(socket);
        }
    }

    /// Removes a socket from wherever it is; those who saw it hear that it left.
    pub(super) fn forget(&mut self, socket: SocketId) {
        let Some(state) = self.sockets.remove(&socket) else {
            return;
        };
        self.deadlines.remove(&(state.wake, socket));
        self.stats.count_gone(state.dialect);
        match state.dialect {
            Dialect::Link => self.links.leave(socket, &mut self.out),
            Dialect::Register => self.registers.leave(socket, &mut self.out),
            Dialect::Pairing => self.rendezvous.leave(socket, &mut self.out),
        }
    }
}

/// The close frame's reason.
fn reason(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Revoked => "the device or the pair is revoked",
        ErrorCode::Unauthorized => "the token does not serve any longer",
        ErrorCode::RateLimited => "too many",
        ErrorCode::Draining => "the server stops",
        ErrorCode::BadMessage => "no role was taken in time",
        _ => "the server is at fault",
    }
}

pub(super) fn revoked() -> Refused {
    Refused::new(ErrorCode::Revoked, "the device or the pair is revoked")
}

pub(super) fn unavailable() -> Refused {
    let retry_after = Duration::from_secs(5);
    Refused::new(ErrorCode::Internal, "the registry does not answer").after(retry_after)
}

pub(super) fn too_fast(retry_after: Duration) -> Refused {
    Refused::new(ErrorCode::RateLimited, "too many messages").after(retry_after)
}

fn dead_key() -> Refused {
    Refused::new(
        ErrorCode::Unauthorized,
        "the key of this token was withdrawn",
    )
}

fn draining() -> Refused {
    Refused::new(ErrorCode::Draining, "the server stops").after(Duration::from_secs(1))
}
