//! TURN: datagrams, signed and not, against a server with an authenticated allocation.

#![no_main]
#![allow(dead_code)] // The world is the behaviours tests' and can more.

#[path = "../../crates/turn/tests/behaviours/mutation.rs"]
mod mutation;
#[path = "../../crates/turn/tests/behaviours/world.rs"]
mod world;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| mutation::play_datagrams(input));
