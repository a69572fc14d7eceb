//! One socket of the register dialect: the room it may enter, and the role it has there.

use protocol::http::IceServer;
use protocol::register::Role;

/// Which room a socket may enter, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterGrant {
    /// The room.
    pub room: String,
    /// Whether it may be the sender.
    pub may_send: bool,
    /// Whether it may be a receiver.
    pub may_receive: bool,
    /// What `registered` hands out.
    pub ice_servers: Vec<IceServer>,
}

impl RegisterGrant {
    /// Whether it may have this role.
    pub(crate) fn allows(&self, role: Role) -> bool {
        match role {
            Role::Sender => self.may_send,
            Role::Receiver => self.may_receive,
        }
    }
}

/// One socket, and the role it has taken.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) grant: RegisterGrant,
    pub(crate) place: Option<Place>,
}

/// A role that was taken; a receiver has an id in its room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Sender,
    Receiver(String),
}
