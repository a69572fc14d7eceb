//! A STUN and TURN server core (RFC 8489, RFC 8656). Pure.
//!
//! No sockets, no clock, no randomness of its own: a [`Server`] is told what
//! arrived and when, answers a relayed packet by value ([`Relay`]) and queues
//! everything else as a [`Command`]. The loop around it owns the sockets.
//!
//! Start reading at [`Server`]; `relaying.rs` is the packet path.

mod allocate;
mod allocation;
mod allocations;
mod auth;
mod binding;
mod channels;
mod claim;
mod demux;
mod deny;
mod five_tuple;
mod framing;
mod limits;
mod nonce;
mod own;
mod permit;
mod random;
mod relaying;
mod relays;
mod reply;
mod requests;
mod server;
mod settings;
mod stats;
mod wire;

pub use auth::{GUEST_PREFIX, rest_password};
pub use demux::{PacketKind, classify};
pub use deny::is_denied;
pub use five_tuple::{FiveTuple, Transport};
pub use framing::{FrameBuffer, FramingError, MAX_FRAME_BYTES};
pub use relays::RelayId;
pub use server::{Command, Now, Server};
pub use settings::{Limits, RelayIp, Settings};
pub use stats::{DropCause, Stats};
pub use wire::{Header, MAX_HEADER_BYTES, Relay};
