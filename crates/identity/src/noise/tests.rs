//! The published vectors, and what must be refused.

use std::path::PathBuf;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct File {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    protocol_name: String,
    init_prologue: String,
    init_psks: Vec<String>,
    init_static: String,
    init_ephemeral: String,
    resp_static: String,
    resp_ephemeral: String,
    handshake_hash: String,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    payload: String,
    ciphertext: String,
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn key(hex: &str) -> [u8; 32] {
    bytes(hex).try_into().unwrap()
}

fn vectors() -> Vec<Vector> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("../../testdata/noise/cacophony.json");
    let file: File = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    file.vectors
}

fn sides(vector: &Vector) -> (Handshake, Handshake) {
    let pattern = [Pattern::IkPsk1, Pattern::KkPsk2]
        .into_iter()
        .find(|pattern| pattern.name() == vector.protocol_name)
        .unwrap();
    let keys =
        [&vector.init_static, &vector.resp_static].map(|secret| NoiseKey::from_secret(key(secret)));
    let prologue = bytes(&vector.init_prologue);
    let psk = key(&vector.init_psks[0]);
    let start = |is_initiator: bool, ephemeral: &str| {
        let (own, peer) = if is_initiator { (0, 1) } else { (1, 0) };
        let knows_peer = is_initiator || pattern == Pattern::KkPsk2;
        Handshake::start(&Start {
            pattern,
            is_initiator,
            prologue: &prologue,
            key: &keys[own],
            peer_key: knows_peer.then_some(keys[peer].public()),
            psk: &psk,
            ephemeral: key(ephemeral),
        })
    };
    (
        start(true, &vector.init_ephemeral),
        start(false, &vector.resp_ephemeral),
    )
}

#[test]
fn both_patterns_match_the_published_cacophony_vectors() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        let (mut initiator, mut responder) = sides(&vector);
        let [first, second, transport @ ..] = vector.messages.as_slice() else {
            panic!("a vector has both messages");
        };
        let one = initiator.write(&bytes(&first.payload)).unwrap();
        assert_eq!(one, bytes(&first.ciphertext));
        assert_eq!(responder.read(&one), Ok(bytes(&first.payload)));
        let two = responder.write(&bytes(&second.payload)).unwrap();
        assert_eq!(two, bytes(&second.ciphertext));
        assert_eq!(initiator.read(&two), Ok(bytes(&second.payload)));
        let keys = [initiator.finish().unwrap(), responder.finish().unwrap()];
        assert_eq!(keys[0].hash, key(&vector.handshake_hash));
        assert_eq!(keys[0].hash, keys[1].hash);
        let mut ends = keys.map(|keys| crate::PairingTransport::new(&keys));
        for (at, message) in transport.iter().enumerate() {
            let sealed = ends[at % 2].seal(&bytes(&message.payload));
            assert_eq!(sealed, bytes(&message.ciphertext));
            let opened = ends[(at + 1) % 2].open(&sealed);
            assert_eq!(opened, Ok(bytes(&message.payload)));
        }
    }
}

/// Both sides of a link, the second one's psk and prologue to be chosen.
fn kk(psk: u8, prologue: &[u8]) -> (Handshake, Handshake) {
    let keys = [[1; 32], [2; 32]].map(NoiseKey::from_secret);
    let side = |own: usize, psk: u8, prologue: &[u8]| {
        Handshake::start(&Start {
            pattern: Pattern::KkPsk2,
            is_initiator: own == 0,
            prologue,
            key: &keys[own],
            peer_key: Some(keys[1 - own].public()),
            psk: &[psk; 32],
            ephemeral: [own as u8 + 3; 32],
        })
    };
    (side(0, 7, b"p"), side(1, psk, prologue))
}

#[test]
fn another_psk_is_noticed_in_message_2() {
    let (mut initiator, mut responder) = kk(8, b"p");
    responder.read(&initiator.write(b"").unwrap()).unwrap();
    let reply = responder.write(b"").unwrap();
    assert_eq!(initiator.read(&reply), Err(NoiseError::Refused));
    assert_eq!(initiator.finish(), Err(NoiseError::OutOfTurn));
}

#[test]
fn another_prologue_is_noticed_in_message_1() {
    let (mut initiator, mut responder) = kk(7, b"q");
    let one = initiator.write(b"").unwrap();
    assert_eq!(responder.read(&one), Err(NoiseError::Refused));
}

#[test]
fn a_message_of_no_possible_length_is_refused() {
    for length in [0, 10, 31, 47, MAX_NOISE_BYTES + 1] {
        let (mut initiator, mut responder) = kk(7, b"p");
        let mut one = initiator.write(b"").unwrap();
        one.resize(length, 0);
        let refused = responder.read(&one).unwrap_err();
        assert!(
            matches!(refused, NoiseError::Length | NoiseError::Refused),
            "{length}"
        );
        // A second, right one does not mend it.
        let again = initiator.write(b"");
        assert_eq!(again, Err(NoiseError::OutOfTurn));
        assert_eq!(responder.read(&one), Err(NoiseError::OutOfTurn));
    }
}

#[test]
fn a_payload_fills_a_message_and_no_more() {
    let (mut initiator, mut responder) = kk(7, b"p");
    // KK has no encrypted s, so a payload of the common limit leaves room.
    let payload = vec![5; MAX_NOISE_PAYLOAD_BYTES];
    let one = initiator.write(&payload).unwrap();
    assert_eq!(responder.read(&one), Ok(payload));
    let (mut initiator, _) = kk(7, b"p");
    let above = vec![5; MAX_NOISE_BYTES];
    assert_eq!(initiator.write(&above), Err(NoiseError::Length));
}

#[test]
fn a_low_order_ephemeral_is_refused() {
    for low_order in [
        [0; 32],
        key("0100000000000000000000000000000000000000000000000000000000000000"),
    ] {
        let (_, mut responder) = kk(7, b"p");
        let forged = [&low_order[..], &[0; 16]].concat();
        assert_eq!(responder.read(&forged), Err(NoiseError::Refused));
    }
}

#[test]
fn messages_out_of_turn_are_refused() {
    let (mut initiator, mut responder) = kk(7, b"p");
    assert_eq!(responder.write(b""), Err(NoiseError::OutOfTurn));
    assert_eq!(initiator.read(&[0; 48]), Err(NoiseError::OutOfTurn));
    let (initiator, _) = kk(7, b"p");
    assert_eq!(initiator.finish(), Err(NoiseError::OutOfTurn));
}

#[test]
fn a_secret_does_not_show_in_debug_output() {
    let key = NoiseKey::from_secret([0; 32]);
    assert_eq!(format!("{key:?}"), format!("NoiseKey({})", key.public()));
    let keys = TransportKeys {
        hash: [0; 32],
        send: [0; 32],
        receive: [0; 32],
    };
    assert_eq!(format!("{keys:?}"), "TransportKeys(…)");
}
