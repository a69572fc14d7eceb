//! What a stranger sends to a handshake and to sealed channels: refused, never believed, never a
//! panic. The first byte says to which.
#![no_main]

use identity::testing::noise::Listeners;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((which, message)) = bytes.split_first() else {
        return;
    };
    assert!(!Listeners::new().believes(*which, message));
});
