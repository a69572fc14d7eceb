//! Links that people scan or paste: read or refused, and what is read is what would be written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::invite_link::{PairingLink, SetupLink, read_origin};

fuzz_target!(|text: &str| {
    if let Ok(link) = text.parse::<PairingLink>() {
        assert_eq!(link.to_string().parse(), Ok(link));
    }
    if let Ok(link) = text.parse::<SetupLink>() {
        assert_eq!(read_origin(&link.origin), Ok(link.origin));
    }
});
