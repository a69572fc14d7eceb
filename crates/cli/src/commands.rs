//! One file per command of `helio`.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod chat;
mod chats;
pub(crate) mod config;
pub(crate) mod conform;
pub(crate) mod devices;
pub(crate) mod doctor;
pub(crate) mod file;
pub(crate) mod host;
pub(crate) mod keys;
mod linking;
pub(crate) mod message;
pub(crate) mod pair;
pub(crate) mod pairs;
mod pictures;
pub(crate) mod proxy;
pub(crate) mod publish;
pub(crate) mod receive;
pub(crate) mod recordings;
pub(crate) mod send;
pub(crate) mod serve;
pub(crate) mod setup;
mod streaming;
pub(crate) mod streams;
pub(crate) mod watch;
