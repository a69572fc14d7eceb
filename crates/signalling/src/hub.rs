//! The hub: every open socket, whatever its dialect, and what happens to it.
//!
//! Facts come in by `handle_*`, orders go out by `poll_output`. A message is weighed against
//! its socket's allowance here and then goes its way through the room of its dialect. Not here:
//! sockets, clocks, the registry; the server's loop has them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Instant;

use protocol::close::CloseCode;
use protocol::http::IceServer;
use protocol::id::DeviceId;
use protocol::signal::{self, AuthOk, ErrorCode, ServerMessage};

use crate::limits::Limits;
use crate::link_room::LinkRooms;
use crate::link_seat::{Admission, LinkGrant};
use crate::outbox::{Outbox, Output, SocketId};
use crate::refused::{Dialect, Refused};
use crate::register_room::{self, After, RegisterRooms};
use crate::register_seat::RegisterGrant;
use crate::rendezvous::{InviteGrant, Rendezvous};
use crate::socket::{Socket, Term, Verdict};
use crate::stats::Stats;

mod closing;
mod timing;

/// Why a lookup admits nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The device or the pair is unknown or revoked.
    Revoked,
    /// The registry could not say.
    Unavailable,
}

/// A token that was checked to renew a socket's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// What it says.
    pub grant: LinkGrant,
    /// Its `exp` as written, in seconds.
    pub exp: u64,
    /// What `auth-ok` hands out.
    pub ice_servers: Vec<IceServer>,
}

/// Everything that is connected. One task owns it.
#[derive(Debug)]
pub struct Hub {
    limits: Limits,
    sockets: BTreeMap<SocketId, Socket>,
    deadlines: BTreeSet<(Instant, SocketId)>,
    links: LinkRooms,
    registers: RegisterRooms,
    rendezvous: Rendezvous,
    out: Outbox,
    dead_keys: VecDeque<String>,
    is_draining: bool,
    stats: Stats,
}

