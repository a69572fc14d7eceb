//! `/api/signal`: whatever a client sends is decoded or refused, and what is relayed is JSON
//! that names its true sender, once.

#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::signal;

fuzz_target!(|text: &str| {
    if signal::decode(text).is_ok() {
        let from = "f".repeat(43).parse().expect("43 letters");
        let relayed = signal::relayed(text, &from);
        let value: serde_json::Value = serde_json::from_str(&relayed).expect("json stays json");
        assert_eq!(value["from"], from.as_str());
    }
});
