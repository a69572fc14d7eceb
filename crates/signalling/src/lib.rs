//! Who is connected and who may talk to whom. Pure.
//!
//! [`Hub`] owns every open socket of the three dialects: the link of a pair (`/api/signal`),
//! sender and receivers (`/ws`), and the pairing rendezvous (`/api/pairing/{id}`). It is told
//! what happened and says what to do; `now` comes with each fact.
//!
//! ```
//! use std::time::Instant;
//! use signalling::{Hub, Limits, Output, RegisterGrant, SocketId};
//!
//! let mut hub = Hub::new(Limits::default());
//! # #[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
//! let now = Instant::now();
//! let grant = RegisterGrant {
//!     room: "default".into(),
//!     may_send: true,
//!     may_receive: true,
//!     ice_servers: Vec::new(),
//! };
//! hub.handle_register_opened(SocketId(1), grant, now);
//! hub.handle_text(SocketId(1), r#"{"type":"register","role":"sender"}"#, now);
//! assert!(matches!(hub.poll_output(), Some(Output::Send { .. })));
//! ```

mod bucket;
#[cfg(test)]
mod epoch;
mod heartbeat;
mod hub;
mod limits;
mod link_room;
mod link_seat;
mod outbox;
mod refused;
mod register_room;
mod register_seat;
mod rendezvous;
mod socket;
mod stats;

pub use hub::{Denial, Hub, Renewal};
pub use limits::Limits;
pub use link_seat::{Admission, LinkGrant};
pub use outbox::{Output, SocketId};
pub use refused::Dialect;
pub use register_seat::RegisterGrant;
pub use rendezvous::InviteGrant;
pub use stats::Stats;
