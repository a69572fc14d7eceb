//! What sockets and handlers tell the owner.

use std::sync::Arc;

use protocol::id::{DeviceId, PairId};
use signalling::{InviteGrant, LinkGrant, RegisterGrant, SocketId, Stats};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::socket::Outgoing;

/// A fact or a request, in the order it came.
pub(super) enum Command {
    /// A handler checked a socket's token and is about to accept it.
    Opened {
        socket: SocketId,
        opening: Opening,
        outgoing: mpsc::Sender<Outgoing>,
        host: Arc<str>,
    },
    /// A text came.
    Text { socket: SocketId, text: Utf8Bytes },
    /// A binary message came.
    Binary { socket: SocketId, bytes: usize },
    /// A message came that was too large to be read.
    Oversized { socket: SocketId },
    /// A pong came.
    Pong { socket: SocketId },
    /// The socket is gone.
    Closed { socket: SocketId },
    /// Something must be so once `done` is told.
    Order {
        order: Order,
        done: oneshot::Sender<()>,
    },
    /// Which devices have a socket.
    Online {
        devices: Vec<DeviceId>,
        reply: oneshot::Sender<Vec<bool>>,
    },
    /// What was seen so far.
    Stats { reply: oneshot::Sender<Stats> },
}

/// What a socket is for, and what its token allows.
pub(super) enum Opening {
    Link(LinkGrant),
    Register(RegisterGrant),
    Inviter { id: String, grant: InviteGrant },
    Joiner { id: String },
}

/// What closes sockets from outside.
pub(super) enum Order {
    RevokeDevice(DeviceId),
    RevokePair(PairId),
    DropKey(String),
    Drain,
}
