//! Where an inviter and a joiner exchange opaque messages (`/api/pairing/{id}`).
//!
//! An invite lives as long as its inviter's socket, at most 120 s, and its id is remembered as
//! spent for that long: whoever saw it cannot open it again.

use std::collections::BTreeMap;
use std::time::Instant;

use protocol::close::CloseCode;
use protocol::id::{AccountId, DeviceId};
use protocol::pairing::{
    self, ClientMessage, ErrorCode as PairingCode, MAX_FAILURES, MAX_MESSAGES_PER_JOINER,
    ServerMessage,
};
use protocol::signal::ErrorCode;

use crate::limits::Limits;
use crate::outbox::{Outbox, Output, SocketId};
use crate::refused::Refused;

/// What a checked account token says of an inviter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteGrant {
    /// Its `sub`.
    pub device: DeviceId,
    /// Its `accountId`.
    pub account: AccountId,
    /// The key that signed it.
    pub kid: String,
}

/// All invites, by rendezvous id.
#[derive(Debug, Default)]
pub(crate) struct Rendezvous {
    invites: BTreeMap<String, Invite>,
    id_by_socket: BTreeMap<SocketId, String>,
}

#[derive(Debug)]
struct Invite {
    grant: InviteGrant,
    ends: Instant,
    /// None once it is spent.
    inviter: Option<SocketId>,
    joiner: Option<SocketId>,
    messages: usize,
    failures: usize,
}

impl Rendezvous {
    /// The inviter opens its invite; the registry is asked whether its device still stands.
    pub(crate) fn open_invite(
        &mut self,
        socket: SocketId,
        id: String,
        grant: InviteGrant,
        limits: &Limits,
        out: &mut Outbox,
        now: Instant,
    ) -> Result<Option<Instant>, Refused> {
        self.invites
            .retain(|_, invite| invite.ends > now || invite.inviter.is_some());
        if self.invites.contains_key(&id) {
            end(
                socket,
                PairingCode::UnknownInvite,
                "this invite was opened before",
                out,
            );
            return Ok(None);
        }
        let own = self
            .invites
            .values()
            .filter(|invite| invite.grant.account == grant.account);
        if own.count() >= limits.invites_per_account || self.invites.len() >= limits.invites {
            let message = format!("at most {} invites at a time", limits.invites_per_account);
            return Err(Refused::new(ErrorCode::RateLimited, message).after(limits.invite_life));
        }
        out.order(Output::Lookup {
            socket,
            device: grant.device.clone(),
            account: grant.account.clone(),
            pair: None,
        });
        let ends = now + limits.invite_life;
        let inviter = Some(socket);
        let invite = Invite {
            grant,
            ends,
            inviter,
            joiner: None,
            messages: 0,
            failures: 0,
        };
        self.invites.insert(id.clone(), invite);
        self.id_by_socket.insert(socket, id);
        Ok(Some(ends))
    }

    /// A joiner comes: to a living invite, one at a time.
    pub(crate) fn join(&mut self, socket: SocketId, id: &str, out: &mut Outbox) {
        let invite = self.invites.get_mut(id);
        let Some((invite, inviter)) = invite.and_then(|invite| {
            let inviter = invite.inviter?;
            Some((invite, inviter))
        }) else {
            end(
                socket,
                PairingCode::UnknownInvite,
                "no such invite: used up or withdrawn",
                out,
            );
            return;
        };
        if invite.joiner.is_some() {
            end(
                socket,
                PairingCode::Busy,
                "somebody is joining already",
                out,
            );
            return;
        }
        invite.joiner = Some(socket);
        invite.messages = 0;
        self.id_by_socket.insert(socket, id.to_owned());
        out.send(socket, pairing::encode(&ServerMessage::Joined));
        out.send(inviter, pairing::encode(&ServerMessage::Joined));
    }

