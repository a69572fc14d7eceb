//! What a link core orders and tells.

use std::net::SocketAddr;

use protocol::signal::ClientMessage;

use super::channels::Label;
use super::error::{Cause, Refusal};
use super::llm::LlmEvent;
use super::statistics::SetUp;
use super::video::VideoEvent;
use crate::ctl::CtlEvent;
use crate::files::{FileEvent, FileOrder};

/// A TCP connection that the core asked for; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// An order to the world.
#[derive(Debug)]
pub enum Output {
    /// Send this to the signalling server; nothing is lost by dropping it where there is no
    /// connection.
    Signal(ClientMessage),
    /// Send a datagram from a socket that the core was told of.
    Datagram {
        /// The socket's address.
        from: SocketAddr,
        /// Where to.
        to: SocketAddr,
        /// What.
        bytes: Vec<u8>,
    },
    /// Connect by TCP, and by TLS over it where a name is given.
    OpenStream {
        /// How the core calls it.
        stream: StreamId,
        /// Where to.
        to: SocketAddr,
        /// The name that the certificate must have.
        tls_name: Option<String>,
    },
    /// Send bytes over a stream.
    StreamData {
        /// The stream.
        stream: StreamId,
        /// What.
        bytes: Vec<u8>,
    },
    /// Close a stream.
    CloseStream {
        /// The stream.
        stream: StreamId,
    },
    /// Find the addresses of a host; by multicast DNS (RFC 6762) where it ends in `.local`.
    Lookup {
        /// The host's name.
        host: String,
    },
    /// Store that no description may be signed for this time (Unix milliseconds) again, before the
    /// next order is executed.
    RememberOwnTime(u64),
    /// Store that descriptions of the peer up to this time (Unix milliseconds) are used up, before
    /// the next order is executed.
    RememberPeerTime(u64),
    /// Read or write files, in the order of the orders; [`super::LinkCore::handle_disk`] takes the
    /// answer.
    Disk(FileOrder),
    /// Tell whoever uses the link.
    Event(Event),
}

/// Something that whoever uses the link wants to know.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The link is in another phase.
    Phase(Phase),
    /// The path that carries the link is known, or changed.
    Path(Path),
    /// The peer said something, or something that was said arrived or did not.
    Talk(CtlEvent),
    /// Another connection carries the link; so long it took.
    SetUp(SetUp),
    /// Something about a file.
    File(FileEvent),
    /// Something about the channel `llm`.
    Llm(LlmEvent),
    /// A channel whose sender was refused has room again.
    Writable(Label),
    /// Something about video.
    Video(VideoEvent),
    /// A description of the peer was refused; the link goes on.
    Refused(Refusal),
    /// An attempt failed; the next one begins by itself.
    Failed(Cause),
}

/// How far a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The server is not reached.
    Signalling,
    /// The other device is not at the server.
    Waiting,
    /// A path is looked for.
    Connecting,
    /// A path is found; the keys are being proven.
    Securing,
    /// Frames flow.
    Open,
    /// Frames flowed before; a new path is looked for.
    Reconnecting,
    /// Over, for good.
    Ended(EndedBy),
}

impl Phase {
    /// The name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Signalling => "signalling",
            Phase::Waiting => "waiting",
            Phase::Connecting => "connecting",
            Phase::Securing => "securing",
            Phase::Open => "open",
            Phase::Reconnecting => "reconnecting",
            Phase::Ended(_) => "ended",
        }
    }
}

/// Why a link is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// This side closed it.
    Closed,
    /// A newer link of this device took its place.
    Replaced,
    /// The pair was revoked.
    Revoked,
    /// The peer did not prove its key.
    Refused,
}

/// What kind of address a path's end is (RFC 8445 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathEnd {
    /// An address of the device itself.
    Host,
    /// Its address in front of a NAT, told by a STUN server.
    ServerReflexive,
    /// Its address in front of a NAT, learnt from its packets.
    PeerReflexive,
    /// An address at a relay.
    Relayed,
}

impl PathEnd {
    /// The name in statistics and telemetry.
    pub fn as_str(self) -> &'static str {
        match self {
            PathEnd::Host => "host",
            PathEnd::ServerReflexive => "srflx",
            PathEnd::PeerReflexive => "prflx",
            PathEnd::Relayed => "relay",
        }
    }
}

/// The path that carries a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path {
    /// This side's end.
    pub local: PathEnd,
    /// The other side's end.
    pub remote: PathEnd,
    /// This side's address: of its socket, or at its relay.
    pub local_addr: SocketAddr,
    /// Where packets go.
    pub remote_addr: SocketAddr,
}
