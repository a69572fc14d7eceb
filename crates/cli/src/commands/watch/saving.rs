//! A stream in a file: H.264 as it comes (Annex B), or with its sound in MP4.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Instant;

use shiguredo_mp4::TrackKind;
use shiguredo_mp4::bitstream::h264::{
    H264SampleEntryConfig, LengthSize, annexb_to_length_prefixed, build_avc1_box_from_annexb,
};
use shiguredo_mp4::bitstream::opus::{ChannelCount, OpusSampleEntryConfig, build_opus_box};
use shiguredo_mp4::boxes::SampleEntry;
use shiguredo_mp4::mux::{Mp4FileMuxer, Sample};
use whip::{Codec, Frame, Frequency};

use super::ending;
use crate::output::Failure;

/// Opus is decoded at 48 kHz, and to two channels, whatever was sent (RFC 7587 §4.1).
const OPUS: OpusSampleEntryConfig = OpusSampleEntryConfig {
    channel_count: ChannelCount::Stereo,
    // Nothing is skipped: a file begins in the middle of the sound.
    pre_skip: 0,
    input_sample_rate: 48_000,
    output_gain: 0,
};
/// The longest time that one frame is shown: a stream that stood still for longer goes on sooner.
const LONGEST_SECONDS: u32 = 10;

/// A file that grows.
pub(super) struct Saved {
    path: PathBuf,
    file: File,
    frames: u64,
    bytes: u64,
    mp4: Option<Mp4>,
}

/// What was saved.
pub(super) struct Summary {
    pub(super) file: String,
    pub(super) frames: u64,
    pub(super) bytes: u64,
}

struct Mp4 {
    muxer: Mp4FileMuxer,
    picture: Lane,
    sound: Lane,
}

/// The frames of one track: the last one is held until it is known how long it is shown.
struct Lane {
    kind: TrackKind,
    clock: Frequency,
    /// What the file says of the codec, until it is said.
    entry: Option<SampleEntry>,
    held: Option<Held>,
    usual_ticks: u32,
}

struct Held {
    ticks: u64,
    heard_at: Instant,
    is_key: bool,
    data: Vec<u8>,
}

