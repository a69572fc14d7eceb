//! One file that grows: fragmented MP4 (ISO/IEC 14496-12 §8.8), its first part written at once and
//! a fragment every second, so that what is there can always be played.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway::{Frame, Track, Tracks};
use shiguredo_mp4::TrackKind;
use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::mux::{Fmp4SegmentMuxer, MuxError, Sample};

use super::catalog::{OPEN_EXTENSION, Segment};
use super::format;
use crate::files::create_private_dir;

/// A fragment is written when it is so long.
const FRAGMENT: Duration = Duration::from_millis(900);
/// Or so large.
const FRAGMENT_BYTES: usize = 8 << 20;
/// How long the last frame of a track is shown when it is the only one: a part of a second.
const LONE_FRAME: u32 = 50;

/// Why a file does not grow.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// The disk.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The frames, which fit no MP4 file.
    #[error("no MP4 file holds this: {0}")]
    Mux(#[from] MuxError),
}

/// Where a file stands in its run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// When the run began, in Unix milliseconds.
    pub(super) run_ms: u64,
    /// When the file begins, in Unix milliseconds.
    pub(super) start_ms: u64,
}

impl Place {
    /// The name of the file as long as it grows.
    pub(super) fn open_name(&self) -> String {
        let Self { run_ms, start_ms } = self;
        format!("{start_ms}-{run_ms}.{OPEN_EXTENSION}")
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(&format!(".{OPEN_EXTENSION}"))?;
        let (start, run) = stem.split_once('-')?;
        let place = Self {
            run_ms: run.parse().ok()?,
            start_ms: start.parse().ok()?,
        };
        (place.open_name() == name).then_some(place)
    }
}

/// A file that grows.
#[derive(Debug)]
pub(super) struct OpenFile {
    place: Place,
    path: PathBuf,
    file: File,
    muxer: Fmp4SegmentMuxer,
    init_bytes: u64,
    init_hash: u32,
    tracks: Tracks,
    lanes: Vec<Lane>,
    fragment_began: Option<Duration>,
    fragment_bytes: usize,
    /// Length of what can be played, and when it ends, in ticks of the first track.
    whole_bytes: u64,
    whole_end: u64,
}

/// The frames of one track.
#[derive(Debug)]
struct Lane {
    track: Track,
    clock_rate: NonZeroU32,
    /// The last frame: how long it is shown is known when the next one comes.
    held: Option<(u64, bool, Vec<u8>)>,
    ready: Vec<Shown>,
    /// When the first frame is shown, and when the last one no longer is, in ticks of the run.
    first: Option<u64>,
    end: u64,
    last_duration: u32,
    is_placed: bool,
}

/// A frame that is shown for so many ticks.
#[derive(Debug)]
struct Shown {
    duration: u32,
    is_key: bool,
    data: Vec<u8>,
}

impl OpenFile {
    /// A file with its first part; `picture` is what a key frame said of itself.
    pub(super) fn create(
        folder: &Path,
        place: Place,
        tracks: Tracks,
        picture: Option<&SampleEntry>,
        clock_rates: (u32, u32),
    ) -> Result<Self, WriteError> {
        let mut muxer = Fmp4SegmentMuxer::new()?;
        let mut lanes = Vec::new();
        if let (true, Some(picture)) = (tracks.video, picture) {
            lanes.push(Lane::new(Track::Video, clock_rates.0));
            prime(
                &mut muxer,
                &lanes[lanes.len() - 1],
                Some(picture.clone()),
                0,
            )?;
        }
        if tracks.audio {
            lanes.push(Lane::new(Track::Audio, clock_rates.1));
            prime(
                &mut muxer,
                &lanes[lanes.len() - 1],
                Some(format::sound()),
                0,
            )?;
        }
        let init = muxer.init_segment_bytes()?;
        create_private_dir(folder)?;
        let path = folder.join(place.open_name());
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        if let Err(error) = file.write_all(&init) {
            // It holds nothing, and nobody else knows of it.
            let _ = std::fs::remove_file(&path);
            return Err(error.into());
        }
        Ok(Self {
            place,
            path,
            file,
            muxer,
            init_bytes: init.len() as u64,
            init_hash: hash(&init),
            tracks,
            lanes,
            fragment_began: None,
            fragment_bytes: 0,
            whole_bytes: init.len() as u64,
            whole_end: 0,
        })
    }

    /// When it begins, in Unix milliseconds.
    pub(super) fn start_ms(&self) -> u64 {
        self.place.start_ms
    }

    pub(super) fn tracks(&self) -> Tracks {
        self.tracks
    }

