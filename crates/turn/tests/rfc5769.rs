//! The test vectors of RFC 5769, through the codec that the server stands on.

#![allow(clippy::unwrap_used)] // A test may.

use std::net::SocketAddr;

use stun_types::attribute::{Fingerprint, XorMappedAddress};
use stun_types::message::{
    LongTermKeyCredentials, Message, MessageIntegrityCredentials, ShortTermCredentials,
};
use stun_types::prelude::AttributeStaticType;

const SHORT_TERM_PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

fn bytes(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/../../testdata/stun/{name}.hex",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).unwrap();
    let digits = text.split_whitespace();
    digits
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect()
}

fn short_term() -> MessageIntegrityCredentials {
    ShortTermCredentials::new(SHORT_TERM_PASSWORD.into()).into()
}

/// The signature verifies, and not after any one bit of what it covers is changed.
fn assert_signed(bytes: &[u8], credentials: &MessageIntegrityCredentials) {
    let message = Message::from_bytes(bytes).unwrap();
    assert!(message.validate_integrity(credentials).is_ok());
    let mut changed = bytes.to_vec();
    changed[27] ^= 1;
    let is_valid = Message::from_bytes(&changed)
        .is_ok_and(|message| message.validate_integrity(credentials).is_ok());
    assert!(!is_valid);
}

#[test]
fn short_term_vectors_verify() {
    for name in ["request", "ipv4-response", "ipv6-response"] {
        let bytes = bytes(name);
        assert_signed(&bytes, &short_term());
        assert!(
            Message::from_bytes(&bytes)
                .unwrap()
                .has_attribute(Fingerprint::TYPE)
        );
    }
}

#[test]
fn long_term_vector_verifies_with_the_md5_key() {
    let user = "\u{30DE}\u{30C8}\u{30EA}\u{30C3}\u{30AF}\u{30B9}";
    let credentials =
        LongTermKeyCredentials::new(user.into(), "TheMatrIX".into(), "example.org".into());
    assert_signed(&bytes("long-term-request"), &credentials.into());
}

#[test]
fn mapped_addresses_are_the_ones_of_the_vectors() {
    for (name, expected) in [
        ("ipv4-response", "192.0.2.1:32853"),
        (
            "ipv6-response",
            "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
        ),
    ] {
        let bytes = bytes(name);
        let message = Message::from_bytes(&bytes).unwrap();
        let mapped = message.attribute::<XorMappedAddress>().unwrap();
        let expected: SocketAddr = expected.parse().unwrap();
        assert_eq!(mapped.addr(message.transaction_id()), expected);
    }
}
