//! RTP payloads of a publisher, and datagrams of strangers at the media port.

#![no_main]

use std::time::Instant;

use gateway::{Codec, Gateway, Path, Settings, begins_key_frame};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for codec in [Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1, Codec::Opus] {
        begins_key_frame(codec, bytes);
    }
    let mut gateway = Gateway::new(Settings::default());
    let port = "192.0.2.1:8443".parse().expect("an address");
    let stranger = "203.0.113.9:9".parse().expect("an address");
    assert!(!gateway.handle_packet(Path::udp(port, stranger), bytes, Instant::now()));
    assert!(gateway.poll_transmit().is_none());
});
