//! The native device: it links with paired browsers and other native devices, over any network.
//!
//! Two layers. The pure core decides: signalling messages, datagrams and the time come in;
//! messages, datagrams and events go out. The shell (feature `tokio`, on by default) owns the
//! sockets, the clock and the files. The bytes are described in `docs/protocol.md`.

pub mod ctl;
#[cfg(feature = "tokio")]
pub mod device;
pub mod device_keys;
pub mod doctor;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "the shell reads the clock")]
mod driver;
pub mod files;
pub mod link;
#[cfg_attr(
    feature = "tokio",
    expect(clippy::disallowed_methods, reason = "its shell reads the clock")
)]
pub mod pairing;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "the shell reads the clock")]
pub mod server_api;
#[cfg(feature = "stills")]
pub mod stills;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_types, reason = "the shell owns the files")]
pub mod store;

#[cfg(feature = "tokio")]
pub use driver::{
    Link, LinkError, LinkOptions, LlmChannel, LlmEpoch, LlmIncoming, LlmSender, LlmSlot,
    NotOffered, NotSaid, Voice,
};
