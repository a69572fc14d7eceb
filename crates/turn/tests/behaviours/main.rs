//! What the server must do, one claim a test, on a virtual clock.
#![allow(clippy::unwrap_used)] // A test may.
#![allow(clippy::disallowed_methods)] // The epoch of the world is any instant.

mod abuse;
mod allocations;
mod authentication;
mod corpus;
mod lifetimes;
mod limits;
mod mutation;
mod peers;
mod relaying;
mod reservations;
mod stun;
mod world;
