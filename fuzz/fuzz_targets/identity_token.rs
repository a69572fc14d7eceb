//! Tokens and assertions from strangers: never a panic, never a belief without a signature.
#![no_main]

use identity::{KeyRing, ReadAssertion, SigningKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let [current, next] = [[1; 32], [2; 32]].map(SigningKey::from_seed);
    let key = *current.public();
    let ring = KeyRing::new(Vec::new(), current, next);
    assert!(
        ring.verify("https://helio.example", text, 1_760_000_000)
            .is_err()
    );
    if let Ok(assertion) = ReadAssertion::read(text) {
        let origins = ["https://helio.example".to_owned()];
        let _ = assertion.verify(&key, &origins, 1_760_000_000);
    }
});
