//! Recordings of a stream, as the HTTP API speaks of them (`docs/protocol.md`, Recordings).

use serde::{Deserialize, Serialize};

/// The most spans of one reply; the latest are told.
pub const MAX_SPANS: usize = 5000;

/// Whether a stream is recorded at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RecordingState {
    /// It is not to be.
    Off,
    /// Nothing is published that can be.
    Waiting,
    /// It is.
    Recording,
    /// There is no room: it goes on by itself once there is.
    DiskFull,
    /// The files cannot be written: the server's log says why. It is tried again.
    Failed,
}

/// `GET /api/streams/{name}/recordings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recordings {
    /// Whether more is being added.
    pub state: RecordingState,
    /// What there is, oldest first; the latest [`MAX_SPANS`].
    pub spans: Vec<RecordedSpan>,
}

/// A time that is recorded without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordedSpan {
    /// Unix milliseconds.
    pub from: u64,
    /// Unix milliseconds.
    pub to: u64,
    /// Of all its files.
    pub bytes: u64,
}

/// `DELETE /api/streams/{name}/recordings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeletedRecordings {
    /// How many segments.
    pub deleted: usize,
}

/// `POST /api/streams/{name}/recordings/ticket`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ticket {
    /// The value of `ticket` in the query of `/{stream}/recording.mp4`, for a minute.
    pub ticket: String,
}
