//! Device records and pairs from strangers: never a panic; what verifies keeps the rules.
#![no_main]

use identity::{VerifiedPair, VerifiedRecord};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(record) = serde_json::from_str(text) {
        if let Ok(record) = VerifiedRecord::new(record) {
            assert!(record.as_record().check_fields().is_ok());
        }
    }
    if let Ok(pair) = serde_json::from_str(text) {
        let _ = VerifiedPair::new(pair);
    }
});
