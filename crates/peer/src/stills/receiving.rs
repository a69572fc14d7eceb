//! The stills of a link, one after another, decoded as they arrive.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use protocol::cbor::Value;
use tokio::time::sleep_until;

use super::h264::{DecodeError, H264Decoder};
use super::receiver::{DEFAULT_KEEP, ReceivedStill, ReceiverOutput, StillsReceiver};
use crate::ctl::CtlEvent;
use crate::driver::Link;
use crate::link::{Event, Phase, Section, VideoEvent, VideoFrame};

/// When nothing is due, this is waited for.
const FAR: Duration = Duration::from_secs(3600);

/// Sections that are remembered.
const MAX_SECTIONS: usize = 64;
/// Longest name of a section.
const MAX_MID_BYTES: usize = 16;

/// What comes over a link whose stills are received.
#[derive(Debug, Clone, PartialEq)]
pub enum StillsEvent {
    /// A still arrived.
    Still(ReceivedStill),
    /// The peer sends live video on a section; it is passed over.
    Live,
    /// Something else happened on the link.
    Link(Event),
}

/// Receives the peer's stills over a link.
///
/// ```no_run
/// use peer::stills::{Stills, StillsEvent};
/// # async fn example(mut link: peer::Link) -> Result<(), Box<dyn std::error::Error>> {
/// let mut stills = Stills::new(&mut link)?;
/// while let Some(event) = stills.next().await {
///     if let StillsEvent::Still(still) = event {
///         std::fs::write(format!("{}.png", still.seq), still.picture.to_png())?;
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Stills<'link> {
    link: &'link mut Link,
    core: StillsReceiver,
    decoder: H264Decoder,
    /// Where the last picture came.
    section: Option<Section>,
    offered: BTreeSet<Section>,
    /// Names of sections that carry live video, which is none of ours.
    live: BTreeSet<String>,
    /// Whether the connection of these sections was open before.
    was_open: bool,
}

impl<'link> Stills<'link> {
    /// Receives over this link, and keeps the last 20 stills.
    ///
    /// # Errors
    /// The decoder does not begin.
    pub fn new(link: &'link mut Link) -> Result<Self, DecodeError> {
        Ok(Self {
            was_open: link.phase() == Phase::Open,
            offered: link.receiving_on().into_iter().collect(),
            link,
            core: StillsReceiver::new(DEFAULT_KEEP),
            decoder: H264Decoder::new()?,
            section: None,
            live: BTreeSet::new(),
        })
    }

    /// The last stills, newest first.
    pub fn kept(&self) -> impl Iterator<Item = &ReceivedStill> {
        self.core.kept()
    }

    /// The next still as it arrives, or another event; none once the link is over. A still may
    /// be decoded meanwhile, which takes some milliseconds of this thread.
    pub async fn next(&mut self) -> Option<StillsEvent> {
        loop {
            while let Some(output) = self.core.poll_output() {
                if let Some(still) = self.execute(output).await {
                    return Some(StillsEvent::Still(still));
                }
            }
            let now = Instant::now();
            let due = self.core.poll_timeout().unwrap_or(now + FAR);
            let event = tokio::select! {
                event = self.link.next() => event?,
                () = sleep_until(due.into()) => {
                    self.core.handle_timeout(Instant::now());
                    continue;
                }
            };
            if let Event::Talk(CtlEvent::Command { .. }) = &event
                && let Some(trip) = self.link.round_trip().await
            {
                self.core.handle_round_trip(trip.p50);
            }
            if let Some(event) = self.hear(event) {
                return Some(event);
            }
        }
    }

    async fn execute(&mut self, output: ReceiverOutput) -> Option<ReceivedStill> {
        match output {
            ReceiverOutput::Still(still) => return Some(still),
            ReceiverOutput::StillShown(args) => self.link.command("still-shown", args).await,
            ReceiverOutput::AskKeyFrame => {
                if let Some(section) = self.section_of_stills() {
                    self.link.ask_key_frame(section).await;
                }
            }
        }
        None
    }

    /// Takes an event of the link; what is left for whoever listens.
    fn hear(&mut self, event: Event) -> Option<StillsEvent> {
        let now = Instant::now();
        match &event {
            Event::Talk(CtlEvent::Command { name, args }) if name == "still" => {
                self.core.handle_command(name, args, now);
            }
            Event::Talk(CtlEvent::Command { name, args }) if name == "media" => {
                return self.hear_mode(args).then_some(StillsEvent::Live);
            }
            Event::Video(VideoEvent::Offered(section)) => {
                if self.was_open && self.link.phase() != Phase::Open {
                    self.forget_connection();
                }
                if self.offered.len() < MAX_SECTIONS {
                    self.offered.insert(*section);
                }
            }
            Event::Video(VideoEvent::Arriving) => self.core.handle_packet(now),
            Event::Video(VideoEvent::Frame(frame)) => self.decode(frame, now),
            Event::Phase(phase) => {
                self.was_open |= *phase == Phase::Open;
                return Some(StillsEvent::Link(event));
            }
            _ => return Some(StillsEvent::Link(event)),
        }
        None
    }

    /// There is another one: what was announced on the last one never comes.
    fn forget_connection(&mut self) {
        self.was_open = false;
        self.core.handle_close();
        self.section = None;
        self.offered.clear();
        self.live.clear();
    }

    fn section_of_stills(&self) -> Option<Section> {
        let mut offered = self.offered.iter().copied();
        self.section
            .or_else(|| offered.find(|section| !self.live.contains(&section.to_string())))
    }

    /// What a section carries; whether that is live video, and was not known.
    fn hear_mode(&mut self, args: &BTreeMap<String, Value>) -> bool {
        let (Some(Value::Text(mid)), Some(Value::Text(mode))) = (args.get("mid"), args.get("mode"))
        else {
            return false;
        };
        if mode != "live" {
            self.live.remove(mid);
            return false;
        }
        let has_room = self.live.len() < MAX_SECTIONS && mid.len() <= MAX_MID_BYTES;
        has_room && self.live.insert(mid.clone())
    }

    fn decode(&mut self, frame: &VideoFrame, now: Instant) {
        if self.live.contains(&frame.section.to_string()) {
            return;
        }
        self.section = Some(frame.section);
        match self.decoder.decode(&frame.access_unit) {
            Ok(picture) => {
                let bytes = frame.access_unit.len();
                self.core.handle_picture(picture, bytes, now);
            }
            Err(error) => {
                tracing::debug!(%error, "a frame of the peer");
                self.core.handle_damage(now);
            }
        }
    }
}
