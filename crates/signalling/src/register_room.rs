//! Rooms of the register dialect (`/ws`): one sender, many receivers.
//!
//! The sender hears of every receiver with its id; a receiver knows only the sender.

use std::collections::BTreeMap;

use protocol::close::CloseCode;
use protocol::register::{self, ClientMessage, Register, Relay, Role, ServerMessage, TurnConfig};
use protocol::signal::ErrorCode;

use crate::limits::Limits;
use crate::outbox::{Outbox, SocketId};
use crate::refused::{Dialect, Refused};
use crate::register_seat::{Place, RegisterGrant, Seat};

/// All rooms; one exists while somebody has a role in it.
#[derive(Debug, Default)]
pub(crate) struct RegisterRooms {
    seats: BTreeMap<SocketId, Seat>,
    rooms: BTreeMap<String, Room>,
}

#[derive(Debug, Default)]
struct Room {
    sender: Option<Sender>,
    receivers: BTreeMap<String, SocketId>,
    receivers_so_far: u64,
}

#[derive(Debug)]
struct Sender {
    socket: SocketId,
    participant: Option<String>,
}

/// What the hub must do after a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing more.
    Nothing,
    /// The socket has its role: it need not hurry any longer.
    Registered,
    /// Somebody else wants this sender's role: ask whether it lives.
    Probe(SocketId),
}

impl RegisterRooms {
    /// Takes a seat, without a role yet.
    pub(crate) fn open(&mut self, socket: SocketId, grant: RegisterGrant) {
        self.seats.insert(socket, Seat { grant, place: None });
    }

    /// A message's way: decoded, then a role is taken or the other side found and told.
    /// `is_suspect` says of a socket that it missed its last pong.
    pub(crate) fn handle_text(
        &mut self,
        socket: SocketId,
        text: &str,
        limits: &Limits,
        is_suspect: impl Fn(SocketId) -> bool,
        out: &mut Outbox,
    ) -> Result<After, Refused> {
        match register::decode(text)? {
            ClientMessage::Register(register) => {
                self.register(socket, register, limits, is_suspect, out)
            }
            ClientMessage::Relay(relay) => {
                let (to, id) = self.receiver(socket, &relay)?;
                out.send(to, register::relayed(text, &id));
                Ok(After::Nothing)
            }
        }
    }

    fn register(
        &mut self,
        socket: SocketId,
        register: Register,
        limits: &Limits,
        is_suspect: impl Fn(SocketId) -> bool,
        out: &mut Outbox,
    ) -> Result<After, Refused> {
        let Some(seat) = self.seats.get(&socket) else {
            return Ok(After::Nothing);
        };
        if seat.place.is_some() {
            return Err(refused("this socket has a role already"));
        }
        if !seat.grant.allows(register.role) {
            let message = format!(
                "the token does not allow to be a {}",
                register.role.as_str()
            );
            return Err(Refused::new(ErrorCode::Unauthorized, message));
        }
        let (name, rooms) = (seat.grant.room.clone(), self.rooms.len());
        if !self.rooms.contains_key(&name) && rooms >= limits.register_rooms {
            return Err(busy(format!("there are {rooms} rooms already")));
        }
        match register.role {
            Role::Sender => self.register_sender(socket, &name, register, is_suspect, out),
            Role::Receiver => self.register_receiver(socket, &name, limits, out),
        }
    }

    /// The sender's role is free, or its holder is dead or the same participant.
    fn register_sender(
        &mut self,
        socket: SocketId,
        name: &str,
        Register { participant, .. }: Register,
        is_suspect: impl Fn(SocketId) -> bool,
        out: &mut Outbox,
    ) -> Result<After, Refused> {
        let room = self.rooms.entry(name.to_owned()).or_default();
        if let Some(sender) = &room.sender {
            let is_same = participant.is_some() && participant == sender.participant;
            if !is_same && !is_suspect(sender.socket) {
                return Ok(After::Probe(sender.socket));
            }
            let message = "the same participant took over from this socket";
            out.send(sender.socket, refused(message).text(Dialect::Register));
            out.close(
                sender.socket,
                CloseCode::Replaced,
                "replaced by a newer socket",
            );
        }
        room.sender = Some(Sender {
            socket,
            participant,
        });
        let receivers = room.receivers.clone();
        self.confirm(socket, Place::Sender, out);
        for (id, receiver) in receivers {
            out.send(receiver, connected(Role::Sender, None));
            out.send(socket, connected(Role::Receiver, Some(id)));
        }
        Ok(After::Registered)
    }

