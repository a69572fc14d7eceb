//! Replays the corpus of the fuzz targets `identity_token` and `identity_record`.
//! Run with `HELIOGRAPH_WRITE_VECTORS=1` to write its seeds anew.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::path::PathBuf;

use identity::testing::{TestDevice, sign_jws, sign_pair};
use identity::{KeyRing, ReadAssertion, Scope, SigningKey, VerifiedPair, VerifiedRecord};
use protocol::http::NewPair;
use protocol::id::{AccountId, PairId};
use protocol::record::DeviceRecord;
use protocol::stream::{StreamAction, StreamName};
use serde_json::json;

const HERE: &str = "https://helio.example";
const NOW_S: u64 = 1_760_000_000;

fn ring() -> KeyRing {
    let [current, next] = [[1; 32], [2; 32]].map(SigningKey::from_seed);
    KeyRing::new(Vec::new(), current, next)
}

/// The files of a target's corpus, after the seeds were written where that is asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may be asked to write its seeds"
)]
fn corpus(target: &str, seeds: &[(&str, String)]) -> Vec<(PathBuf, Vec<u8>)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    if std::env::var_os("HELIOGRAPH_WRITE_VECTORS").is_some() {
        for (name, text) in seeds {
            std::fs::write(root.join(name), text).unwrap();
        }
    }
    let files = std::fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    files
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect()
}

#[test]
fn no_token_of_the_corpus_is_believed() {
    let ada = TestDevice::new(1, "Ada");
    let (account, pair) = (
        AccountId::from_bytes(&[5; 16]),
        PairId::from_bytes(&[7; 32]),
    );
    let holder = (&account, &ada.id());
    let claims = json!({"iss": HERE, "aud": HERE, "scope": "account"});
    let none = json!({"alg": "none", "typ": "at+jwt"});
    let viewing = Scope::Stream(StreamAction::View, StreamName::parse("cam0").unwrap());
    let seeds = [
        ("assertion", ada.assertion(HERE, NOW_S, 1)),
        (
            "expired-link-token",
            ring().issue(HERE, holder, &Scope::Link(pair), NOW_S - 300, [1; 16]),
        ),
        (
            "expired-account-token",
            ring().issue(HERE, holder, &Scope::Account, 1, [1; 16]),
        ),
        (
            "expired-stream-token",
            ring().issue(HERE, holder, &viewing, 1, [1; 16]),
        ),
        ("alg-none", sign_jws(&none, &claims, ada.key())),
        ("two-parts", "e30.e30".to_owned()),
    ];
    let files = corpus("identity_token", &seeds);
    assert!(files.len() >= seeds.len());
    for (path, bytes) in files {
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        assert!(ring().verify(HERE, &text, NOW_S).is_err(), "{path:?}");
        if let Ok(assertion) = ReadAssertion::read(&text) {
            let key = ring();
            let verified = assertion.verify(key.current().public(), &[HERE.to_owned()], NOW_S);
            assert!(verified.is_err(), "{path:?}");
        }
    }
}

#[test]
fn every_record_of_the_corpus_is_verified_or_refused() {
    let (ada, bob) = (TestDevice::new(1, "Ada"), TestDevice::new(2, "Bob"));
    let json = |record: &DeviceRecord| serde_json::to_string(record).unwrap();
    let unsigned = DeviceRecord {
        name: "Eve".to_owned(),
        ..ada.record()
    };
    let pair = sign_pair(&ada, &bob, NOW_S);
    let seeds = [
        ("record", json(&ada.record())),
        ("record-changed", json(&unsigned)),
        ("pair", serde_json::to_string(&pair).unwrap()),
        ("deep", format!("{}{}", "[".repeat(300), "]".repeat(300))),
    ];
    let files = corpus("identity_record", &seeds);
    assert!(files.len() >= seeds.len());
    let mut verified = 0;
    for (_, bytes) in files {
        if let Ok(record) = serde_json::from_slice::<DeviceRecord>(&bytes) {
            verified += usize::from(VerifiedRecord::new(record).is_ok());
        }
        if let Ok(pair) = serde_json::from_slice::<NewPair>(&bytes) {
            verified += usize::from(VerifiedPair::new(pair).is_ok());
        }
    }
    assert!(verified >= 2);
}
