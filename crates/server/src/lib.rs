//! The server: HTTP, WebSocket, UDP and TCP loops around the pure cores.
//!
//! [`run`] is the life of the process; [`start`] is the same without the terminal, for tests.

pub mod admin;
mod clock;
pub mod config;
mod control;
mod edges;
mod external_addresses;
mod files;
mod gate;
mod http;
mod ice_servers;
mod log;
mod metrics;
mod names;
mod ports;
mod random;
mod recording;
mod running;
mod secrets;
pub mod settings;
pub mod signalling_loop;
mod site;
mod telemetry;
mod tickets;
mod tls;
pub mod udp_loop;
pub mod welcome;

pub use http::openapi_document;
pub use running::{Running, StartError, offline, run, start};
