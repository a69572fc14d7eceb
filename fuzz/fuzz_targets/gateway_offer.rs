//! `POST /{stream}/whip`: whatever is offered, it is answered or refused, and the gateway can say
//! afterwards which.

#![no_main]

use std::time::Instant;

use gateway::{Address, Gateway, NewSession, Role, SessionId, Settings};
use libfuzzer_sys::fuzz_target;
use protocol::stream::StreamName;

fuzz_target!(|text: &str| {
    let (id, now) = (SessionId([1; 16]), Instant::now());
    let stream = StreamName::parse("cam0").expect("a name");
    let addr = "192.0.2.1:8443".parse().expect("an address");
    let addrs = vec![Address::udp(addr), Address::tcp(addr)];
    let mut gateway = Gateway::new(Settings {
        addrs,
        ..Settings::default()
    });
    let new = NewSession {
        id,
        stream: stream.clone(),
        role: Role::Publish,
        holders: Vec::new(),
        until: None,
        external: Vec::new(),
    };
    let answer = gateway.handle_offer(new, text, now);
    assert_eq!(
        answer.is_ok(),
        gateway.has_session(id, &stream, Role::Publish)
    );
    if let Ok(answer) = answer {
        assert!(answer.sdp.starts_with("v=0\r\n"));
        assert!(!answer.sdp.contains("a=sendrecv"));
    }
});
