//! Recordings: what is recorded of a stream, since when its account has it, and what is deleted.

use std::ops::Range;

use protocol::http::recordings::RecordingState;
use protocol::id::AccountId;
use protocol::problem::ProblemCode;
use protocol::stream::StreamName;
use registry::Stream;

use super::streams::{no_such_stream, stream_refused};
use super::{Control, failed};
use crate::clock::unix_now_ms;
use crate::http::refused::Refused;
use crate::recording::Recordings;

impl Control {
    /// Lets the loops record what is to be recorded; at start.
    pub(crate) async fn resume_recordings(&self) -> Result<(), Refused> {
        let streams = self.registry.streams(None).await.map_err(failed)?;
        if let Some(live) = self.live.get() {
            for stream in streams.iter().filter(|stream| stream.is_recorded) {
                live.media.record(&stream.name, true);
            }
        }
        Ok(())
    }

    /// Since when what is recorded under a name is its account's, in Unix milliseconds: what was
    /// before is nobody's to see.
    ///
    /// # Errors
    /// `not-found` where nobody has the name.
    pub(crate) async fn recorded_since(&self, name: &StreamName) -> Result<u64, Refused> {
        let stream = self.registry.stream(name).await.map_err(failed)?;
        let stream = stream.ok_or_else(no_such_stream)?;
        Ok(stream.created_ms)
    }

    /// Whether a stream is recorded at this moment.
    pub(crate) async fn recording_state(
        &self,
        name: &StreamName,
    ) -> Result<RecordingState, Refused> {
        let stream = self.registry.stream(name).await.map_err(failed)?;
        Ok(stream.map_or(RecordingState::Off, |stream| self.recording_of(&stream)))
    }

    pub(super) fn recording_of(&self, stream: &Stream) -> RecordingState {
        match self.live.get() {
            _ if !stream.is_recorded => RecordingState::Off,
            Some(live) => live.recordings.state(&stream.name),
            None => RecordingState::Waiting,
        }
    }

    /// What is on the disk.
    ///
    /// # Errors
    /// `conflict` while no server runs, which alone may touch the files.
    pub(crate) fn recordings(&self) -> Result<&Recordings, Refused> {
        let live = self.live.get();
        live.map(|live| &live.recordings).ok_or_else(|| {
            let detail = "recordings are listed and deleted while the server runs: start it";
            Refused::because(ProblemCode::Conflict, detail)
        })
    }

    /// Deletes the segments of a stream that begin in a range, in Unix milliseconds; how many. `by`
    /// an account, it must be its own.
    pub(crate) async fn delete_recordings(
        &self,
        name: &StreamName,
        by: Option<&AccountId>,
        range: Range<u64>,
    ) -> Result<usize, Refused> {
        let recordings = self.recordings()?;
        let noted = self
            .registry
            .note_deleted_recordings(name, by, unix_now_ms());
        noted.await.map_err(stream_refused)?;
        Ok(recordings.delete(name, range).await)
    }
}
