//! The native device: it links with paired browsers and other native devices, over any network.
//!
//! Two layers. The pure core decides: signalling messages, datagrams and the time come in;
//! messages, datagrams and events go out. The shell (feature `tokio`, on by default) owns the
//! sockets, the clock and the files. The bytes are described in `docs/protocol.md`.

pub mod ctl;
pub mod files;
pub mod link;