impl Saved {
    /// A new file, of the kind that its name ends with.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let fails = |error| Failure::Usage(format!("{}: {error}", path.display()));
        let is_mp4 = match ending(path).as_str() {
            "mp4" => true,
            "h264" | "264" => false,
            _ => {
                let named = path.display();
                return Err(Failure::Usage(format!(
                    "{named}: only .mp4 and .h264 are written"
                )));
            }
        };
        let mut file = File::create_new(path).map_err(fails)?;
        let mut bytes = 0;
        let mp4 = if is_mp4 {
            let muxer = Mp4FileMuxer::new().map_err(Failure::because)?;
            let begin = muxer.initial_boxes_bytes();
            file.write_all(begin).map_err(fails)?;
            bytes = begin.len() as u64;
            let sound = Some(SampleEntry::Opus(build_opus_box(&OPUS)));
            Some(Mp4 {
                muxer,
                picture: Lane::new(TrackKind::Video, Frequency::NINETY_KHZ, None),
                sound: Lane::new(TrackKind::Audio, Frequency::FORTY_EIGHT_KHZ, sound),
            })
        } else {
            None
        };
        Ok(Self {
            path: path.to_owned(),
            file,
            frames: 0,
            bytes,
            mp4,
        })
    }

    /// Takes the next frame. A file begins with a key frame.
    pub(super) fn push(&mut self, frame: &Frame) -> Result<(), Failure> {
        let is_picture = frame.codec == Codec::H264;
        if self.mp4.is_none() {
            if is_picture && (self.frames > 0 || frame.is_key) {
                self.frames += 1;
                self.append(&frame.data)?;
            }
            return Ok(());
        }
        let Some(mp4) = &mut self.mp4 else {
            return Ok(());
        };
        if is_picture && mp4.picture.is_unknown() {
            if !frame.is_key {
                return Ok(());
            }
            let config = H264SampleEntryConfig {
                length_size: LengthSize::FourBytes,
            };
            let entry = build_avc1_box_from_annexb(&frame.data, &config);
            mp4.picture.entry = Some(SampleEntry::Avc1(entry.map_err(Failure::because)?));
        }
        let (lane, data) = match frame.codec {
            Codec::H264 => {
                let data = annexb_to_length_prefixed(&frame.data, LengthSize::FourBytes);
                (&mut mp4.picture, data.map_err(Failure::because)?)
            }
            // Sound before the first picture would be heard with it.
            Codec::Opus if mp4.picture.has_begun() => (&mut mp4.sound, frame.data.to_vec()),
            _ => return Ok(()),
        };
        let ticks = frame.time.rebase(lane.clock).numer();
        let shown = lane.handle(Held {
            ticks,
            heard_at: frame.heard_at,
            is_key: frame.is_key,
            data,
        });
        self.write(shown, is_picture)
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> Result<Summary, Failure> {
        if let Some(mp4) = &mut self.mp4 {
            let left = [mp4.picture.end(), mp4.sound.end()];
            for (at, shown) in left.into_iter().enumerate() {
                self.write(shown, at == 0)?;
            }
        }
        if let Some(mp4) = &mut self.mp4 {
            let end = mp4.muxer.finalize().map_err(Failure::because)?;
            for (offset, bytes) in end.offset_and_bytes_pairs() {
                let written = self
                    .file
                    .seek(SeekFrom::Start(offset))
                    .and_then(|_| self.file.write_all(bytes));
                written.map_err(Failure::because)?;
            }
        }
        let length = self.file.metadata().map_err(Failure::because)?.len();
        Ok(Summary {
            file: self.path.display().to_string(),
            frames: self.frames,
            bytes: length,
        })
    }

    /// Writes a frame that is shown for so many ticks.
    fn write(&mut self, shown: Option<(Held, u32)>, is_picture: bool) -> Result<(), Failure> {
        let Some((held, duration)) = shown else {
            return Ok(());
        };
        let offset = self.bytes;
        self.append(&held.data)?;
        self.frames += u64::from(is_picture);
        let Some(mp4) = &mut self.mp4 else {
            return Ok(());
        };
        let lane = if is_picture {
            &mut mp4.picture
        } else {
            &mut mp4.sound
        };
        let sample = Sample {
            track_kind: lane.kind,
            sample_entry: lane.entry.take(),
            keyframe: held.is_key || !is_picture,
            timescale: NonZeroU32::new(lane.clock.get()).unwrap_or(NonZeroU32::MIN),
            duration,
            composition_time_offset: None,
            data_offset: offset,
            data_size: held.data.len(),
        };
        mp4.muxer.append_sample(&sample).map_err(Failure::because)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let written = self.file.write_all(bytes);
        let named = self.path.display();
        written.map_err(|error| Failure::Failed(format!("{named}: {error}")))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl Lane {
    fn new(kind: TrackKind, clock: Frequency, entry: Option<SampleEntry>) -> Self {
        Self {
            kind,
            clock,
            entry,
            held: None,
            usual_ticks: clock.get() / 50,
        }
    }

    /// Whether nothing is known of what comes.
    fn is_unknown(&self) -> bool {
        self.entry.is_none() && self.held.is_none()
    }

    fn has_begun(&self) -> bool {
        self.held.is_some()
    }

    /// Holds this frame; the one before, and for how long it is shown. Clocks that jump, as those of
    /// another session do, let it be shown as long as usual.
    ///
    /// The first picture may be one that the server kept, taken before the sound that comes with
    /// it: it is shown from when it came on, so that the two begin together.
    fn handle(&mut self, next: Held) -> Option<(Held, u32)> {
        let (ticks, heard_at) = (next.ticks, next.heard_at);
        let before = self.held.replace(next)?;
        let is_first_picture = self.kind == TrackKind::Video && self.entry.is_some();
        let span = if is_first_picture {
            let waited = heard_at.saturating_duration_since(before.heard_at);
            Some((waited.as_secs_f64() * f64::from(self.clock.get())) as u64)
        } else {
            ticks.checked_sub(before.ticks)
        };
        let span = span.and_then(|span| u32::try_from(span).ok());
        let longest = self.clock.get() * LONGEST_SECONDS;
        let duration = span
            .filter(|span| *span <= longest)
            .unwrap_or(self.usual_ticks);
        self.usual_ticks = duration;
        Some((before, duration))
    }

    fn end(&mut self) -> Option<(Held, u32)> {
        self.held.take().map(|held| (held, self.usual_ticks))
    }
}
