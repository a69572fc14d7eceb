//! The thread that owns the files.

use std::collections::BTreeMap;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use gateway::{Frame, Track, Tracks};
use metrics::{counter, gauge};
use protocol::stream::StreamName;
use shiguredo_mp4::boxes::SampleEntry;

use super::catalog::folder;
use super::intake::Order;
use super::open_file::{OpenFile, Place, WriteError};
use super::{RecordingSettings, Shared, format, retention, salvage};
use crate::clock::unix_now_ms;

/// How often what is due is looked after.
const TICK: Duration = Duration::from_millis(500);
/// How often room is looked for, and what is too old or too much.
const SWEEP: Duration = Duration::from_secs(5);
/// So much more than the least must be free before recording goes on: a part of it.
const RESUME_PART: u64 = 4;

/// The thread's state.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) settings: RecordingSettings,
    shared: Arc<Shared>,
    streams: BTreeMap<StreamName, State>,
    /// Nothing is written.
    is_paused: bool,
    next_tick: Instant,
    next_sweep: Instant,
}

/// A stream of which frames came.
#[derive(Debug)]
struct State {
    run: u64,
    run_ms: u64,
    /// What the last key frame said of itself.
    picture: Option<SampleEntry>,
    open: Option<OpenFile>,
}

impl Writer {
    pub(super) fn new(settings: RecordingSettings, shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Self {
            settings,
            shared,
            streams: BTreeMap::new(),
            is_paused: false,
            next_tick: now + TICK,
            next_sweep: now,
        }
    }

