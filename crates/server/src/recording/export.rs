//! Many segments as one MP4: what lies between runs is left out, and the times go on.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shiguredo_mp4::boxes::{FtypBox, HdlrBox, MoovBox, SampleEntry};
use shiguredo_mp4::demux::Fmp4SegmentDemuxer;
use shiguredo_mp4::mux::{Fmp4SegmentMuxer, Sample};
use shiguredo_mp4::{Decode, TrackKind};

use super::catalog::Segment;
use super::open_file::span;
use super::reading::Parts;

/// A film that is read fragment by fragment; the files are read only as far as it is asked for.
#[derive(Debug)]
pub(crate) struct Export {
    folder: PathBuf,
    segments: VecDeque<Segment>,
    open: Option<(Parts, Fmp4SegmentDemuxer)>,
    muxer: Fmp4SegmentMuxer,
    tracks: Vec<Track>,
    /// What comes before the first fragment.
    init: Option<Vec<u8>>,
    run: Option<Run>,
    /// When the last frame is shown no longer.
    end: Duration,
}

/// Where the frames of a run stand in the film.
#[derive(Debug, Clone, Copy)]
struct Run {
    run_ms: u64,
    /// The time in the run of its first frame that is in the film, and the one in the film.
    from: Duration,
    to: Duration,
}

/// One track of the film.
#[derive(Debug)]
struct Track {
    kind: TrackKind,
    clock_rate: NonZeroU32,
    /// When its next frame is due, in ticks of the film.
    due: u64,
}

/// A frame, and where it is in its fragment.
struct Cut {
    track: usize,
    at: Duration,
    duration: u32,
    keyframe: bool,
    entry: Option<SampleEntry>,
    bytes: std::ops::Range<usize>,
}

impl Export {
    /// A film of these segments, oldest first.
    ///
    /// # Errors
    /// When a file cannot be read. One that is deleted by then is left out.
    pub(super) fn new(folder: &Path, segments: Vec<Segment>) -> io::Result<Self> {
        let mut export = Self {
            folder: folder.to_owned(),
            segments: segments.into(),
            open: None,
            muxer: Fmp4SegmentMuxer::new().map_err(io::Error::other)?,
            tracks: Vec::new(),
            init: None,
            run: None,
            end: Duration::ZERO,
        };
        let mut entries = export.entries()?;
        // The picture is the first track.
        entries.sort_by_key(|(kind, ..)| *kind != TrackKind::Video);
        for (kind, clock_rate, entry) in entries {
            if !export.tracks.iter().any(|track| track.kind == kind) {
                let due = 0;
                export.tracks.push(Track {
                    kind,
                    clock_rate,
                    due,
                });
            }
            let sample = sample(kind, clock_rate, Some(entry));
            let told = export.muxer.create_media_segment_metadata(&[sample]);
            told.map_err(io::Error::other)?;
        }
        export.init = export.muxer.init_segment_bytes().ok();
        Ok(export)
    }

    /// Every way in which a track of the segments is coded.
    fn entries(&self) -> io::Result<Vec<(TrackKind, NonZeroU32, SampleEntry)>> {
        let (mut known, mut entries) = (HashSet::new(), Vec::new());
        for segment in &self.segments {
            if known.contains(&segment.init_hash) {
                continue;
            }
            let Some(init) = self.open(segment)?.map(|mut parts| parts.init()) else {
                continue;
            };
            known.insert(segment.init_hash);
            let init = init?.unwrap_or_default();
            let (_, length) = FtypBox::decode(&init).map_err(io::Error::other)?;
            let (moov, _) = MoovBox::decode(&init[length..]).map_err(io::Error::other)?;
            for track in moov.trak_boxes {
                let media = track.mdia_box;
                let kind = match media.hdlr_box.handler_type {
                    HdlrBox::HANDLER_TYPE_VIDE => TrackKind::Video,
                    _ => TrackKind::Audio,
                };
                let clock_rate = media.mdhd_box.timescale;
                let own = media.minf_box.stbl_box.stsd_box.entries;
                entries.extend(own.into_iter().map(|entry| (kind, clock_rate, entry)));
            }
        }
        Ok(entries)
    }

