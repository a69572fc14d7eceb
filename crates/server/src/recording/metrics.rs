//! The metrics of recordings. Causes are labels, names never.

use metrics::{Unit, describe_counter, describe_gauge};

/// Says what each metric is; once, at start.
pub(super) fn describe() {
    describe_gauge!(
        "helio_recording_streams",
        Unit::Count,
        "streams that are recorded at this moment"
    );
    describe_gauge!(
        "helio_recording_stored_bytes",
        Unit::Bytes,
        "finished segments on the disk"
    );
    describe_gauge!(
        "helio_recording_paused",
        Unit::Count,
        "1 while nothing is recorded, since the disk is full or cannot be written"
    );
    describe_counter!(
        "helio_recording_written_bytes_total",
        Unit::Bytes,
        "fragments written"
    );
    describe_counter!(
        "helio_recording_segments_total",
        Unit::Count,
        "segments finished"
    );
    describe_counter!(
        "helio_recording_deleted_total",
        Unit::Count,
        "segments deleted, by cause"
    );
    describe_counter!(
        "helio_recording_dropped_frames_total",
        Unit::Count,
        "frames left out of recordings, by cause"
    );
}
