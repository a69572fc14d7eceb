//! Where virtual time begins in the tests of this crate.

use std::time::Instant;

/// Some instant; every other one is counted from it.
#[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
pub(crate) fn epoch() -> Instant {
    Instant::now()
}
