//! Bounded loads on TURN and signalling servers and on links, and what they cost.
//!
//! `bin/turn_load.rs` relays packets, `bin/signal_load.rs` relays messages, and
//! `bin/bare_forwarder.rs` is the least that a signalling relay can do. `bin/link_settle.rs` makes
//! native devices, and `bin/link_load.rs` holds their links.

mod arguments;
mod process;
mod turn_client;

pub use arguments::Arguments;
pub use process::{Cpu, Process};
pub use turn_client::{Account, TurnClient, reply_sizes};
