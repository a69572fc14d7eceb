//! Live video before anybody carries it: takes pictures at a rate, and encodes them as one stream.

use std::time::Instant;

use tokio::task::JoinHandle;
use tokio::time::sleep_until;

use super::encoder::EncodeError;
use super::live::LiveEncoder;
use super::live_rate::LiveRate;
use super::pace::Pace;
use super::sending::SendError;
use super::sources::Source;
use crate::server_api::unix_ms;

/// Size, rate and bitrate of live video: the presets of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveSettings {
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// At least 1.
    pub frames_per_second: u32,
    /// What the encoder aims at, at most.
    pub bits_per_second: u32,
}

impl LiveSettings {
    /// 640×480, 15 frames/s, 300 kbit/s.
    pub const LOW: Self = Self::new(640, 480, 15, 300_000);
    /// 1280×720, 24 frames/s, 1 Mbit/s.
    pub const MEDIUM: Self = Self::new(1280, 720, 24, 1_000_000);
    /// 1280×720, 30 frames/s, 1.5 Mbit/s.
    pub const HIGH: Self = Self::new(1280, 720, 30, 1_500_000);

    /// 1920×1080, 30 frames/s, 4 Mbit/s.
    pub const HD: Self = Self::new(1920, 1080, 30, 4_000_000);

    const fn new(width: u32, height: u32, frames_per_second: u32, bits_per_second: u32) -> Self {
        Self {
            width,
            height,
            frames_per_second,
            bits_per_second,
        }
    }
}

/// What was filmed since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LiveFigures {
    /// Frames that were made.
    pub frames: u64,
    /// Those of them that stand alone.
    pub key_frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames that were not taken because the one before took too long, or that the bitrate left
    /// no room for.
    pub skipped: u64,
    /// What the encoder aims at now: less than was asked for where the path carries less.
    pub bits_per_second: u32,
}

/// A frame of a [`Film`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilmedFrame {
    /// H.264 in Annex B.
    pub access_unit: Vec<u8>,
    /// When its picture was taken.
    pub taken_at: Instant,
}

/// Takes pictures and encodes them, away from the threads that wait for the network.
struct Studio {
    source: Source,
    encoder: LiveEncoder,
    began_at: Instant,
}

/// A frame; none where the bitrate leaves no room for it.
enum Filmed {
    Frame(Option<Vec<u8>>),
    Over,
}

impl Studio {
    /// The next frame, after so many that were due before and could not be taken.
    fn film(&mut self, wants_key_frame: bool, aim: u32, skipped: u32) -> Result<Filmed, SendError> {
        self.encoder.aim(aim)?;
        if skipped > 0 {
            self.source.pass_over(skipped);
        }
        let Some(picture) = self.source.next(unix_ms())? else {
            return Ok(Filmed::Over);
        };
        let since = self.began_at.elapsed();
        let frame = self.encoder.encode(&picture, since, wants_key_frame)?;
        Ok(Filmed::Frame(frame))
    }
}

/// A frame in the making.
struct Filming {
    is_key: bool,
    taken_at: Instant,
    task: JoinHandle<(Studio, Result<Filmed, SendError>)>,
}

/// Live video, frame by frame, while it rolls.
///
/// ```no_run
/// use peer::stills::{Film, LiveSettings, Source};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let settings = LiveSettings::LOW;
/// let source = Source::pattern(settings.width, settings.height);
/// let mut film = Film::new(source, settings, Some(100))?;
/// film.roll();
/// while let Some(frame) = film.next().await? {
///     println!("{} bytes", frame.access_unit.len());
/// }
/// # Ok(())
/// # }
/// ```
pub struct Film {
    pace: Pace,
    rate: LiveRate,
    /// Away while it takes a frame.
    studio: Option<Studio>,
    filming: Option<Filming>,
    figures: LiveFigures,
}

impl std::fmt::Debug for Film {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let figures = &self.figures;
        f.debug_struct("Film")
            .field("figures", figures)
            .finish_non_exhaustive()
    }
}

