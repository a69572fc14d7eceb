//! The WebSocket routes of a whole server, in process, over real sockets.

mod link;
mod pairing;
mod refused;
mod register;
mod stage;
