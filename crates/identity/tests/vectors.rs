//! The vectors of `testdata/identity`, which the pages check too: inputs, the exact bytes, and
//! the signature. Run with `HELIOGRAPH_WRITE_VECTORS=1` to write them anew.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::path::PathBuf;

use identity::testing::x25519_public;
use identity::{
    DescriptionKind, SignedDescription, SigningKey, VerifiedPair, VerifiedRecord, pair_id,
    pair_secret, thumbprint, word_indices,
};
use protocol::base64url::Base64Url;
use protocol::http::NewPair;
use protocol::record::{DeviceKind, DeviceRecord, PairStatement};
use serde_json::{Value, json};

const TIME_MS: u64 = 1_760_000_000_000;
const SDP: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:4ZcD\r\na=ice-pwd:secret\r\n\
    a=fingerprint:SHA-256 0a:1B:ff\r\na=fingerprint:sha-1 AA:bb\r\na=fingerprint:sha-256 0A:1b:FF\r\n";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32])
}

fn record(number: u8, name: &str, kind: DeviceKind) -> DeviceRecord {
    let key = key(number);
    let record = DeviceRecord {
        device_id: key.thumbprint(),
        key: *key.public(),
        x25519: x25519_public(&[number + 100; 32]),
        name: name.to_owned(),
        kind,
        features: vec!["ctl-noise".to_owned()],
        created: TIME_MS,
        sig: Base64Url([0; 64]),
    };
    VerifiedRecord::sign(record, &key).unwrap().into_record()
}

fn ada() -> DeviceRecord {
    record(1, "Ada's phone", DeviceKind::Phone)
}

fn bob() -> DeviceRecord {
    record(2, "Büro 🖥", DeviceKind::Desktop)
}

/// Compares with the file, or writes it where that is asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may be asked to write its vectors"
)]
fn check(name: &str, vectors: &Value) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/identity");
    let path = root.join(name).with_extension("json");
    if std::env::var_os("HELIOGRAPH_WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(vectors).unwrap() + "\n";
        std::fs::write(&path, text).unwrap();
    }
    let stored: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(&stored, vectors, "{path:?}");
}

#[test]
fn device_records_are_signed_over_the_bytes_of_the_vectors() {
    let vector = |number: u8, record: DeviceRecord| {
        assert_eq!(record.device_id, thumbprint(&record.key));
        let secret = Base64Url([number; 32]);
        json!({"secretKey": secret, "cborHex": hex(&record.signed_bytes()), "record": record})
    };
    check(
        "device-record",
        &json!([vector(1, ada()), vector(2, bob())]),
    );
}

#[test]
fn pair_ids_and_secrets_are_those_of_the_vectors() {
    let (a, b) = (ada().device_id, bob().device_id);
    let (of_a, of_b) = ([0x11; 32], [0x22; 32]);
    let sides = [(&a, &of_a), (&b, &of_b)];
    let inputs = json!([
        {"deviceId": a, "contribution": Base64Url(of_a)},
        {"deviceId": b, "contribution": Base64Url(of_b)},
    ]);
    check(
        "pair-id",
        &json!([{"sides": inputs, "pairId": pair_id(sides)}]),
    );
    let secret = Base64Url(pair_secret(sides));
    let vector = json!({"sides": inputs, "pairId": pair_id(sides), "pairSecret": secret});
    check("pair-secret", &json!([vector]));
}

#[test]
fn pair_statements_are_signed_over_the_bytes_of_the_vectors() {
    let mut sides = [(1_u8, ada()), (2, bob())];
    sides.sort_by(|(_, one), (_, other)| one.device_id.cmp(&other.device_id));
    let [(number_a, record_a), (number_b, record_b)] = sides;
    let (a, b) = (record_a.device_id.clone(), record_b.device_id.clone());
    let pair_id = pair_id([(&a, &[0x11; 32]), (&b, &[0x22; 32])]);
    let statement = PairStatement {
        pair_id,
        a,
        b,
        time: TIME_MS,
    };
    let message = statement.signed_bytes();
    let (sig_a, sig_b) = (key(number_a).sign(&message), key(number_b).sign(&message));
    let vector = json!({
        "secretKeyA": Base64Url([number_a; 32]), "secretKeyB": Base64Url([number_b; 32]),
        "statement": statement, "cborHex": hex(&message), "sigA": sig_a, "sigB": sig_b,
    });
    VerifiedPair::new(NewPair {
        statement,
        sig_a,
        sig_b,
        record_a,
        record_b,
    })
    .unwrap();
    check("pair-statement", &json!([vector]));
}

#[test]
fn descriptions_are_signed_over_the_bytes_of_the_vectors() {
    let (from, to) = (ada().device_id, bob().device_id);
    let pair_id = pair_id([(&from, &[0x11; 32]), (&to, &[0x22; 32])]);
    let vector = |kind, name: &str, offer: Option<&str>| {
        let (pair_id, from, to) = (&pair_id, &from, &to);
        let ts = TIME_MS + 123;
        let signed = SignedDescription {
            pair_id,
            from,
            to,
            kind,
            ts,
            sdp: SDP,
            offer,
        };
        let message = signed.signed_bytes().unwrap();
        json!({
            "secretKey": Base64Url([1; 32]), "pairId": pair_id, "from": from, "to": to,
            "type": name, "ts": ts, "sdp": SDP, "offerSdp": offer,
            "cborHex": hex(&message), "sig": key(1).sign(&message),
        })
    };
    let offer = vector(DescriptionKind::Offer, "offer", None);
    let answer = vector(DescriptionKind::Answer, "answer", Some("v=0\r\n"));
    check("sdp-signature", &json!([offer, answer]));
}

#[test]
fn words_are_at_the_places_of_the_vectors() {
    let vector = |byte: u8| {
        let hash = [byte; 32];
        json!({"handshakeHashHex": hex(&hash), "indices": word_indices(&hash)})
    };
    check("words", &json!([vector(0), vector(0x5a), vector(0xff)]));
}
