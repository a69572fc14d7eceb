//! The meeting place of one pair's two devices (`/api/signal`).
//!
//! A socket takes its seat when it opens, before the registry is asked: a revocation that
//! comes while the answer is under way finds it. It is heard and seen once it is admitted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use protocol::close::CloseCode;
use protocol::id::{AccountId, DeviceId, PairId};
use protocol::signal::{self, ClientMessage, ErrorCode, Peer, Presence, Ready, ServerMessage};

use crate::link_seat::{Admission, LinkGrant, Seat};
use crate::outbox::{Outbox, Output, SocketId};
use crate::refused::{Dialect, Refused};

/// The seats of all pairs.
#[derive(Debug, Default)]
pub(crate) struct LinkRooms {
    seats: BTreeMap<SocketId, Seat>,
    rooms: BTreeMap<PairId, Room>,
    sockets_by_account: BTreeMap<AccountId, usize>,
}

/// The admitted sockets of a pair, by device.
#[derive(Debug, Default)]
struct Room {
    sockets: BTreeMap<DeviceId, SocketId>,
    offered_at: Option<Instant>,
}

impl LinkRooms {
    /// Takes a seat and asks the registry.
    pub(crate) fn open(
        &mut self,
        socket: SocketId,
        grant: LinkGrant,
        sockets_per_account: usize,
        out: &mut Outbox,
    ) -> Result<(), Refused> {
        let sockets = self
            .sockets_by_account
            .entry(grant.account.clone())
            .or_default();
        if *sockets >= sockets_per_account {
            let message = format!("this account has {sockets_per_account} sockets already");
            return Err(Refused::new(ErrorCode::RateLimited, message));
        }
        *sockets += 1;
        out.order(Output::Lookup {
            socket,
            device: grant.device.clone(),
            account: grant.account.clone(),
            pair: Some(grant.pair.clone()),
        });
        self.seats.insert(socket, Seat::new(grant));
        Ok(())
    }

    /// The registry admits the socket: it is ready, and replaces an older one of its device.
    pub(crate) fn admit(
        &mut self,
        socket: SocketId,
        admission: Admission,
        out: &mut Outbox,
    ) -> Result<(), Refused> {
        let Some(seat) = self.seats.get_mut(&socket) else {
            return Ok(());
        };
        if seat.revoked_meanwhile.contains(&admission.peer) {
            return Err(Refused::new(
                ErrorCode::Revoked,
                "the other device is revoked",
            ));
        }
        let LinkGrant { device, pair, .. } = seat.grant.clone();
        let room = self.rooms.entry(pair.clone()).or_default();
        if let Some(&other) = room.sockets.get(&device) {
            replace(socket.min(other), out);
            if other > socket {
                return Ok(());
            }
        }
        seat.peer = Some(admission.peer.clone());
        room.sockets.insert(device.clone(), socket);
        let peer_socket = room.sockets.get(&admission.peer).copied();
        let ready = Ready {
            pair_id: pair.clone(),
            device_id: device.clone(),
            polite: device < admission.peer,
            peer: Peer {
                device_id: admission.peer,
                online: peer_socket.is_some(),
            },
            ice_servers: admission.ice_servers,
            ice_servers_exp: admission.ice_servers_exp,
        };
        out.send(socket, signal::encode(&ServerMessage::Ready(ready)));
        if let Some(peer_socket) = peer_socket {
            out.send(peer_socket, presence(&pair, &device, true));
        }
        Ok(())
    }

    /// A message's way: decoded, its pair checked, its receiver found, its candidates counted,
    /// its sender set, relayed.
    pub(crate) fn handle_text(
        &mut self,
        socket: SocketId,
        text: &str,
        out: &mut Outbox,
        now: Instant,
    ) -> Result<(), Refused> {
        let message = signal::decode(text)?;
        let Some(pair_id) = message.pair_id() else {
            return self.renew(socket, message, out);
        };
        let peer_socket = self.receiver(socket, pair_id)?;
        self.count_candidates(socket, peer_socket, &message)?;
        let Some(Seat { grant, .. }) = self.seats.get(&socket) else {
            return Ok(());
        };
        if let Some(room) = self.rooms.get_mut(&grant.pair) {
            room.observe(&message, &grant.pair, out, now);
        }
        out.send(peer_socket, signal::relayed(text, &grant.device));
        Ok(())
    }

    /// The other device's socket, if the message is for the pair of the token.
    fn receiver(&self, socket: SocketId, pair_id: &str) -> Result<SocketId, Refused> {
        let seat = self.seats.get(&socket);
        let Some((seat, peer)) = seat.and_then(|seat| Some((seat, seat.peer.as_ref()?))) else {
            return Err(Refused::new(ErrorCode::BadMessage, "wait for ready"));
        };
        if pair_id != seat.grant.pair.as_str() {
            return Err(Refused::new(
                ErrorCode::WrongPair,
                "the token is for another pair",
            ));
        }
        let room = self.rooms.get(&seat.grant.pair);
        let peer_socket = room.and_then(|room| room.sockets.get(peer)).copied();
        peer_socket
            .ok_or_else(|| Refused::new(ErrorCode::PeerOffline, "the other device has no socket"))
    }