impl Hub {
    /// A hub with nobody in it.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            sockets: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            links: LinkRooms::default(),
            registers: RegisterRooms::default(),
            rendezvous: Rendezvous::default(),
            out: Outbox::default(),
            dead_keys: VecDeque::new(),
            is_draining: false,
            stats: Stats::default(),
        }
    }

    /// A device opened `/api/signal` with a checked link token.
    pub fn handle_link_opened(&mut self, socket: SocketId, grant: LinkGrant, now: Instant) {
        if !self.enter(socket, Dialect::Link, Some(&grant.kid), now) {
            return;
        }
        let per_account = self.limits.sockets_per_account;
        match self.links.open(socket, grant, per_account, &mut self.out) {
            Ok(()) => self.set_term(socket, Term::Lookup, now + self.limits.lookup),
            Err(refused) => self.turn_away(socket, &refused, CloseCode::RateLimited),
        }
        self.settle();
    }

    /// Somebody opened `/ws`.
    pub fn handle_register_opened(&mut self, socket: SocketId, grant: RegisterGrant, now: Instant) {
        if !self.enter(socket, Dialect::Register, None, now) {
            return;
        }
        self.registers.open(socket, grant);
        self.set_term(socket, Term::Role, now + self.limits.register_within);
        self.settle();
    }

    /// An inviter opened `/api/pairing/{id}` with a checked account token.
    pub fn handle_invite_opened(
        &mut self,
        socket: SocketId,
        id: String,
        grant: InviteGrant,
        now: Instant,
    ) {
        if !self.enter(socket, Dialect::Pairing, Some(&grant.kid), now) {
            return;
        }
        match self
            .rendezvous
            .open_invite(socket, id, grant, &self.limits, &mut self.out, now)
        {
            Ok(Some(ends)) => self.set_term(socket, Term::Invite, ends),
            Ok(None) => {}
            Err(refused) => self.turn_away(socket, &refused, CloseCode::RateLimited),
        }
        self.settle();
    }

    /// A joiner opened `/api/pairing/{id}`.
    pub fn handle_joiner_opened(&mut self, socket: SocketId, id: &str, now: Instant) {
        if !self.enter(socket, Dialect::Pairing, None, now) {
            return;
        }
        self.rendezvous.join(socket, id, &mut self.out);
        self.settle();
    }

    /// The answer to [`Output::Lookup`]; an inviter's admission is not looked at.
    pub fn handle_lookup(&mut self, socket: SocketId, answer: Result<Option<Admission>, Denial>) {
        let refusal = match answer {
            Ok(None) => None,
            Ok(Some(admission)) => self.admit(socket, admission).err(),
            Err(Denial::Revoked) => Some(closing::revoked()),
            Err(Denial::Unavailable) => Some(closing::unavailable()),
        };
        if let Some(refused) = refusal {
            let is_revoked = refused.code == ErrorCode::Revoked;
            let code = if is_revoked {
                CloseCode::Revoked
            } else {
                CloseCode::Internal
            };
            self.turn_away(socket, &refused, code);
        }
        self.settle();
    }

    fn admit(&mut self, socket: SocketId, admission: Admission) -> Result<(), Refused> {
        self.links.admit(socket, admission, &mut self.out)?;
        if let Some(expires) = self.links.expires(socket) {
            self.set_term(socket, Term::Token, expires + self.limits.token_grace);
        }
        Ok(())
    }

    /// The answer to [`Output::Verify`]: none where the token does not serve.
    pub fn handle_verified(&mut self, socket: SocketId, renewal: Option<Renewal>) {
        let renewal = renewal.filter(|renewal| !self.is_dead(&renewal.grant.kid));
        let grant = renewal.as_ref().map(|renewal| renewal.grant.clone());
        match (self.links.handle_verified(socket, grant), renewal) {
            (
                Ok(()),
                Some(Renewal {
                    grant,
                    exp,
                    ice_servers,
                }),
            ) => {
                self.set_term(socket, Term::Token, grant.expires + self.limits.token_grace);
                let auth_ok = ServerMessage::AuthOk(AuthOk { exp, ice_servers });
                self.out.send(socket, signal::encode(&auth_ok));
            }
            (Ok(()), None) => {}
            (Err(refused), _) => self.refuse(socket, &refused),
        }
        self.settle();
    }

    /// A text came: the start of every message's way.
    pub fn handle_text(&mut self, socket: SocketId, text: &str, now: Instant) {
        let Some(state) = self.sockets.get_mut(&socket) else {
            return;
        };
        let dialect = state.dialect;
        self.stats.count_message(dialect);
        match state.allowance.take(text.len(), now) {
            Verdict::Pass => {
                let result = match dialect {
                    Dialect::Link => self.links.handle_text(socket, text, &mut self.out, now),
                    Dialect::Register => self.handle_register_text(socket, text, now),
                    Dialect::Pairing => self.rendezvous.handle_text(socket, text, &mut self.out),
                };
                if let Err(refused) = result {
                    self.handle_refused(socket, &refused, now);
                }
            }
            Verdict::Refuse(retry_after) => self.refuse(socket, &closing::too_fast(retry_after)),
            Verdict::Close => self.end_flood(socket),
        }
        self.settle();
    }

    fn handle_register_text(
        &mut self,
        socket: SocketId,
        text: &str,
        now: Instant,
    ) -> Result<(), Refused> {
        let (limits, sockets) = (&self.limits, &self.sockets);
        let is_suspect = |socket: SocketId| {
            sockets
                .get(&socket)
                .is_none_or(|state| state.heartbeat.is_suspect())
        };
        match self
            .registers
            .handle_text(socket, text, limits, is_suspect, &mut self.out)?
        {
            After::Nothing => Ok(()),
            After::Registered => {
                self.clear_term(socket);
                Ok(())
            }
            After::Probe(sender) => {
                self.probe(sender, now);
                Err(register_room::sender_taken(&self.limits))
            }
        }
    }

    /// A binary message came; every dialect is text.
    pub fn handle_binary(&mut self, socket: SocketId, bytes: usize, now: Instant) {
        let Some(state) = self.sockets.get_mut(&socket) else {
            return;
        };
        self.stats.count_message(state.dialect);
        match state.allowance.take(bytes, now) {
            Verdict::Close => self.end_flood(socket),
            Verdict::Pass | Verdict::Refuse(_) => {
                let refused = Refused::new(ErrorCode::BadJson, "messages are json text");
                self.handle_refused(socket, &refused, now);
            }
        }
        self.settle();
    }

    /// A message was larger than the loop reads.
    pub fn handle_oversized(&mut self, socket: SocketId, now: Instant) {
        let message = format!("message is larger than {} bytes", signal::MAX_MESSAGE_BYTES);
        self.handle_refused(socket, &Refused::new(ErrorCode::TooLarge, message), now);
        self.settle();
    }

    /// A pong came.
    pub fn handle_pong(&mut self, socket: SocketId) {
        if let Some(state) = self.sockets.get_mut(&socket) {
            state.heartbeat.handle_pong();
        }
    }

    /// The socket is gone; no order for it follows.
    pub fn handle_closed(&mut self, socket: SocketId) {
        self.forget(socket);
        self.settle();
    }

    /// The next order, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        let output = self.out.poll()?;
        if let Output::Close { code, .. } = output {
            self.stats.count_close(code);
        }
        Some(output)
    }

    /// Which of the devices have an admitted link socket.
    pub fn online(&self, devices: &[DeviceId]) -> Vec<bool> {
        let online = self.links.devices();
        devices
            .iter()
            .map(|device| online.contains(device))
            .collect()
    }

    /// What was seen so far.
    pub fn stats(&self) -> Stats {
        self.stats.clone()
    }
}
