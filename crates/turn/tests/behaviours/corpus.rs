//! The corpora of the fuzz targets, replayed; and bytes that proptest makes up.

use std::fs;
use std::path::PathBuf;

use crate::mutation::{play_datagrams, play_stream};
use proptest::prelude::*;

fn replay(target: &str, play: fn(&[u8])) {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../fuzz/corpus", target]
        .iter()
        .collect();
    let mut played = 0;
    for entry in fs::read_dir(folder).unwrap() {
        play(&fs::read(entry.unwrap().path()).unwrap());
        played += 1;
    }
    assert!(played >= 10, "{target} has {played} inputs");
}

#[test]
fn corpus_of_turn_datagram_is_survived() {
    replay("turn_datagram", play_datagrams);
}

#[test]
fn corpus_of_turn_stream_is_survived() {
    replay("turn_stream", play_stream);
}

proptest! {
    #[test]
    fn arbitrary_datagrams_are_survived(input in prop::collection::vec(any::<u8>(), 0..400)) {
        play_datagrams(&input);
    }

    #[test]
    fn arbitrary_streams_are_survived(input in prop::collection::vec(any::<u8>(), 0..400)) {
        play_stream(&input);
    }

    /// Well-formed attributes with odd values, signed: what random bytes never reach.
    #[test]
    fn odd_signed_requests_are_survived(
        method in prop::sample::select(vec![3_u8, 4, 8, 9]),
        attributes in prop::collection::vec(attribute(), 0..5),
    ) {
        let body = attributes.concat();
        let mut input = vec![3, body.len() as u8 + 2, 0, method];
        input.extend(body);
        play_datagrams(&input);
    }
}

/// Type, length and value of an attribute that TURN knows.
fn attribute() -> impl Strategy<Value = Vec<u8>> {
    let kinds = vec![
        0x0c_u16, 0x0d, 0x12, 0x13, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x22, 0x8000,
    ];
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..24),
        any::<[u8; 4]>().prop_map(|value| value.to_vec()),
        any::<[u8; 6]>().prop_map(|rest| [&[0, 1][..], &rest].concat()),
        any::<[u8; 18]>().prop_map(|rest| [&[0, 2][..], &rest].concat()),
    ];
    (prop::sample::select(kinds), value).prop_map(|(kind, value)| {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend((value.len() as u16).to_be_bytes());
        bytes.extend(&value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    })
}
