//! A native link: descriptions, candidates and other messages of its peer, at any moment.

#![no_main]
#![allow(dead_code)] // The world is the link core's tests' and can more.

#[path = "../../crates/peer/tests/strangers/mod.rs"]
mod strangers;
#[path = "../../crates/peer/tests/two_links/mod.rs"]
mod two_links;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| strangers::play_signal(input));
