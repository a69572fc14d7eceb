//! Which streams are recorded, and what is to be written of them.

use std::time::Instant;

use protocol::stream::StreamName;

use super::Gateway;
use crate::recording::{Recorded, Recording};

impl Gateway {
    /// Records a stream from here on, whenever it is published, or no longer.
    pub fn record(&mut self, stream: &StreamName, is_recorded: bool, now: Instant) {
        if is_recorded {
            let segment = self.settings.segment;
            let begin = || Recording::new(stream.clone(), segment);
            self.recordings.entry(stream.clone()).or_insert_with(begin);
            let layer = self.recordings.get(stream).map_or(0, Recording::layer);
            self.want_key_frame(stream, layer, now);
        } else if let Some(mut recording) = self.recordings.remove(stream) {
            recording.handle_end(&mut self.recorded);
        }
    }

    /// What is to be written next.
    pub fn poll_frame(&mut self) -> Option<Recorded> {
        self.recorded.pop_front()
    }

    /// The publication of a stream is over, or another begins.
    pub(super) fn end_recorded(&mut self, stream: &StreamName) {
        if let Some(recording) = self.recordings.get_mut(stream) {
            recording.handle_end(&mut self.recorded);
        }
    }

    /// The first time that a recording waits for.
    pub(super) fn recording_timeout(&self) -> Option<Instant> {
        let recordings = self.recordings.values();
        recordings.filter_map(Recording::poll_timeout).min()
    }

    pub(super) fn handle_recording_timeouts(&mut self, now: Instant) {
        let mut wanting = Vec::new();
        for (stream, recording) in &mut self.recordings {
            if recording.poll_timeout().is_some_and(|at| at <= now) {
                recording.handle_timeout(now, &mut self.recorded);
            }
            if recording.take_key_frame_wish() {
                wanting.push((stream.clone(), recording.layer()));
            }
        }
        for (stream, layer) in wanting {
            self.want_key_frame(&stream, layer, now);
        }
    }
}