    /// None where retention has deleted it meanwhile.
    fn open(&self, segment: &Segment) -> io::Result<Option<Parts>> {
        match Parts::open(&self.folder.join(segment.file_name())) {
            Ok(parts) => Ok(Some(parts)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The next part of the film; none at its end.
    ///
    /// # Errors
    /// When a file cannot be read, or holds what we do not write.
    pub(crate) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        if let Some(init) = self.init.take() {
            return Ok(Some(init));
        }
        loop {
            if self.open.is_none() && !self.open_next()? {
                return Ok(None);
            }
            let Some((parts, demuxer)) = &mut self.open else {
                continue;
            };
            let Some(fragment) = parts.fragment()? else {
                self.open = None;
                continue;
            };
            let cuts = cuts(demuxer, &fragment, &self.tracks)?;
            let part = self.mux(cuts, &fragment)?;
            if !part.is_empty() {
                return Ok(Some(part));
            }
        }
    }

    /// Whether there was another segment.
    fn open_next(&mut self) -> io::Result<bool> {
        while let Some(segment) = self.segments.pop_front() {
            let Some(mut parts) = self.open(&segment)? else {
                continue;
            };
            let mut demuxer = Fmp4SegmentDemuxer::new();
            let init = parts.init()?.unwrap_or_default();
            demuxer
                .handle_init_segment(&init)
                .map_err(io::Error::other)?;
            if self.run.is_none_or(|run| run.run_ms != segment.run_ms) {
                self.run = Some(Run {
                    run_ms: segment.run_ms,
                    from: Duration::from_millis(segment.start_ms - segment.run_ms),
                    to: self.end,
                });
            }
            self.open = Some((parts, demuxer));
            return Ok(true);
        }
        Ok(false)
    }

    /// A fragment of the film.
    fn mux(&mut self, cuts: Vec<Cut>, fragment: &[u8]) -> io::Result<Vec<u8>> {
        let Some(run) = self.run else {
            return Ok(Vec::new());
        };
        let (mut samples, mut payload) = (Vec::new(), Vec::new());
        for cut in cuts {
            // Sound that was sent before the first picture is not in the film.
            let Some(at) = cut.at.checked_sub(run.from).map(|at| at + run.to) else {
                continue;
            };
            let track = &mut self.tracks[cut.track];
            let is_first = !samples
                .iter()
                .any(|each: &Sample| each.track_kind == track.kind);
            let at_ticks = ticks(at, track.clock_rate);
            let late = at_ticks.saturating_sub(track.due);
            if is_first && late > 1 {
                skip(&mut self.muxer, track, late)?;
            }
            let bytes = fragment.get(cut.bytes).unwrap_or_default();
            samples.push(Sample {
                duration: cut.duration,
                keyframe: cut.keyframe,
                data_offset: payload.len() as u64,
                data_size: bytes.len(),
                ..sample(track.kind, track.clock_rate, cut.entry)
            });
            payload.extend_from_slice(bytes);
            track.due += u64::from(cut.duration);
            self.end = self.end.max(span(track.due, track.clock_rate));
        }
        if samples.is_empty() {
            return Ok(Vec::new());
        }
        let head = self.muxer.create_media_segment_metadata(&samples);
        let mut part = head.map_err(io::Error::other)?;
        part.extend_from_slice(&payload);
        Ok(part)
    }
}

/// What is in a fragment, one track after the other.
fn cuts(
    demuxer: &mut Fmp4SegmentDemuxer,
    fragment: &[u8],
    tracks: &[Track],
) -> io::Result<Vec<Cut>> {
    let samples = demuxer.handle_media_segment(fragment);
    let samples = samples.map_err(io::Error::other)?;
    let cut = |sample: &shiguredo_mp4::demux::Sample<'_>| {
        let is_of = |track: &Track| track.kind == sample.track.kind;
        let begin = usize::try_from(sample.data_offset).ok()?;
        Some(Cut {
            track: tracks.iter().position(is_of)?,
            at: span(sample.timestamp, sample.track.timescale),
            duration: sample.duration,
            keyframe: sample.keyframe,
            entry: sample.sample_entry.cloned(),
            bytes: begin..begin.checked_add(sample.data_size)?,
        })
    };
    let mut cuts: Vec<Cut> = samples.iter().filter_map(cut).collect();
    // The muxer wants each track's frames together; the sort is stable.
    cuts.sort_by_key(|cut| cut.track);
    Ok(cuts)
}

/// Lets a track's next frame stand later, by a frame that nobody writes.
fn skip(muxer: &mut Fmp4SegmentMuxer, track: &mut Track, ticks: u64) -> io::Result<()> {
    let duration = u32::try_from(ticks).unwrap_or(u32::MAX);
    let sample = Sample {
        duration,
        ..sample(track.kind, track.clock_rate, None)
    };
    let told = muxer.create_media_segment_metadata(&[sample]);
    track.due += u64::from(duration);
    told.map(drop).map_err(io::Error::other)
}

fn sample(track_kind: TrackKind, timescale: NonZeroU32, entry: Option<SampleEntry>) -> Sample {
    Sample {
        track_kind,
        sample_entry: entry,
        keyframe: true,
        timescale,
        duration: 0,
        composition_time_offset: None,
        data_offset: 0,
        data_size: 0,
    }
}

fn ticks(span: Duration, clock_rate: NonZeroU32) -> u64 {
    let rate = u64::from(clock_rate.get());
    // Rounded to the nearest: what was a whole number of ticks is so again.
    let rest = (u64::from(span.subsec_nanos()) * rate + 500_000_000) / 1_000_000_000;
    span.as_secs() * rate + rest
}
