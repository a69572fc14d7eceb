//! When a socket is looked at, and what its time brings: a ping, or its end.

use std::time::Instant;

use protocol::close::CloseCode;
use protocol::signal::ErrorCode;

use super::{Hub, closing};
use crate::heartbeat::Beat;
use crate::outbox::SocketId;
use crate::refused::Refused;
use crate::socket::Term;

impl Hub {
    /// When to call [`Hub::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// It is `now`: pings what must be asked, closes what is over.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(at, socket)) = self.deadlines.first()
            && at <= now
        {
            self.deadlines.pop_first();
            self.wake(socket, now);
            self.settle();
        }
    }

    fn wake(&mut self, socket: SocketId, now: Instant) {
        let Some(state) = self.sockets.get_mut(&socket) else {
            return;
        };
        if let Some(term) = state.take_term(now) {
            self.end_term(socket, term);
        } else {
            match state.heartbeat.handle_timeout(&self.limits, now) {
                Beat::Wait => {}
                Beat::Ping => self.out.ping(socket),
                Beat::Dead => self
                    .out
                    .close(socket, CloseCode::Away, "two pongs are missing"),
            }
        }
        self.settle();
        self.file(socket);
    }

    fn end_term(&mut self, socket: SocketId, term: Term) {
        match term {
            Term::Lookup => self.turn_away(socket, &closing::unavailable(), CloseCode::Internal),
            Term::Token => {
                let refused = Refused::new(ErrorCode::Unauthorized, "the token expired");
                self.turn_away(socket, &refused, CloseCode::Unauthorized);
            }
            Term::Role => {
                let refused = Refused::new(ErrorCode::BadMessage, "no role was taken in time");
                self.turn_away(socket, &refused, CloseCode::Malformed);
            }
            Term::Invite => self.rendezvous.expire(socket, &mut self.out),
        }
    }

    /// Ends the socket at `at` for this reason, in place of any other.
    pub(super) fn set_term(&mut self, socket: SocketId, term: Term, at: Instant) {
        if let Some(state) = self.sockets.get_mut(&socket) {
            state.term = Some((at, term));
        }
        self.file(socket);
    }

    /// Lets the socket live on.
    pub(super) fn clear_term(&mut self, socket: SocketId) {
        if let Some(state) = self.sockets.get_mut(&socket) {
            state.term = None;
        }
        self.file(socket);
    }

    /// Asks a socket out of turn whether it lives.
    pub(super) fn probe(&mut self, socket: SocketId, now: Instant) {
        let Some(state) = self.sockets.get_mut(&socket) else {
            return;
        };
        if state.heartbeat.probe(&self.limits, now) {
            self.out.ping(socket);
        }
        self.file(socket);
    }

    /// Files the socket under the deadline that is next.
    fn file(&mut self, socket: SocketId) {
        let Some(state) = self.sockets.get_mut(&socket) else {
            return;
        };
        self.deadlines.remove(&(state.wake, socket));
        state.wake = state.next_wake();
        self.deadlines.insert((state.wake, socket));
    }
}
