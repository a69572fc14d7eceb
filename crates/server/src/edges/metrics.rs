//! What edges count (`docs/operations.md`); `tests/e2e/edges.test.mjs` moves each.

use metrics::{describe_counter, describe_gauge};

pub(super) fn describe() {
    describe_gauge!(
        "helio_edge_streams",
        "Streams that are pulled from another server"
    );
    describe_counter!(
        "helio_edge_refused_total",
        "Viewers for whom a stream could not be pulled, by cause"
    );
}
