//! The WebSocket dialects against the vectors that the pages read too, their round trips, and
//! the corpora of their fuzz targets.

use proptest::prelude::*;
use protocol::json::DecodeError;
use protocol::signal::{Candidate, ClientMessage, Description, ErrorCode, ServerMessage};
use protocol::{pairing, register, signal};
use serde_json::Value;

const SIGNAL: &str = include_str!("../../../testdata/signalling/signal.json");
const REGISTER: &str = include_str!("../../../testdata/signalling/register.json");
const PAIRING: &str = include_str!("../../../testdata/signalling/pairing.json");

fn list(vectors: &str, name: &str) -> Vec<Value> {
    let mut vectors: Value = serde_json::from_str(vectors).expect("the vectors are well formed");
    serde_json::from_value(vectors[name].take()).expect("the vectors are well formed")
}

fn text(vector: &Value, member: &str) -> String {
    vector[member]
        .as_str()
        .expect("the vectors are well formed")
        .to_owned()
}

/// Every accepted text decodes, and every refused one has its code.
fn check<T: std::fmt::Debug>(vectors: &str, decode: fn(&str) -> Result<T, DecodeError>) {
    for vector in list(vectors, "accepted") {
        decode(&text(&vector, "text"))
            .unwrap_or_else(|error| panic!("{}: {error}", vector["name"]));
    }
    for vector in list(vectors, "refused") {
        let error = decode(&text(&vector, "text")).expect_err(&text(&vector, "name"));
        assert_eq!(
            ErrorCode::from(&error).as_str(),
            vector["code"],
            "{}: {error}",
            vector["name"]
        );
    }
}

/// Every message of the server is read and written alike.
fn check_server<T: serde::de::DeserializeOwned + serde::Serialize>(vectors: &str) {
    for message in list(vectors, "server") {
        let read: T = serde_json::from_value(message.clone()).expect("the vectors are well formed");
        assert_eq!(
            serde_json::to_value(&read).expect("the vectors are well formed"),
            message
        );
    }
}

#[test]
fn signal_messages_match_their_vectors() {
    check(SIGNAL, signal::decode);
    check_server::<ServerMessage>(SIGNAL);
    for vector in list(SIGNAL, "accepted") {
        let message = signal::decode(&text(&vector, "text")).unwrap();
        assert_eq!(
            message.candidates(),
            vector["candidates"],
            "{}",
            vector["name"]
        );
        assert_eq!(serde_json::to_value(&message).unwrap()["t"], vector["kind"]);
    }
    for vector in list(SIGNAL, "relayed") {
        let from = text(&vector, "from").parse().unwrap();
        let relayed = signal::relayed(&text(&vector, "text"), &from);
        assert_eq!(relayed, text(&vector, "relayed"), "{}", vector["name"]);
    }
}

#[test]
fn register_messages_match_their_vectors() {
    check(REGISTER, register::decode);
    check_server::<register::ServerMessage>(REGISTER);
    for vector in list(REGISTER, "relayed") {
        let relayed = register::relayed(&text(&vector, "text"), &text(&vector, "id"));
        assert_eq!(relayed, text(&vector, "relayed"));
    }
}

#[test]
fn pairing_messages_match_their_vectors() {
    check(PAIRING, pairing::decode);
    check_server::<pairing::ServerMessage>(PAIRING);
}

#[test]
fn every_error_code_is_written_as_it_is_named() {
    for code in ErrorCode::ALL {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
}

#[test]
fn the_corpora_of_the_fuzz_targets_crash_nothing() {
    for (target, decode) in [
        (
            "signal_message",
            (|text| drop(signal::decode(text))) as fn(&str),
        ),
        ("register_message", |text| drop(register::decode(text))),
        ("register_message", |text| drop(pairing::decode(text))),
    ] {
        let corpus = format!("{}/../../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
        let files: Vec<_> = std::fs::read_dir(&corpus).unwrap().collect();
        assert!(!files.is_empty(), "{corpus} is empty");
        for file in files {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            decode(&String::from_utf8_lossy(&bytes));
        }
    }
}

prop_compose! {
    fn description()(pair_id: String, sdp: String, ts: Option<u64>, sig: Option<String>)
        -> Description {
        Description { pair_id, sdp, ts, sig }
    }
}

prop_compose! {
    fn candidate()(pair_id: String, candidate: String, mid: Option<String>, ufrag: Option<String>)
        -> Candidate {
        Candidate { pair_id, candidate, mid, ufrag }
    }
}

fn message() -> impl Strategy<Value = ClientMessage> {
    prop_oneof![
        description().prop_map(ClientMessage::Offer),
        description().prop_map(ClientMessage::Answer),
        candidate().prop_map(ClientMessage::Ice),
        any::<String>().prop_map(|token| ClientMessage::Auth(signal::Auth { token })),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(message in message()) {
        let text = serde_json::to_string(&message).unwrap();
        prop_assert_eq!(signal::decode(&text), Ok(message));
    }

    #[test]
    fn a_relayed_message_is_the_same_but_for_its_sender(message in message(), forged: String) {
        let from: protocol::id::DeviceId = "f".repeat(43).parse().unwrap();
        let mut value = serde_json::to_value(&message).unwrap();
        value["from"] = forged.into();
        let relayed = signal::relayed(&value.to_string(), &from);
        value["from"] = from.as_str().into();
        prop_assert_eq!(serde_json::from_str::<Value>(&relayed).unwrap(), value);
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}\":,a-z0-9\\\\ ]{0,200}") {
        let _ = (signal::decode(&text), register::decode(&text), pairing::decode(&text));
    }
}