    fn register_receiver(
        &mut self,
        socket: SocketId,
        name: &str,
        limits: &Limits,
        out: &mut Outbox,
    ) -> Result<After, Refused> {
        let room = self.rooms.entry(name.to_owned()).or_default();
        if room.receivers.len() >= limits.receivers_per_room {
            return Err(busy(format!(
                "the room has {} receivers already",
                room.receivers.len()
            )));
        }
        room.receivers_so_far += 1;
        let id = room.receivers_so_far.to_string();
        room.receivers.insert(id.clone(), socket);
        let sender = room.sender.as_ref().map(|sender| sender.socket);
        self.confirm(socket, Place::Receiver(id.clone()), out);
        if let Some(sender) = sender {
            out.send(sender, connected(Role::Receiver, Some(id)));
            out.send(socket, connected(Role::Sender, None));
        }
        Ok(After::Registered)
    }

    fn confirm(&mut self, socket: SocketId, place: Place, out: &mut Outbox) {
        let Some(seat) = self.seats.get_mut(&socket) else {
            return;
        };
        let role = match place {
            Place::Sender => Role::Sender,
            Place::Receiver(_) => Role::Receiver,
        };
        let turn_config = TurnConfig {
            ice_servers: seat.grant.ice_servers.clone(),
        };
        seat.place = Some(place);
        out.send(
            socket,
            register::encode(&ServerMessage::Registered { role, turn_config }),
        );
    }

    /// Whom a message is for, and the id of the receiver it is to or from.
    fn receiver(&self, socket: SocketId, relay: &Relay) -> Result<(SocketId, String), Refused> {
        let seat = self.seats.get(&socket);
        let Some((seat, place)) = seat.and_then(|seat| Some((seat, seat.place.as_ref()?))) else {
            return Err(refused("register first"));
        };
        let Some(room) = self.rooms.get(&seat.grant.room) else {
            return Err(refused("register first"));
        };
        match place {
            Place::Receiver(id) => match &room.sender {
                Some(sender) => Ok((sender.socket, id.clone())),
                None => Err(offline("the room has no sender")),
            },
            Place::Sender => room.meant(relay.id.as_deref()),
        }
    }

    /// The socket is gone: its role is free and the other side hears of it.
    pub(crate) fn leave(&mut self, socket: SocketId, out: &mut Outbox) {
        let Some(Seat {
            grant,
            place: Some(place),
        }) = self.seats.remove(&socket)
        else {
            return;
        };
        let Some(room) = self.rooms.get_mut(&grant.room) else {
            return;
        };
        match place {
            Place::Sender if room.is_sender(socket) => {
                room.sender = None;
                for &receiver in room.receivers.values() {
                    out.send(receiver, disconnected(Role::Sender, None));
                }
            }
            // A newer socket has taken the role: the receivers have heard of it.
            Place::Sender => {}
            Place::Receiver(id) => {
                room.receivers.remove(&id);
                if let Some(sender) = &room.sender {
                    out.send(sender.socket, disconnected(Role::Receiver, Some(id)));
                }
            }
        }
        if room.sender.is_none() && room.receivers.is_empty() {
            self.rooms.remove(&grant.room);
        }
    }
}

impl Room {
    fn is_sender(&self, socket: SocketId) -> bool {
        self.sender
            .as_ref()
            .is_some_and(|sender| sender.socket == socket)
    }

    /// The receiver that the sender means; without an id, the only one.
    fn meant(&self, id: Option<&str>) -> Result<(SocketId, String), Refused> {
        let meant = match id {
            Some(id) => self.receivers.get_key_value(id),
            None if self.receivers.len() > 1 => {
                let message = format!(
                    "id is missing: the room has {} receivers",
                    self.receivers.len()
                );
                return Err(Refused::new(ErrorCode::BadMessage, message));
            }
            None => self.receivers.first_key_value(),
        };
        let (id, &socket) = meant.ok_or_else(|| offline("the room has no such receiver"))?;
        Ok((socket, id.clone()))
    }
}

/// Said of a sender that lives, when somebody else wants its role.
pub(crate) fn sender_taken(limits: &Limits) -> Refused {
    let message = format!(
        "the room has a sender; if it is gone, try again in {} s",
        limits.probe.as_secs()
    );
    Refused::new(ErrorCode::RateLimited, message).after(limits.probe)
}

fn refused(message: &str) -> Refused {
    Refused::new(ErrorCode::BadMessage, message)
}

fn busy(message: String) -> Refused {
    Refused::new(ErrorCode::RateLimited, message)
}

fn offline(message: &str) -> Refused {
    Refused::new(ErrorCode::PeerOffline, message)
}

fn connected(peer: Role, id: Option<String>) -> String {
    register::encode(&ServerMessage::PeerConnected { peer, id })
}

fn disconnected(peer: Role, id: Option<String>) -> String {
    register::encode(&ServerMessage::PeerDisconnected { peer, id })
}