    /// Runs until it is stopped or everybody who could write is gone.
    pub(super) fn run(mut self, inbox: &mpsc::Receiver<Order>) {
        salvage::list(&self.settings.dir, &self.shared);
        loop {
            let wait = self.next_tick.saturating_duration_since(Instant::now());
            match inbox.recv_timeout(wait) {
                Ok(Order::Frame(frame, unix_time)) => self.take(frame, unix_time),
                Ok(Order::Ended(stream, run)) => self.end_run(&stream, run),
                Ok(Order::Delete {
                    stream,
                    range,
                    answer,
                }) => {
                    // Whoever asked may be gone.
                    let _ = answer.send(self.delete(&stream, range));
                }
                Ok(Order::Stop(done)) => {
                    self.finish_all();
                    let _ = done.send(());
                    return;
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.end_unsaid(),
                Err(mpsc::RecvTimeoutError::Disconnected) => return self.finish_all(),
            }
            self.tick(Instant::now());
        }
    }

    pub(super) fn take(&mut self, frame: Frame, unix_time: Duration) {
        let length = frame.data.len();
        self.shared
            .queued_bytes
            .fetch_sub(length, Ordering::Relaxed);
        if self.is_paused {
            counter!("helio_recording_dropped_frames_total", "cause" => "paused").increment(1);
            return;
        }
        let stream = frame.stream.clone();
        if self
            .streams
            .get(&stream)
            .is_none_or(|state| state.run != frame.run)
        {
            self.end(&stream);
            let state = self.begin(&frame, unix_time);
            self.streams.insert(stream.clone(), state);
        }
        if let Err(error) = self.write(&stream, frame) {
            self.fail(&stream, &error);
        }
    }

    /// The state of a run that begins with this frame, or began before it.
    fn begin(&self, frame: &Frame, unix_time: Duration) -> State {
        let at_ms = frame.at * 1000 / u64::from(frame.clock_rate.max(1));
        let now_ms = u64::try_from(unix_time.as_millis()).unwrap_or(u64::MAX);
        let catalog = self.shared.read();
        // A clock that was set back leads to a time of which there is a segment.
        let is_taken = |run_ms: &u64| catalog.has(&frame.stream, run_ms + at_ms);
        let mut free = (now_ms.saturating_sub(at_ms)..).skip_while(is_taken);
        State {
            run: frame.run,
            run_ms: free.next().unwrap_or(now_ms),
            picture: None,
            open: None,
        }
    }

    fn write(&mut self, stream: &StreamName, frame: Frame) -> Result<(), WriteError> {
        let Some(state) = self.streams.get_mut(stream) else {
            return Ok(());
        };
        let mut is_other = false;
        if frame.track == Track::Video && frame.is_key {
            let picture = format::picture(&frame);
            is_other = picture.is_some() && picture != state.picture;
            state.picture = picture.or(state.picture.take());
        }
        let other = state.open.as_ref().filter(|_| is_other);
        let begins = frame.segment.or(other.map(OpenFile::tracks));
        if let Some(tracks) = begins {
            if let Some(open) = &mut state.open {
                open.complete(Some(frame.at))?;
            }
            self.close(stream);
            self.open(stream, &frame, tracks)?;
        }
        let open = self
            .streams
            .get_mut(stream)
            .and_then(|state| state.open.as_mut());
        open.map_or(Ok(()), |open| open.push(frame))
    }

    fn open(
        &mut self,
        stream: &StreamName,
        frame: &Frame,
        tracks: Tracks,
    ) -> Result<(), WriteError> {
        let Some(state) = self.streams.get_mut(stream) else {
            return Ok(());
        };
        if tracks.video && state.picture.is_none() {
            tracing::warn!(codec = %frame.codec, "codec is not recorded, or does not say how it is coded");
            return Ok(());
        }
        let at_ms = frame.at * 1000 / u64::from(frame.clock_rate.max(1));
        let place = Place {
            run_ms: state.run_ms,
            start_ms: state.run_ms + at_ms,
        };
        let folder = folder(&self.settings.dir, stream);
        let clock_rates = (frame.clock_rate, SOUND_CLOCK_RATE);
        let picture = state.picture.as_ref();
        state.open = Some(OpenFile::create(
            &folder,
            place,
            tracks,
            picture,
            clock_rates,
        )?);
        self.shared.write().set_open(stream, true);
        Ok(())
    }

    /// Runs whose end found no place among the frames before it, which are written by now.
    pub(super) fn end_unsaid(&mut self) {
        let ends = std::mem::take(&mut *self.shared.unsaid_ends());
        for (stream, run) in ends {
            self.end_run(&stream, run);
        }
    }

    fn end_run(&mut self, stream: &StreamName, run: u64) {
        let state = self.streams.get(stream);
        if state.is_some_and(|state| state.run == run) {
            self.end(stream);
        }
    }

    /// The run of a stream is over.
    fn end(&mut self, stream: &StreamName) {
        let open = self
            .streams
            .get_mut(stream)
            .and_then(|state| state.open.as_mut());
        if let Some(Err(error)) = open.map(|open| open.complete(None)) {
            self.fail(stream, &error);
        }
        self.close(stream);
        self.streams.remove(stream);
    }

    fn finish_all(&mut self) {
        let streams: Vec<_> = self.streams.keys().cloned().collect();
        for stream in streams {
            self.end(&stream);
        }
    }

    /// A file could not be written: what there is of it is kept, and where it was the disk's fault
    /// nothing is written for a while.
    fn fail(&mut self, stream: &StreamName, error: &WriteError) {
        tracing::warn!(%error, %stream, "recording interrupted");
        match error {
            WriteError::Mux(_) => self.close(stream),
            WriteError::Io(error) => {
                let is_full = is_full(error);
                self.shared.is_disk_full.store(is_full, Ordering::Relaxed);
                self.shared.is_failing.store(!is_full, Ordering::Relaxed);
                self.pause();
            }
        }
    }

    /// Writes nothing until there is room.
    fn pause(&mut self) {
        self.is_paused = true;
        gauge!("helio_recording_paused").set(1.0);
        let streams: Vec<_> = self.streams.keys().cloned().collect();
        for stream in streams {
            self.close(&stream);
        }
    }

    /// Keeps what can be played of an open file, and writes no more to it.
    fn close(&mut self, stream: &StreamName) {
        let open = self
            .streams
            .get_mut(stream)
            .and_then(|state| state.open.take());
        match open.map(OpenFile::close) {
            Some(Ok(Some(segment))) => {
                self.shared.write().insert(stream, segment);
                counter!("helio_recording_segments_total").increment(1);
            }
            Some(Ok(None)) | None => {}
            // It is salvaged at the next start.
            Some(Err(error)) => tracing::warn!(%error, %stream, "open recording left as it is"),
        }
        self.shared.write().set_open(stream, false);
    }

    fn tick(&mut self, now: Instant) {
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        if now >= self.next_sweep {
            self.next_sweep = now + SWEEP;
            self.sweep();
            self.look_for_room();
        }
    }

    /// Deletes what is too old or too much.
    pub(super) fn sweep(&mut self) {
        let RecordingSettings {
            max_age, max_bytes, ..
        } = self.settings;
        let doomed = retention::doomed(&self.shared.read(), unix_now_ms(), max_age, max_bytes);
        for each in doomed {
            let one = (
                Bound::Included(each.start_ms),
                Bound::Included(each.start_ms),
            );
            self.remove(&each.stream, one, each.cause);
        }
        let catalog = self.shared.read();
        gauge!("helio_recording_streams").set(catalog.open_count() as f64);
        gauge!("helio_recording_stored_bytes").set(catalog.bytes() as f64);
    }

    pub(super) fn look_for_room(&mut self) {
        let least = self.settings.min_free_bytes;
        let Some(free) = self.free_bytes() else {
            return;
        };
        if self.is_paused && free >= least + least / RESUME_PART {
            tracing::info!(free_bytes = free, "recording goes on");
            self.is_paused = false;
            self.shared.is_disk_full.store(false, Ordering::Relaxed);
            self.shared.is_failing.store(false, Ordering::Relaxed);
            gauge!("helio_recording_paused").set(0.0);
            // What comes next begins with a segment.
            self.streams.clear();
            // What could not be finished can be.
            salvage::list(&self.settings.dir, &self.shared);
        } else if !self.is_paused && free < least && !self.streams.is_empty() {
            tracing::warn!(
                free_bytes = free,
                "the disk is full (recording.min_free_bytes): nothing is recorded until there is room"
            );
            self.shared.is_disk_full.store(true, Ordering::Relaxed);
            self.pause();
        }
    }

    /// What is free where the recordings are, or will be.
    fn free_bytes(&self) -> Option<u64> {
        let mut dirs = self.settings.dir.ancestors();
        let disk = dirs.find_map(|dir| rustix::fs::statvfs(dir).ok())?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// Deletes what begins in a range, also what is not finished.
    pub(super) fn delete(&mut self, stream: &StreamName, range: (Bound<u64>, Bound<u64>)) -> usize {
        let open = self
            .streams
            .get(stream)
            .and_then(|state| state.open.as_ref());
        if open.is_some_and(|open| range.contains(&open.start_ms())) {
            self.close(stream);
        }
        self.remove(stream, range, "asked")
    }

    fn remove(
        &mut self,
        stream: &StreamName,
        range: (Bound<u64>, Bound<u64>),
        cause: &'static str,
    ) -> usize {
        let segments: Vec<_> = self.shared.read().range(stream, range).copied().collect();
        let folder = folder(&self.settings.dir, stream);
        let mut removed = 0;
        for segment in segments {
            match std::fs::remove_file(folder.join(segment.file_name())) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, "recording not deleted");
                }
                _ => {
                    self.shared.write().remove(stream, segment.start_ms);
                    counter!("helio_recording_deleted_total", "cause" => cause).increment(1);
                    removed += 1;
                }
            }
        }
        removed
    }
}

/// RTP clock of Opus, in hertz (RFC 7587 §4.1).
const SOUND_CLOCK_RATE: u32 = 48_000;

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
