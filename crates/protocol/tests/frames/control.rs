use std::collections::BTreeMap;

use proptest::prelude::*;
use protocol::cbor::Value;
use protocol::control::ControlFrame;
use serde_json::Value as Json;

use crate::vectors::{id, text, vectors};

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::from(number.as_f64().unwrap()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::Array(items.iter().map(value).collect()),
        Json::Object(_) => Value::Map(map(json)),
    }
}

fn map(json: &Json) -> BTreeMap<String, Value> {
    let entries = json.as_object().unwrap().iter();
    entries
        .map(|(key, json)| (key.clone(), value(json)))
        .collect()
}

fn frame(json: &Json) -> ControlFrame {
    let id = id(json);
    let sent_micros = json["sentMicros"].as_u64().unwrap_or(0);
    match json["kind"].as_str().unwrap() {
        "text" => ControlFrame::Text {
            id,
            text: text(json, "text"),
            wants_ack: json["wantAck"].as_bool().unwrap(),
        },
        "ack" => ControlFrame::Ack { id },
        "ping" => ControlFrame::Ping { id, sent_micros },
        "pong" => ControlFrame::Pong { id, sent_micros },
        "command" => ControlFrame::Command {
            id,
            name: text(json, "name"),
            args: map(&json["args"]),
        },
        "stats" => ControlFrame::Stats {
            id,
            stats: map(&json["stats"]),
        },
        other => panic!("no frame is a {other}"),
    }
}

#[test]
fn control_frames_are_written_and_read_as_in_the_vectors() {
    for vector in vectors("control") {
        let name = &vector.name;
        let read = ControlFrame::decode(&vector.bytes());
        if let Some(json) = &vector.frame {
            assert_eq!(read, Ok(frame(json)), "{name}");
            assert_eq!(frame(json).encode().unwrap(), vector.bytes(), "{name}");
        } else {
            let refused = read.expect_err(name);
            assert_eq!(Some(refused.code()), vector.refused.as_deref(), "{name}");
        }
    }
}

fn any_leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (0..=protocol::cbor::MAX_SAFE_INTEGER).prop_map(Value::from),
        (-(1_i64 << 53) + 1..0).prop_map(Value::Integer),
        any::<f64>().prop_map(Value::from),
        any::<f32>().prop_map(|number| Value::from(f64::from(number))),
        ".{0,9}".prop_map(|text: String| Value::Text(text)),
        proptest::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
    ]
}

fn any_map() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let any_value = any_leaf().prop_recursive(2, 20, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::btree_map(".{0,5}", inner, 0..5).prop_map(Value::Map),
        ]
    });
    proptest::collection::btree_map(".{0,30}", any_value, 0..8)
}

fn any_frame() -> impl Strategy<Value = ControlFrame> {
    let sent = 0..=protocol::cbor::MAX_SAFE_INTEGER;
    prop_oneof![
        (any::<u32>(), ".{0,2000}", any::<bool>()).prop_map(|(id, text, wants_ack)| {
            ControlFrame::Text {
                id,
                text,
                wants_ack,
            }
        }),
        any::<u32>().prop_map(|id| ControlFrame::Ack { id }),
        (any::<u32>(), sent.clone())
            .prop_map(|(id, sent_micros)| ControlFrame::Ping { id, sent_micros }),
        (any::<u32>(), sent).prop_map(|(id, sent_micros)| ControlFrame::Pong { id, sent_micros }),
        (any::<u32>(), ".{0,20}", any_map()).prop_map(|(id, name, args)| ControlFrame::Command {
            id,
            name,
            args
        }),
        (any::<u32>(), any_map()).prop_map(|(id, stats)| ControlFrame::Stats { id, stats }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_reads_back(frame in any_frame()) {
        let bytes = frame.encode().unwrap();
        prop_assert_eq!(ControlFrame::decode(&bytes), Ok(frame));
    }

    #[test]
    fn a_changed_byte_is_refused_or_makes_another_frame(
        frame in any_frame(),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let mut bytes = frame.encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(other) = ControlFrame::decode(&bytes) {
            prop_assert_ne!(&other, &frame);
            prop_assert_eq!(other.encode().unwrap(), bytes);
        }
    }
}
