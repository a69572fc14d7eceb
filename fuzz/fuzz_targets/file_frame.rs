//! File frames from a peer: never a panic; what is read has exactly these bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::file::FileFrame;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(frame) = FileFrame::decode(bytes) {
        assert_eq!(frame.encode().as_deref(), Ok(bytes));
    }
});
