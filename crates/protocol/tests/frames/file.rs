use proptest::prelude::*;
use protocol::file::{FileFrame, FileKey, MAX_CHUNK_BYTES};
use serde_json::Value as Json;

use crate::vectors::{hex, id, text, vectors};

fn frame(json: &Json) -> FileFrame {
    let id = id(json);
    let offset = json["offset"].as_u64().unwrap_or(0);
    let hash = || hex(&text(json, "hash")).try_into().unwrap();
    let code = || text(json, "code");
    match json["kind"].as_str().unwrap() {
        "offer" => FileFrame::Offer {
            id,
            name: text(json, "name"),
            size: json["size"].as_u64().unwrap(),
            key: FileKey(hex(json["key"].as_str().unwrap()).try_into().unwrap()),
        },
        "accept" => FileFrame::Accept {
            id,
            offset,
            hash: hash(),
        },
        "chunk" => FileFrame::Chunk {
            id,
            offset,
            bytes: hex(&text(json, "bytes")),
        },
        "done" => FileFrame::Done { id, hash: hash() },
        "progress" => FileFrame::Progress { id, offset },
        "received" => FileFrame::Received { id },
        "cancel" => FileFrame::Cancel { id, code: code() },
        "refuse" => FileFrame::Refuse { id, code: code() },
        other => panic!("no frame is a {other}"),
    }
}

#[test]
fn file_frames_are_written_and_read_as_in_the_vectors() {
    for vector in vectors("file") {
        let name = &vector.name;
        let read = FileFrame::decode(&vector.bytes());
        if let Some(json) = &vector.frame {
            assert_eq!(read, Ok(frame(json)), "{name}");
            assert_eq!(frame(json).encode().unwrap(), vector.bytes(), "{name}");
        } else {
            let refused = read.expect_err(name);
            assert_eq!(Some(refused.code()), vector.refused.as_deref(), "{name}");
        }
    }
}

#[test]
fn what_breaks_a_limit_is_not_sent() {
    let key = FileKey([0; 16]);
    let offer = |name: &str, size| FileFrame::Offer {
        id: 1,
        name: name.to_owned(),
        size,
        key,
    };
    let refuse = |code: &str| FileFrame::Refuse {
        id: 1,
        code: code.to_owned(),
    };
    let chunk = |length| FileFrame::Chunk {
        id: 1,
        offset: 0,
        bytes: vec![0; length],
    };
    assert!(offer(&"a".repeat(1024), (1 << 53) - 1).encode().is_ok());
    for frame in [
        offer("", 1),
        offer(&"a".repeat(1025), 1),
        offer("a", 1 << 53),
        refuse(""),
        refuse("Disk full"),
        refuse(&"a".repeat(33)),
        chunk(0),
        chunk(MAX_CHUNK_BYTES + 1),
    ] {
        assert!(frame.encode().is_err(), "{frame:?}");
    }
}

fn any_frame() -> impl Strategy<Value = FileFrame> {
    let number = 0..=protocol::cbor::MAX_SAFE_INTEGER;
    let code = "[a-z0-9-]{1,32}";
    let chunk = proptest::collection::vec(any::<u8>(), 1..=MAX_CHUNK_BYTES);
    prop_oneof![
        (any::<u32>(), ".{1,255}", number.clone(), any::<[u8; 16]>()).prop_map(
            |(id, name, size, key)| FileFrame::Offer {
                id,
                name,
                size,
                key: FileKey(key)
            }
        ),
        (any::<u32>(), number.clone(), any::<[u8; 32]>())
            .prop_map(|(id, offset, hash)| FileFrame::Accept { id, offset, hash }),
        (any::<u32>(), number.clone(), chunk).prop_map(|(id, offset, bytes)| FileFrame::Chunk {
            id,
            offset,
            bytes
        }),
        (any::<u32>(), any::<[u8; 32]>()).prop_map(|(id, hash)| FileFrame::Done { id, hash }),
        (any::<u32>(), number).prop_map(|(id, offset)| FileFrame::Progress { id, offset }),
        any::<u32>().prop_map(|id| FileFrame::Received { id }),
        (any::<u32>(), code).prop_map(|(id, code)| FileFrame::Cancel { id, code }),
        (any::<u32>(), code).prop_map(|(id, code)| FileFrame::Refuse { id, code }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_reads_back(frame in any_frame()) {
        let bytes = frame.encode().unwrap();
        prop_assert_eq!(FileFrame::decode(&bytes), Ok(frame));
    }
}
