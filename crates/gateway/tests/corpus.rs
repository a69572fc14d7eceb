//! Replays what the fuzz targets began with and found (`fuzz/corpus/gateway_*`).
#![expect(clippy::disallowed_methods, reason = "reads files, and needs an epoch")]

use std::path::Path;
use std::time::Instant;

use gateway::{
    Codec, Fragment, FrameBuffer, Gateway, NewSession, Role, SessionId, Settings, begins_key_frame,
    frames,
};
use protocol::stream::StreamName;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new("../../fuzz/corpus").join(target);
    let entries = std::fs::read_dir(folder).expect("the corpus is part of the repository");
    let inputs: Vec<_> = entries
        .map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a file"))
        .collect();
    assert!(!inputs.is_empty(), "{target}");
    inputs
}

fn texts(target: &str) -> impl Iterator<Item = String> {
    corpus(target)
        .into_iter()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn each_offer_is_answered_or_refused() {
    let stream = StreamName::parse("cam0").expect("a name");
    for text in texts("gateway_offer") {
        let mut gateway = Gateway::new(Settings::default());
        let id = SessionId([1; 16]);
        let new = NewSession {
            id,
            stream: stream.clone(),
            role: Role::Publish,
            holders: Vec::new(),
            until: None,
            external: Vec::new(),
        };
        let answer = gateway.handle_offer(new, &text, Instant::now());
        let is_there = gateway.has_session(id, &stream, Role::Publish);
        assert_eq!(answer.is_ok(), is_there, "{text}");
    }
}

#[test]
fn each_fragment_is_read_or_refused() {
    let read = texts("gateway_fragment").filter(|text| Fragment::parse(text).is_ok());
    assert!(read.count() > 0);
}

#[test]
fn each_stream_is_the_same_packets_in_one_piece_and_byte_by_byte() {
    for stream in corpus("gateway_stream") {
        let read = |pieces: Vec<&[u8]>| {
            let mut buffer = FrameBuffer::default();
            let mut packets = Vec::new();
            for piece in pieces {
                buffer.extend(piece);
                let whole = buffer.take_whole()?;
                packets.extend(frames(&whole).map(<[u8]>::to_vec));
            }
            Ok::<_, gateway::FrameTooLong>(packets)
        };
        let at_once = read(vec![&stream]);
        assert_eq!(at_once, read(stream.chunks(1).collect()));
    }
}

#[test]
fn each_payload_begins_a_key_frame_or_does_not() {
    for bytes in corpus("gateway_packet") {
        for codec in [Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1] {
            begins_key_frame(codec, &bytes);
        }
    }
}
