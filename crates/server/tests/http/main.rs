//! The HTTP side and the one port of a whole server, in process, over real sockets.

mod assertions;
mod bodies;
#[path = "../stage/client.rs"]
mod client;
mod config;
mod configuration_page;
mod devices;
mod edges;
mod faults;
mod gates;
mod media_connections;
mod openapi;
mod pages;
mod pairs;
mod plain_doors;
mod plain_http;
mod proxies;
mod setup;
mod shares;
#[path = "../stage/stage.rs"]
mod stage;
mod stopping;
mod streams;
mod timeouts;
mod tls;
mod tokens;
#[allow(clippy::unwrap_used, reason = "a failed step fails the test")]
#[path = "../turn_session/mod.rs"]
mod turn_session;
mod turn_streams;
mod whip;
