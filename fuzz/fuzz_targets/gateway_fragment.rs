//! `PATCH` of a session: a fragment is read or refused, and what was read are ICE characters.

#![no_main]

use gateway::Fragment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(fragment) = Fragment::parse(text) {
        for word in [&fragment.ufrag, &fragment.password] {
            assert!(!word.contains(|c: char| c.is_whitespace() || c.is_control()));
        }
    }
});
