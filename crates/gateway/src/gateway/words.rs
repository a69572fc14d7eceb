//! What the gateway is told, answers and tells.

use std::time::Duration;

use protocol::stream::StreamName;

use crate::path::{Address, Path};
use crate::session::{Role, SessionId};

/// What the gateway is told at start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where its media is reached: host candidates, the one to be tried first at the front of those
    /// of its transport.
    pub addrs: Vec<Address>,
    /// What clients may hold.
    pub limits: Limits,
    /// How long a segment of a recording is to be.
    pub segment: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            addrs: Vec::new(),
            limits: Limits::default(),
            segment: Duration::from_secs(10),
        }
    }
}

/// What clients may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sessions, publishers and viewers together.
    pub sessions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sessions: 1024 }
    }
}

/// What an offer is answered with: a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// SDP: an answer, or an offer of the gateway's own.
    pub sdp: String,
    /// Whether it is an offer, to be answered by [`Gateway::handle_answer`] within
    /// [`CONNECT_WITHIN`] (draft-ietf-wish-whep, "Server Sends Counter-Offer").
    ///
    /// [`Gateway::handle_answer`]: crate::Gateway::handle_answer
    /// [`CONNECT_WITHIN`]: crate::CONNECT_WITHIN
    pub is_counter_offer: bool,
    /// The entity tag of the ICE session, without quotes.
    pub tag: String,
}

/// What a PATCH says that it is for (`If-Match`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag<'a> {
    /// Whatever ICE session there is: a restart.
    Any,
    /// The ICE session of this tag.
    Exact(&'a str),
}

/// What became of a PATCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patched {
    /// Candidates were taken note of.
    Trickled,
    /// ICE begins anew.
    Restarted {
        /// The server's side of it, `application/trickle-ice-sdpfrag`.
        fragment: String,
        /// The tag of the new ICE session.
        tag: String,
    },
}

/// Who is at a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attendance {
    /// Whether somebody publishes it.
    pub is_published: bool,
    /// How many watch it.
    pub viewers: usize,
}

/// What whoever runs the gateway wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Media may flow.
    Connected {
        /// The session.
        id: SessionId,
        /// Its stream.
        stream: StreamName,
        /// What it is for.
        role: Role,
    },
    /// A viewer gets another layer of the picture.
    Layer {
        /// The session.
        id: SessionId,
        /// Its stream.
        stream: StreamName,
        /// The layer's name.
        layer: String,
    },
    /// Layers of a stream's picture came or went, or have another size.
    Layers {
        /// The stream.
        stream: StreamName,
    },
    /// A session is over.
    Ended(Ended),
    /// No session uses this connection any more: it is to be closed once it has carried what was to
    /// be sent before.
    Left(Path),
}

/// A session that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The session.
    pub id: SessionId,
    /// Its stream.
    pub stream: StreamName,
    /// What it was for.
    pub role: Role,
    /// Why, in a word or two that metrics may count by.
    pub why: &'static str,
}