impl Film {
    /// Pictures of the settings' size: `count` frames, or until the source is over.
    ///
    /// # Errors
    /// The encoder does not begin.
    pub fn new(
        source: Source,
        settings: LiveSettings,
        count: Option<u32>,
    ) -> Result<Self, EncodeError> {
        let fps = settings.frames_per_second;
        let studio = Studio {
            source,
            encoder: LiveEncoder::new(fps as f32, settings.bits_per_second)?,
            began_at: Instant::now(),
        };
        Ok(Self {
            pace: Pace::new(fps, count),
            rate: LiveRate::new(settings.bits_per_second),
            studio: Some(studio),
            filming: None,
            figures: LiveFigures::default(),
        })
    }

    /// Somebody takes frames: one is due, a key frame, unless it rolls already.
    pub fn roll(&mut self) {
        self.pace.handle_open(Instant::now());
    }

    /// Nobody takes frames.
    pub fn halt(&mut self) {
        self.pace.handle_close();
    }

    /// Somebody lacks a key frame.
    pub fn want_key_frame(&mut self) {
        self.pace.handle_key_frame_request();
    }

    /// The path is believed to carry so many bits per second.
    pub fn handle_capacity(&mut self, bits_per_second: u64) {
        self.rate.handle_capacity(bits_per_second, Instant::now());
    }

    /// What was filmed so far.
    pub fn figures(&self) -> LiveFigures {
        let skipped = self.figures.skipped + u64::from(self.pace.skipped());
        LiveFigures {
            skipped,
            bits_per_second: self.rate.aim(),
            ..self.figures
        }
    }

    /// The next frame; none once it is over. It may be dropped at any await.
    ///
    /// # Errors
    /// There are no pictures, or they cannot be encoded.
    pub async fn next(&mut self) -> Result<Option<FilmedFrame>, SendError> {
        loop {
            self.begin(Instant::now());
            if let Some(Filming { task, .. }) = &mut self.filming {
                let filmed = task.await;
                if let Some(frame) = self.end(filmed)? {
                    return Ok(Some(frame));
                }
            } else if self.pace.is_done() {
                return Ok(None);
            } else if let Some(due) = self.pace.poll_timeout() {
                sleep_until(due.into()).await;
            } else {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Takes a picture, where one is due.
    fn begin(&mut self, now: Instant) {
        let skipped = self.pace.skipped();
        if self.studio.is_some()
            && let Some(is_key) = self.pace.take(now)
            && let Some(mut studio) = self.studio.take()
        {
            let aim = self.rate.aim();
            let skipped = self.pace.skipped() - skipped;
            let task = tokio::task::spawn_blocking(move || {
                let filmed = studio.film(is_key, aim, skipped);
                (studio, filmed)
            });
            self.filming = Some(Filming {
                is_key,
                taken_at: now,
                task,
            });
        }
    }

    /// A picture was taken.
    fn end(
        &mut self,
        filmed: Result<(Studio, Result<Filmed, SendError>), tokio::task::JoinError>,
    ) -> Result<Option<FilmedFrame>, SendError> {
        let filming = self.filming.take();
        let (studio, filmed) = filmed.map_err(|error| EncodeError::Failed(error.to_string()))?;
        self.studio = Some(studio);
        let is_key = filming.as_ref().is_some_and(|filming| filming.is_key);
        match filmed? {
            Filmed::Frame(Some(access_unit)) => {
                self.figures.frames += 1;
                self.figures.key_frames += u64::from(is_key);
                self.figures.bytes += access_unit.len() as u64;
                return Ok(filming.map(|Filming { taken_at, .. }| FilmedFrame {
                    access_unit,
                    taken_at,
                }));
            }
            Filmed::Frame(None) => {
                self.figures.skipped += 1;
                if is_key {
                    self.pace.handle_key_frame_request();
                }
            }
            Filmed::Over => self.pace.handle_source_over(),
        }
        Ok(None)
    }
}
