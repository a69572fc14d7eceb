//! `/api/signal`: whatever a client sends is decoded or refused, and what is relayed is JSON
//! that names its true sender, once.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use protocol::signal;
use serde_json::value::RawValue;

fuzz_target!(|text: &str| {
    if signal::decode(text).is_ok() {
        let from: protocol::id::DeviceId = "f".repeat(43).parse().expect("43 letters");
        let relayed = signal::relayed(text, &from);
        let members: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(&relayed).expect("json stays json");
        assert_eq!(members["from"].get(), format!("{:?}", from.as_str()));
    }
});
