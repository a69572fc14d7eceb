//! What came of a stream so far.

use std::time::{Duration, Instant};

use serde_json::json;
use whip::{Codec, Frame, MediaKind, Received};

use crate::arguments::OutputArguments;
use crate::commands::streaming::rate;
use crate::output::{self, kilobytes};

/// A picture that stands still for longer than that froze.
const FREEZE: Duration = Duration::from_millis(500);

/// Counts what comes.
#[derive(Debug, Default)]
pub(super) struct Figures {
    frames: u64,
    key_frames: u64,
    bytes: u64,
    sound_frames: u64,
    codec: Option<Codec>,
    /// Frames before which something was missing.
    gaps: u64,
    freezes: u64,
    longest_pause: Duration,
    first_at: Option<Instant>,
    last_at: Option<Instant>,
    /// Frames and bytes when they were last told, and when that was.
    told: (u64, u64, Option<Instant>),
    video: Option<Received>,
}

impl Figures {
    /// Whether anything came.
    pub(super) fn has_any(&self) -> bool {
        self.first_at.is_some()
    }

    pub(super) fn handle_frame(&mut self, frame: &Frame) {
        let now = frame.heard_at;
        self.first_at.get_or_insert(now);
        self.bytes += frame.data.len() as u64;
        if !frame.codec.is_video() {
            self.sound_frames += 1;
            return;
        }
        let pause = self.last_at.map(|last| now.saturating_duration_since(last));
        if let Some(pause) = pause {
            self.freezes += u64::from(pause > FREEZE);
            self.longest_pause = self.longest_pause.max(pause);
            self.gaps += u64::from(!frame.is_contiguous);
        }
        self.frames += 1;
        self.key_frames += u64::from(frame.is_key);
        self.codec = Some(frame.codec);
        self.last_at = Some(now);
    }

    pub(super) fn handle_received(&mut self, received: Received) {
        if received.kind == MediaKind::Video {
            self.video = Some(received);
        }
    }

    /// The session broke: what stands still until the next one is no freeze of the stream's.
    pub(super) fn handle_lost(&mut self) {
        self.last_at = None;
    }

    pub(super) fn tell(&mut self, output: OutputArguments, now: Instant) {
        let (told_frames, told_bytes, told_at) = self.told;
        let since = told_at.or(self.first_at).unwrap_or(now);
        let span = now.saturating_duration_since(since);
        let bits_per_second = rate(self.bytes - told_bytes, span);
        let rate = (self.frames - told_frames) as f64 / span.as_secs_f64().max(0.001);
        self.told = (self.frames, self.bytes, Some(now));
        let codec = self.codec.map(|codec| format!("{codec:?}"));
        let longest_ms = self.longest_pause.as_millis() as u64;
        let fact = json!({
            "event": "figures",
            "codec": codec,
            "frames": self.frames,
            "keyFrames": self.key_frames,
            "soundFrames": self.sound_frames,
            "bytes": self.bytes,
            "framesPerSecond": (rate * 10.0).round() / 10.0,
            "bitsPerSecond": bits_per_second,
            "gaps": self.gaps,
            "freezes": self.freezes,
            "longestPauseMs": longest_ms,
            "packets": self.video.map(|video| video.packets),
            "nacks": self.video.map(|video| video.nacks),
            "loss": self.video.and_then(|video| video.loss),
        });
        let sentence = format!(
            "{}: {} frames, {} of them key frames, {} of sound, {}; {rate:.1}/s, {} kbit/s; \
             {} gaps, {} freezes, longest pause {longest_ms} ms.",
            codec.as_deref().unwrap_or("no picture"),
            self.frames,
            self.key_frames,
            self.sound_frames,
            kilobytes(self.bytes as usize),
            bits_per_second / 1000,
            self.gaps,
            self.freezes,
        );
        output::fact(output, &fact, &sentence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(at: Instant, is_contiguous: bool) -> Frame {
        Frame {
            codec: Codec::H264,
            time: whip::MediaTime::ZERO,
            is_key: false,
            is_contiguous,
            heard_at: at,
            data: vec![0; 100].into(),
        }
    }

    #[test]
    fn a_pause_beyond_the_limit_is_a_freeze_and_one_of_a_broken_session_is_none() {
        let (mut figures, start) = (Figures::default(), Instant::now());
        let second = start + FREEZE;
        let third = second + FREEZE + Duration::from_millis(1);
        for at in [start, second, third] {
            figures.handle_frame(&frame(at, true));
        }
        assert_eq!(figures.freezes, 1);
        figures.handle_lost();
        figures.handle_frame(&frame(third + FREEZE * 9, false));
        assert_eq!((figures.freezes, figures.gaps), (1, 0));
        assert_eq!(figures.longest_pause, FREEZE + Duration::from_millis(1));
    }
}