    /// A message's way: decoded, counted, passed on unread; or an order of the inviter.
    pub(crate) fn handle_text(
        &mut self,
        socket: SocketId,
        text: &str,
        out: &mut Outbox,
    ) -> Result<(), Refused> {
        let message = pairing::decode(text)?;
        let id = self.id_by_socket.get(&socket);
        let Some(invite) = id.and_then(|id| self.invites.get_mut(id)) else {
            return Ok(());
        };
        let is_inviter = invite.inviter == Some(socket);
        match message {
            ClientMessage::Noise { data } => invite.relay(is_inviter, data, out),
            ClientMessage::Failed | ClientMessage::Burn if !is_inviter => Err(Refused::new(
                ErrorCode::UnknownType,
                "only the inviter may say this",
            )),
            ClientMessage::Failed => {
                invite.fail(out);
                Ok(())
            }
            ClientMessage::Burn => {
                invite.end(PairingCode::Burnt, "the inviter withdrew the invite", out);
                Ok(())
            }
        }
    }

    /// The invite's time is over.
    pub(crate) fn expire(&mut self, socket: SocketId, out: &mut Outbox) {
        let id = self.id_by_socket.get(&socket);
        if let Some(invite) = id.and_then(|id| self.invites.get_mut(id)) {
            invite.end(PairingCode::Expired, "the invite's time is over", out);
        }
    }

    /// The socket is gone: with the inviter the invite ends, without a joiner it waits on.
    pub(crate) fn leave(&mut self, socket: SocketId, out: &mut Outbox) {
        let id = self.id_by_socket.remove(&socket);
        let Some(invite) = id.and_then(|id| self.invites.get_mut(&id)) else {
            return;
        };
        if invite.inviter == Some(socket) {
            invite.inviter = None;
            invite.end(PairingCode::UnknownInvite, "the inviter has left", out);
        } else if invite.joiner == Some(socket) {
            invite.joiner = None;
            if let Some(inviter) = invite.inviter {
                out.send(inviter, pairing::encode(&ServerMessage::Left));
            }
        }
    }

    /// The inviters that a revoked device or a killed key ends.
    pub(crate) fn inviters_where(&self, is_meant: impl Fn(&InviteGrant) -> bool) -> Vec<SocketId> {
        let meant = self
            .invites
            .values()
            .filter(|invite| is_meant(&invite.grant));
        meant.filter_map(|invite| invite.inviter).collect()
    }
}

impl Invite {
    fn relay(&mut self, is_inviter: bool, data: String, out: &mut Outbox) -> Result<(), Refused> {
        let to = if is_inviter {
            self.joiner
        } else {
            self.inviter
        };
        let Some(to) = to else {
            return Err(Refused::new(ErrorCode::PeerOffline, "nobody has joined"));
        };
        self.messages += 1;
        if self.messages > MAX_MESSAGES_PER_JOINER {
            self.fail(out);
            return Ok(());
        }
        out.send(to, pairing::encode(&ServerMessage::Noise { data }));
        Ok(())
    }

    /// One attempt is over; the third burns the invite.
    fn fail(&mut self, out: &mut Outbox) {
        let Some(joiner) = self.joiner else { return };
        end(joiner, PairingCode::Failed, "this attempt failed", out);
        self.failures += 1;
        if self.failures >= MAX_FAILURES {
            self.end(PairingCode::Burnt, "the invite failed too often", out);
        }
    }

    /// Spends the invite and closes both sockets.
    fn end(&mut self, code: PairingCode, message: &'static str, out: &mut Outbox) {
        for socket in [self.joiner.take(), self.inviter.take()]
            .into_iter()
            .flatten()
        {
            end(socket, code, message, out);
        }
    }
}

/// Tells one side that its invite is over.
fn end(socket: SocketId, code: PairingCode, message: &'static str, out: &mut Outbox) {
    let error = ServerMessage::Error {
        code,
        message: message.to_owned(),
    };
    out.send(socket, pairing::encode(&error));
    out.close(socket, CloseCode::InviteOver, message);
}
