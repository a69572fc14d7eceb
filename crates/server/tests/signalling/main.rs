//! The WebSocket routes of a whole server, in process, over real sockets.

#[path = "../stage/client.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod client;
mod link;
mod paired;
mod pairing;
mod refused;
mod register;
#[path = "../stage/stage.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod stage;