    /// An offer starts both sides' counts anew; what it and an answer hold counts too.
    fn count_candidates(
        &mut self,
        socket: SocketId,
        peer_socket: SocketId,
        message: &ClientMessage,
    ) -> Result<(), Refused> {
        if matches!(message, ClientMessage::Offer(_)) {
            for socket in [socket, peer_socket] {
                if let Some(seat) = self.seats.get_mut(&socket) {
                    seat.forget_candidates();
                }
            }
        }
        let seat = self.seats.get_mut(&socket);
        seat.map_or(Ok(()), |seat| seat.count_candidates(message.candidates()))
    }

    /// Asks the loop to check a fresh token.
    fn renew(
        &mut self,
        socket: SocketId,
        message: ClientMessage,
        out: &mut Outbox,
    ) -> Result<(), Refused> {
        if let (ClientMessage::Auth(auth), Some(seat)) = (message, self.seats.get_mut(&socket)) {
            seat.begin_renewal()?;
            let token = auth.token;
            out.order(Output::Verify { socket, token });
        }
        Ok(())
    }

    /// A fresh token was checked.
    pub(crate) fn handle_verified(
        &mut self,
        socket: SocketId,
        grant: Option<LinkGrant>,
    ) -> Result<(), Refused> {
        let seat = self.seats.get_mut(&socket);
        seat.map_or(Ok(()), |seat| seat.end_renewal(grant))
    }

    /// When the token of a seated socket expires.
    pub(crate) fn expires(&self, socket: SocketId) -> Option<Instant> {
        self.seats.get(&socket).map(|seat| seat.grant.expires)
    }

    /// The socket is gone: its seat is free and the other device hears of it.
    pub(crate) fn leave(&mut self, socket: SocketId, out: &mut Outbox) {
        let Some(seat) = self.seats.remove(&socket) else {
            return;
        };
        let LinkGrant {
            device,
            pair,
            account,
            ..
        } = seat.grant;
        if let Some(sockets) = self.sockets_by_account.get_mut(&account) {
            *sockets -= 1;
            if *sockets == 0 {
                self.sockets_by_account.remove(&account);
            }
        }
        let Some(room) = self.rooms.get_mut(&pair) else {
            return;
        };
        if room.sockets.get(&device) == Some(&socket) {
            room.sockets.remove(&device);
            for &peer_socket in room.sockets.values() {
                out.send(peer_socket, presence(&pair, &device, false));
            }
        }
        if room.sockets.is_empty() {
            self.rooms.remove(&pair);
        }
    }

    /// The sockets that a revoked device ends: its own, and its peers'. Those whose peer the
    /// registry has yet to name are told by [`LinkRooms::admit`].
    pub(crate) fn revoke_device(&mut self, device: &DeviceId) -> Vec<SocketId> {
        for seat in self.seats.values_mut().filter(|seat| seat.peer.is_none()) {
            seat.revoked_meanwhile.push(device.clone());
        }
        self.sockets_where(|seat| {
            seat.grant.device == *device || seat.peer.as_ref() == Some(device)
        })
    }

    /// Both sides of a pair.
    pub(crate) fn sockets_of_pair(&self, pair: &PairId) -> Vec<SocketId> {
        self.sockets_where(|seat| seat.grant.pair == *pair)
    }

    /// The sockets whose token this key signed.
    pub(crate) fn sockets_of_key(&self, kid: &str) -> Vec<SocketId> {
        self.sockets_where(|seat| seat.grant.kid == kid)
    }

    /// The devices that have an admitted socket.
    pub(crate) fn devices(&self) -> BTreeSet<&DeviceId> {
        self.rooms
            .values()
            .flat_map(|room| room.sockets.keys())
            .collect()
    }

    fn sockets_where(&self, is_meant: impl Fn(&Seat) -> bool) -> Vec<SocketId> {
        let meant = self.seats.iter().filter(|(_, seat)| is_meant(seat));
        meant.map(|(socket, _)| *socket).collect()
    }
}

impl Room {
    /// Notes how long an offer waits for its answer.
    fn observe(&mut self, message: &ClientMessage, pair: &PairId, out: &mut Outbox, now: Instant) {
        match message {
            ClientMessage::Offer(_) => self.offered_at = Some(now),
            ClientMessage::Answer(_) => {
                if let Some(offered_at) = self.offered_at.take() {
                    let elapsed = now.saturating_duration_since(offered_at);
                    out.order(Output::Answered {
                        pair: pair.clone(),
                        elapsed,
                    });
                }
            }
            ClientMessage::Ice(_) | ClientMessage::Bye(_) | ClientMessage::Auth(_) => {}
        }
    }
}

fn replace(older: SocketId, out: &mut Outbox) {
    let refused = Refused::new(
        ErrorCode::Replaced,
        "a newer socket of this device took over",
    );
    out.send(older, refused.text(Dialect::Link));
    out.close(older, CloseCode::Replaced, "replaced by a newer socket");
}

fn presence(pair: &PairId, device: &DeviceId, online: bool) -> String {
    let presence = Presence {
        pair_id: pair.clone(),
        device_id: device.clone(),
        online,
    };
    signal::encode(&ServerMessage::Peer(presence))
}
