//! Sends live video over a link: takes pictures at a rate, and encodes them as one stream.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::sleep_until;

use super::encoder::EncodeError;
use super::live::LiveEncoder;
use super::live_rate::LiveRate;
use super::mode::Mode;
use super::pace::Pace;
use super::sending::SendError;
use super::sources::Source;
use crate::driver::Link;
use crate::link::{Event, Phase, Section, VideoEvent};
use crate::server_api::unix_ms;

/// How often the figures are told.
const FIGURES_INTERVAL: Duration = Duration::from_secs(2);

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

/// What was sent since the beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LiveFigures {
    /// Frames that were sent.
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

/// What happened while sending live video.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveEvent {
    /// The figures, every two seconds.
    Figures(LiveFigures),
    /// Something happened on the link.
    Link(Event),
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
    fn film(&mut self, wants_key_frame: bool, aim: u32) -> Result<Filmed, SendError> {
        self.encoder.aim(aim)?;
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
    task: JoinHandle<(Studio, Result<Filmed, SendError>)>,
}

/// Sends live video over a link.
///
/// ```no_run
/// use peer::stills::{LiveSettings, SendLive, Source};
/// # async fn example(mut link: peer::Link) -> Result<(), Box<dyn std::error::Error>> {
/// let settings = LiveSettings::LOW;
/// let source = Source::pattern(settings.width, settings.height);
/// let mut sending = SendLive::new(&mut link, source, settings, None)?;
/// while let Some(event) = sending.next().await? {
///     println!("{event:?}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct SendLive<'link> {
    link: &'link mut Link,
    mode: Mode,
    pace: Pace,
    rate: LiveRate,
    /// Away while it takes a frame.
    studio: Option<Studio>,
    filming: Option<Filming>,
    section: Option<Section>,
    is_open: bool,
    is_begun: bool,
    is_over: bool,
    figures: LiveFigures,
    figures_at: Instant,
}

impl<'link> SendLive<'link> {
    /// Sends pictures of the settings' size: `count` frames, or until the source or the link is
    /// over.
    ///
    /// # Errors
    /// The encoder does not begin.
    pub fn new(
        link: &'link mut Link,
        source: Source,
        settings: LiveSettings,
        count: Option<u32>,
    ) -> Result<Self, EncodeError> {
        let now = Instant::now();
        let fps = settings.frames_per_second;
        let studio = Studio {
            source,
            encoder: LiveEncoder::new(fps as f32, settings.bits_per_second)?,
            began_at: now,
        };
        Ok(Self {
            mode: Mode::new("live", now),
            pace: Pace::new(fps, count),
            rate: LiveRate::new(settings.bits_per_second),
            studio: Some(studio),
            filming: None,
            section: link.sending_on(),
            is_open: link.phase() == Phase::Open,
            is_begun: false,
            is_over: false,
            figures: LiveFigures::default(),
            figures_at: now + FIGURES_INTERVAL,
            link,
        })
    }

    /// What was sent so far.
    pub fn figures(&self) -> LiveFigures {
        let skipped = self.figures.skipped + u64::from(self.pace.skipped());
        LiveFigures {
            skipped,
            bits_per_second: self.rate.aim(),
            ..self.figures
        }
    }

    /// What happens next; none once every frame was sent, or the link is over.
    ///
    /// # Errors
    /// There are no pictures, or they cannot be encoded.
    pub async fn next(&mut self) -> Result<Option<LiveEvent>, SendError> {
        if !self.is_begun {
            self.is_begun = true;
            self.link.open_video().await;
        }
        loop {
            let now = Instant::now();
            self.act(now).await;
            if self.is_over || (self.pace.is_done() && self.filming.is_none()) {
                return Ok(None);
            }
            if self.figures_at <= now {
                self.figures_at = now + FIGURES_INTERVAL;
                return Ok(Some(LiveEvent::Figures(self.figures())));
            }
            if let Some(event) = self.wait().await? {
                return Ok(Some(LiveEvent::Link(event)));
            }
        }
    }

    /// Where frames go, while they do.
    fn open_section(&self) -> Option<Section> {
        self.section.filter(|_| self.is_open)
    }

    /// Does what is due.
    async fn act(&mut self, now: Instant) {
        if let Some(section) = self.open_section() {
            self.pace.handle_open(now);
            self.mode.tell(self.link, section, now).await;
        } else {
            self.pace.handle_close();
        }
        if self.studio.is_none() {
            return;
        }
        if let Some(is_key) = self.pace.take(now)
            && let Some(mut studio) = self.studio.take()
        {
            let aim = self.rate.aim();
            let task = tokio::task::spawn_blocking(move || {
                let filmed = studio.film(is_key, aim);
                (studio, filmed)
            });
            self.filming = Some(Filming { is_key, task });
        }
    }

    /// Lets one thing happen; an event of the link that is anybody else's as well.
    async fn wait(&mut self) -> Result<Option<Event>, SendError> {
        let mut due = self.figures_at;
        if self.open_section().is_some() {
            due = due.min(self.mode.poll_timeout());
        }
        if let Some(frame_at) = self.pace.poll_timeout().filter(|_| self.studio.is_some()) {
            due = due.min(frame_at);
        }
        let filmed = async {
            match &mut self.filming {
                Some(filming) => (&mut filming.task).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            filmed = filmed => {
                let Some(Filming { is_key, .. }) = self.filming.take() else { return Ok(None) };
                let (studio, filmed) = filmed.map_err(|error| EncodeError::Failed(error.to_string()))?;
                self.studio = Some(studio);
                self.send(filmed?, is_key).await;
            }
            event = self.link.next() => match event {
                Some(event) => {
                    self.hear(&event);
                    return Ok(Some(event));
                }
                None => self.is_over = true,
            },
            () = sleep_until(due.into()) => {}
        }
        Ok(None)
    }

    async fn send(&mut self, filmed: Filmed, is_key: bool) {
        match filmed {
            Filmed::Frame(Some(frame)) => {
                self.figures.frames += 1;
                self.figures.key_frames += u64::from(is_key);
                self.figures.bytes += frame.len() as u64;
                self.link.send_video(frame.into()).await;
            }
            Filmed::Frame(None) => {
                self.figures.skipped += 1;
                if is_key {
                    self.pace.handle_key_frame_request();
                }
            }
            Filmed::Over => self.pace.handle_source_over(),
        }
    }

    fn hear(&mut self, event: &Event) {
        match event {
            Event::Video(VideoEvent::Sendable(section)) => {
                self.section = Some(*section);
                self.mode.handle_section(Instant::now());
                self.pace.handle_close();
            }
            Event::Video(VideoEvent::Capacity(bits_per_second)) => {
                self.rate.handle_capacity(*bits_per_second, Instant::now());
            }
            Event::Video(VideoEvent::KeyFrameWanted) => self.pace.handle_key_frame_request(),
            Event::Phase(phase) => self.is_open = *phase == Phase::Open,
            _ => {}
        }
    }
}
