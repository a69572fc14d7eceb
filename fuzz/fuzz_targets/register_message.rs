//! `/ws` and `/api/pairing`: whatever a client sends is decoded or refused, and what is relayed
//! is JSON that names its receiver.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use protocol::{pairing, register};
use serde_json::value::RawValue;

fuzz_target!(|text: &str| {
    let _ = pairing::decode(text);
    if register::decode(text).is_ok() {
        let relayed = register::relayed(text, "7");
        let members: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(&relayed).expect("json stays json");
        assert_eq!(members["id"].get(), "\"7\"");
    }
});