    /// Takes the next frame; one of a track that the file lacks is left out.
    pub(super) fn push(&mut self, frame: Frame) -> Result<(), WriteError> {
        let (at, is_key) = (frame.at, frame.is_key);
        let of = |lane: &&mut Lane| lane.track == frame.track;
        let Some(lane) = self.lanes.iter_mut().find(of) else {
            return Ok(());
        };
        lane.show_held(at);
        let at_span = span(at, lane.clock_rate);
        let data = format::sample(frame);
        self.fragment_bytes += data.len();
        lane.held = Some((at, is_key, data));
        lane.first.get_or_insert(at);
        let began = *self.fragment_began.get_or_insert(at_span);
        let is_long = at_span.saturating_sub(began) >= FRAGMENT;
        if is_long || self.fragment_bytes >= FRAGMENT_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes a fragment of what is ready.
    pub(super) fn flush(&mut self) -> Result<(), WriteError> {
        let (mut samples, mut payload) = (Vec::new(), Vec::new());
        for lane in &mut self.lanes {
            let first = lane
                .first
                .filter(|_| !lane.is_placed && !lane.ready.is_empty());
            if let Some(first) = first {
                prime(&mut self.muxer, lane, None, first)?;
                lane.is_placed = true;
            }
            for shown in lane.ready.drain(..) {
                let offset = payload.len() as u64;
                samples.push(Sample {
                    data_offset: offset,
                    data_size: shown.data.len(),
                    ..sample(lane.track, lane.clock_rate, shown.duration, shown.is_key)
                });
                payload.extend_from_slice(&shown.data);
            }
        }
        self.fragment_began = None;
        self.fragment_bytes = 0;
        if samples.is_empty() {
            return Ok(());
        }
        let mut fragment = self.muxer.create_media_segment_metadata(&samples)?;
        fragment.extend_from_slice(&payload);
        self.file.write_all(&fragment)?;
        self.whole_bytes += fragment.len() as u64;
        self.whole_end = self.lanes.first().map_or(0, |lane| lane.end);
        metrics::counter!("helio_recording_written_bytes_total").increment(fragment.len() as u64);
        Ok(())
    }

    /// Writes what is left. `next` is when the next file of the run begins, in ticks of its leading
    /// track.
    pub(super) fn complete(&mut self, next: Option<u64>) -> Result<(), WriteError> {
        for lane in &mut self.lanes {
            let leads = (lane.track == Track::Video) == self.tracks.video;
            let usual = lane.usual_duration();
            let end = lane.held.as_ref().map(|(at, ..)| at + u64::from(usual));
            let next = next.filter(|_| leads).or(end);
            next.into_iter().for_each(|next| lane.show_held(next));
        }
        self.flush()
    }

    /// Gives the file its name as it stands, without a fragment that is not whole; none where it
    /// holds nothing.
    pub(super) fn close(self) -> io::Result<Option<Segment>> {
        let Some((start_ms, end_ms)) = self.extent() else {
            std::fs::remove_file(&self.path)?;
            return Ok(None);
        };
        self.file.set_len(self.whole_bytes)?;
        self.file.sync_all()?;
        let segment = Segment {
            start_ms,
            duration_ms: end_ms.saturating_sub(start_ms),
            run_ms: self.place.run_ms,
            init_bytes: self.init_bytes,
            init_hash: self.init_hash,
            bytes: self.whole_bytes,
        };
        rename(&self.path, &segment)?;
        Ok(Some(segment))
    }

    /// When it begins and ends, in Unix milliseconds; none where nothing was written.
    fn extent(&self) -> Option<(u64, u64)> {
        let written = self.whole_bytes > self.init_bytes;
        let lane = self.lanes.first().filter(|_| written)?;
        let ms = |ticks| u64::try_from(span(ticks, lane.clock_rate).as_millis()).ok();
        // Rounded alike, so that segments of a run meet.
        Some((self.place.start_ms, self.place.run_ms + ms(self.whole_end)?))
    }
}

impl Lane {
    fn new(track: Track, clock_rate: u32) -> Self {
        Self {
            track,
            clock_rate: NonZeroU32::new(clock_rate).unwrap_or(NonZeroU32::MIN),
            held: None,
            ready: Vec::new(),
            first: None,
            end: 0,
            last_duration: 0,
            is_placed: false,
        }
    }

    /// The frame that is held is shown until then.
    fn show_held(&mut self, until: u64) {
        let Some((at, is_key, data)) = self.held.take() else {
            return;
        };
        let duration = u32::try_from(until.saturating_sub(at)).unwrap_or(u32::MAX);
        self.last_duration = duration;
        self.end = until;
        self.ready.push(Shown {
            duration,
            is_key,
            data,
        });
    }

    /// How long a frame is shown when nobody knows.
    fn usual_duration(&self) -> u32 {
        match self.last_duration {
            0 => self.clock_rate.get() / LONE_FRAME,
            usual => usual,
        }
    }
}

/// Tells the muxer of a track, or how far into the run its first frame is, by frames that nobody
/// writes.
fn prime(
    muxer: &mut Fmp4SegmentMuxer,
    lane: &Lane,
    sample_entry: Option<SampleEntry>,
    ticks: u64,
) -> Result<(), MuxError> {
    let mut left = ticks;
    loop {
        let part = u32::try_from(left).unwrap_or(u32::MAX);
        left -= u64::from(part);
        let sample = Sample {
            sample_entry: sample_entry.clone(),
            ..sample(lane.track, lane.clock_rate, part, true)
        };
        muxer.create_media_segment_metadata(&[sample])?;
        if left == 0 {
            return Ok(());
        }
    }
}

fn sample(track: Track, timescale: NonZeroU32, duration: u32, keyframe: bool) -> Sample {
    Sample {
        track_kind: match track {
            Track::Audio => TrackKind::Audio,
            Track::Video => TrackKind::Video,
        },
        sample_entry: None,
        keyframe,
        timescale,
        duration,
        composition_time_offset: None,
        data_offset: 0,
        data_size: 0,
    }
}

/// Ticks as a span.
pub(super) fn span(ticks: u64, clock_rate: NonZeroU32) -> Duration {
    let rate = u64::from(clock_rate.get());
    Duration::from_secs(ticks / rate) + Duration::from_nanos(ticks % rate * 1_000_000_000 / rate)
}

/// Tells first parts apart.
pub(super) fn hash(init: &[u8]) -> u32 {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, init);
    let first = digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes");
    u32::from_be_bytes(*first)
}

/// Gives a finished file its name, also where the power fails next.
pub(super) fn rename(path: &Path, segment: &Segment) -> io::Result<()> {
    std::fs::rename(path, path.with_file_name(segment.file_name()))?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
