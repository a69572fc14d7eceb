//! A client of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): publishes to and watches streams of
//! any server.
//!
//! Two layers. The pure core, [`Client`], decides: replies, datagrams and the time come in; requests,
//! datagrams and events go out. The shell (feature `tokio`, on by default) is [`Session`]: it owns
//! the sockets and the clock.

mod answer;
mod backoff;
mod client;
mod connection;
mod event;
mod fragment;
#[cfg(feature = "tokio")]
mod http_client;
mod links;
mod options;
mod refusal;
mod resource;
mod rtc;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "the shell reads the clock")]
mod session;

pub use client::{Client, Output};
pub use event::{Event, Frame, Loss, Over, Packet, Received};
#[cfg(feature = "tokio")]
pub use http_client::{HttpClient, HttpError, Reply, Requests};
pub use links::{IceServer, Links};
pub use options::{Carriage, Options, Role};
pub use refusal::Refusal;
#[cfg(feature = "tokio")]
pub use session::Session;
pub use str0m::format::Codec;
pub use str0m::media::{Frequency, MediaKind, MediaTime};
pub use url::Url;
