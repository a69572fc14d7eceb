//! Sends stills over a link: takes pictures, encodes them, and follows what becomes of each.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use tokio::time::sleep_until;

use super::encoder::{EncodeError, Encoder};
use super::h264::H264Encoder;
use super::mode::Mode;
use super::rate::{Budget, EncodedStill, RateControl};
use super::sender::{SenderOutput, SentStill, StillsSender};
use super::sources::{Source, SourceError};
use crate::ctl::CtlEvent;
use crate::driver::Link;
use crate::link::{Event, Phase, Section, VideoEvent};
use crate::server_api::unix_ms;

/// What stills aim at, in bits per second.
const DEFAULT_BITS_PER_SECOND: u32 = 100_000;
/// When nothing is due, this is waited for.
const FAR: Duration = Duration::from_secs(3600);

/// Why sending ended.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// There are no pictures.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// They cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// What happened while sending.
#[derive(Debug, Clone, PartialEq)]
pub enum SendingEvent {
    /// What became of a still.
    Sent(SentStill),
    /// Something else happened on the link.
    Link(Event),
}

/// Takes pictures and encodes them, away from the threads that wait for the network.
struct Studio {
    source: Source,
    encoder: Box<dyn Encoder>,
    rate: RateControl,
    budget: Budget,
}

/// A still, or none where the source is over.
type Taken = Result<Option<EncodedStill>, SendError>;

impl Studio {
    fn take(&mut self) -> Taken {
        let Some(picture) = self.source.next(unix_ms())? else {
            return Ok(None);
        };
        let still = self
            .rate
            .encode(&mut *self.encoder, &picture, self.budget)?;
        Ok(Some(still))
    }
}

/// Sends stills over a link.
///
/// ```no_run
/// use std::time::Duration;
/// use peer::stills::{SendStills, Source};
/// # async fn example(mut link: peer::Link) -> Result<(), Box<dyn std::error::Error>> {
/// let source = Source::pattern(600, 400);
/// let mut sending = SendStills::new(&mut link, source, Duration::from_secs(3), Some(10));
/// while let Some(event) = sending.next().await? {
///     println!("{event:?}");
/// }
/// # Ok(())
/// # }
/// ```
pub struct SendStills<'link> {
    link: &'link mut Link,
    mode: Mode,
    core: StillsSender,
    /// Away while it takes a picture.
    studio: Option<Studio>,
    taking: Option<(u32, JoinHandle<(Studio, Taken)>)>,
    section: Option<Section>,
    is_open: bool,
    is_begun: bool,
    is_over: bool,
}

impl<'link> SendStills<'link> {
    /// Sends a still every `interval`: `count` of them, or until the source or the link is over.
    pub fn new(
        link: &'link mut Link,
        source: Source,
        interval: Duration,
        count: Option<u32>,
    ) -> Self {
        let studio = Studio {
            source,
            encoder: Box::new(H264Encoder::new()),
            rate: RateControl::default(),
            budget: Budget::new(DEFAULT_BITS_PER_SECOND, interval),
        };
        Self {
            mode: Mode::new("stills", Instant::now()),
            core: StillsSender::new(interval, count),
            studio: Some(studio),
            taking: None,
            section: link.sending_on(),
            is_open: link.phase() == Phase::Open,
            is_begun: false,
            is_over: false,
            link,
        }
    }

    /// What happens next; none once every still was sent, or the link is over.
    ///
    /// # Errors
    /// There are no pictures, or they cannot be encoded.
    pub async fn next(&mut self) -> Result<Option<SendingEvent>, SendError> {
        if !self.is_begun {
            self.is_begun = true;
            self.link.open_video().await;
            self.follow_link();
        }
        loop {
            while let Some(output) = self.core.poll_output() {
                if let Some(sent) = self.execute(output).await {
                    return Ok(Some(SendingEvent::Sent(sent)));
                }
            }
            if self.core.is_done() || self.is_over {
                return Ok(None);
            }
            if let Some(event) = self.wait().await? {
                return Ok(Some(SendingEvent::Link(event)));
            }
        }
    }

    /// Lets one thing happen; an event that is anybody else's as well.
    async fn wait(&mut self) -> Result<Option<Event>, SendError> {
        let section = self.open_section();
        let told_at = section.map(|_| self.mode.poll_timeout());
        let due = self.core.poll_timeout().into_iter().chain(told_at).min();
        let due = due.unwrap_or_else(|| Instant::now() + FAR);
        let taken = async {
            match &mut self.taking {
                Some((_, taking)) => taking.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            taken = taken => {
                let Some((seq, _)) = self.taking.take() else { return Ok(None) };
                let (studio, taken) = taken.map_err(|error| EncodeError::Failed(error.to_string()))?;
                self.studio = Some(studio);
                match taken? {
                    Some(still) => self.core.handle_encoded(seq, still.access_unit, Instant::now()),
                    None => self.core.handle_source_over(seq),
                }
            }
            event = self.link.next() => match event {
                Some(event) => {
                    self.hear(&event).await;
                    return Ok(Some(event));
                }
                None => self.is_over = true,
            },
            () = sleep_until(due.into()) => {
                let now = Instant::now();
                if let Some(section) = section {
                    self.mode.tell(self.link, section, now).await;
                }
                self.core.handle_timeout(now);
            }
        }
        Ok(None)
    }

    async fn hear(&mut self, event: &Event) {
        let now = Instant::now();
        match event {
            Event::Video(VideoEvent::Sendable(section)) => {
                self.section = Some(*section);
                self.mode.handle_section(now);
                // What went to an earlier section goes again.
                self.core.handle_close();
            }
            Event::Video(VideoEvent::KeyFrameWanted) => self.core.handle_key_frame_request(now),
            Event::Talk(CtlEvent::Command { name, args }) => {
                self.core.handle_command(name, args, now);
                if let Some(trip) = self.link.round_trip().await {
                    self.core.handle_round_trip(trip.p50);
                }
            }
            Event::Phase(phase) => self.is_open = *phase == Phase::Open,
            _ => {}
        }
        self.follow_link();
    }

    /// Stills flow while the link is open and its peer takes them.
    fn follow_link(&mut self) {
        if self.open_section().is_some() {
            self.core.handle_open(Instant::now());
        } else {
            self.core.handle_close();
        }
    }

    /// Where stills go, while they do.
    fn open_section(&self) -> Option<Section> {
        self.section.filter(|_| self.is_open)
    }

    async fn execute(&mut self, output: SenderOutput) -> Option<SentStill> {
        match output {
            SenderOutput::Capture { seq } => match self.studio.take() {
                Some(mut studio) => {
                    let taking = tokio::task::spawn_blocking(move || {
                        let taken = studio.take();
                        (studio, taken)
                    });
                    self.taking = Some((seq, taking));
                }
                None => self.core.handle_capture_failed(seq),
            },
            SenderOutput::Announce(args) => self.link.command("still", args).await,
            SenderOutput::Frame(access_unit) => self.link.send_video(access_unit).await,
            SenderOutput::Sent(still) => return Some(still),
        }
        None
    }
}
