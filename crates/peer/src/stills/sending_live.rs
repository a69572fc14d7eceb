//! Sends live video over a link.

use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use super::encoder::EncodeError;
use super::film::{Film, FilmedFrame, LiveFigures, LiveSettings};
use super::mode::Mode;
use super::sending::SendError;
use super::sources::Source;
use crate::driver::Link;
use crate::link::{Event, Phase, Section, VideoEvent};

/// How often the figures are told.
const FIGURES_INTERVAL: Duration = Duration::from_secs(2);

/// What happened while sending live video.
#[derive(Debug, Clone, PartialEq)]
pub enum LiveEvent {
    /// The figures, every two seconds.
    Figures(LiveFigures),
    /// Something happened on the link.
    Link(Event),
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
    film: Film,
    section: Option<Section>,
    is_open: bool,
    is_begun: bool,
    is_over: bool,
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
        Ok(Self {
            mode: Mode::new("live", now),
            film: Film::new(source, settings, count)?,
            section: link.sending_on(),
            is_open: link.phase() == Phase::Open,
            is_begun: false,
            is_over: false,
            figures_at: now + FIGURES_INTERVAL,
            link,
        })
    }

    /// What was sent so far.
    pub fn figures(&self) -> LiveFigures {
        self.film.figures()
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
            if self.is_over {
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
            self.film.roll();
            self.mode.tell(self.link, section, now).await;
        } else {
            self.film.halt();
        }
    }

    /// Lets one thing happen; an event of the link that is anybody else's as well.
    async fn wait(&mut self) -> Result<Option<Event>, SendError> {
        let mut due = self.figures_at;
        if self.open_section().is_some() {
            due = due.min(self.mode.poll_timeout());
        }
        tokio::select! {
            filmed = self.film.next() => match filmed? {
                Some(FilmedFrame { access_unit, .. }) => {
                    self.link.send_video(access_unit.into()).await;
                }
                None => self.is_over = true,
            },
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

    fn hear(&mut self, event: &Event) {
        match event {
            Event::Video(VideoEvent::Sendable(section)) => {
                self.section = Some(*section);
                self.mode.handle_section(Instant::now());
                self.film.halt();
            }
            Event::Video(VideoEvent::Capacity(bits_per_second)) => {
                self.film.handle_capacity(*bits_per_second);
            }
            Event::Video(VideoEvent::KeyFrameWanted) => self.film.want_key_frame(),
            Event::Phase(phase) => self.is_open = *phase == Phase::Open,
            _ => {}
        }
    }
}
