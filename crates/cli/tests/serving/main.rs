//! The real `helio serve` as its own process: its commands, its log, its death.

mod commands;
mod durability;
mod media;
mod people;
mod process;
mod secrets_in_logs;
mod streams;
