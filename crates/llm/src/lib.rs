//! The bridge between a language model and the devices that are linked with it (`docs/llm.md`).
//!
//! The cores are pure: [`host::Host`] answers one device, [`client::Client`] asks, and
//! [`upstream::Reader`] understands model servers. Their shells (feature `tokio`, on by default)
//! own the channel of a [`peer::Link`], HTTP and the clock.

#[cfg(feature = "tokio")]
pub mod chatting;
pub mod client;
pub mod host;
#[cfg(feature = "tokio")]
pub mod proxy;
#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_methods, reason = "the shell reads the clock")]
pub mod serving;
pub mod upstream;
