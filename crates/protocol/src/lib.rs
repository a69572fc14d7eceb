//! Words both ends speak: ids, signalling messages, HTTP bodies, control and file frames, chats,
//! problems.
//!
//! Types and their (de)serialisation only: no I/O, no clock, no cryptography. The bytes are
//! described in `docs/protocol.md`.

pub mod base64url;
pub mod cbor;
pub mod close;
pub mod control;
pub mod file;
pub mod frame;
pub mod http;
pub mod id;
pub mod invite_link;
pub mod json;
pub mod llm;
pub mod pairing;
pub mod problem;
pub mod record;
pub mod register;
pub mod signal;
pub mod stream;
