//! Bounded loads on TURN, signalling and media servers and on links, and what they cost.
//!
//! `bin/turn_load.rs` relays packets, `bin/signal_load.rs` relays messages, and
//! `bin/bare_forwarder.rs` is the least that a signalling relay can do. `bin/link_settle.rs` makes
//! native devices, and `bin/link_load.rs` holds their links. `bin/watch_load.rs` publishes a stream
//! and watches it, and `bin/bare_gateway.rs` is the least that a gateway can do.

mod arguments;
mod http;
mod media_client;
mod media_socket;
mod process;
mod publisher;
mod services;
mod turn_client;
mod viewers;

pub use arguments::Arguments;
pub use http::serve;
pub use media_client::{MediaClient, Seen};
pub use media_socket::MediaSocket;
pub use process::{Cpu, Process};
pub use publisher::{Picture, Publisher};
pub use services::Service;
pub use turn_client::{Account, TurnClient, reply_sizes};
pub use viewers::{Count, Viewers, ViewersHandle};
