//! A device's stills, both ways: what `SendStills` and `Stills` of the shell do, without a codec.
//!
//! An access unit is opaque bytes in the shape of a key frame. What comes out at the other end is
//! compared with what went in; the picture that it is decoded to is one pixel.

use std::sync::Arc;
use std::time::{Duration, Instant};

use peer::ctl::CtlEvent;
use peer::link::{Event, LinkCore, Phase, Section, VideoEvent, VideoFrame};
use peer::stills::{
    Picture, ReceiverOutput, SenderOutput, SentStill, StillsReceiver, StillsSender,
};

use crate::random::Random;

/// How many stills a receiver keeps.
const KEEP: usize = 4;
/// Sequence and picture parameters (RFC 6184 §1.3): any bytes.
const PARAMETERS: [&[u8]; 2] = [&[0x67, 0x42, 0xe0, 0x1f, 0xda], &[0x68, 0xce, 0x3c, 0x80]];
/// A slice of a key frame.
const KEY_SLICE: u8 = 0x65;
const START_CODE: [u8; 4] = [0, 0, 0, 1];
/// The largest slice is about so many bytes above the least.
const SLICE_BYTES: std::ops::Range<u64> = 2000..20_000;

/// The stills of one device.
pub(super) struct Stills {
    camera: Option<StillsSender>,
    /// Where its stills go.
    section: Option<Section>,
    is_open: bool,
    was_open: bool,
    gallery: StillsReceiver,
    /// Where the peer's stills come.
    from: Option<Section>,
    /// Whether a decoder knows the parameters.
    has_parameters: bool,
    sent: Vec<SentStill>,
    received: Vec<u64>,
    damaged: usize,
}

impl Stills {
    pub(super) fn new() -> Self {
        Self {
            camera: None,
            section: None,
            is_open: false,
            was_open: false,
            gallery: StillsReceiver::new(KEEP),
            from: None,
            has_parameters: false,
            sent: Vec::new(),
            received: Vec::new(),
            damaged: 0,
        }
    }

    /// What became of its own, once they are shown or given up.
    pub(super) fn sent(&self) -> &[SentStill] {
        &self.sent
    }

    /// The numbers of the peer's, as they came.
    pub(super) fn received(&self) -> &[u64] {
        &self.received
    }

    /// Frames that came out otherwise than they went in.
    pub(super) fn damaged(&self) -> usize {
        self.damaged
    }

    pub(super) fn are_sent(&self) -> bool {
        self.camera.as_ref().is_none_or(StillsSender::is_done)
    }

    pub(super) fn begin(
        &mut self,
        core: &mut LinkCore,
        interval: Duration,
        count: u32,
        now: Instant,
    ) {
        self.camera = Some(StillsSender::new(interval, Some(count)));
        self.is_open = core.phase() == Phase::Open;
        core.open_video(now);
        self.follow(core, now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let camera = self.camera.as_ref().and_then(StillsSender::poll_timeout);
        camera.into_iter().chain(self.gallery.poll_timeout()).min()
    }

    pub(super) fn handle_timeout(&mut self, core: &mut LinkCore, now: Instant) {
        if let Some(camera) = &mut self.camera {
            camera.handle_timeout(now);
        }
        self.gallery.handle_timeout(now);
        self.execute(core, now);
    }

    pub(super) fn hear(&mut self, core: &mut LinkCore, event: &Event, now: Instant) {
        match event {
            Event::Talk(CtlEvent::Command { name, args }) => {
                let trip = core.round_trip().map(|trip| trip.p50);
                if let Some(camera) = &mut self.camera {
                    camera.handle_command(name, args, now);
                    trip.into_iter()
                        .for_each(|trip| camera.handle_round_trip(trip));
                }
                trip.into_iter()
                    .for_each(|trip| self.gallery.handle_round_trip(trip));
                self.gallery.handle_command(name, args, now);
            }
            Event::Phase(phase) => {
                self.is_open = *phase == Phase::Open;
                self.was_open |= self.is_open;
            }
            Event::Video(event) => self.hear_video(event, core.phase(), now),
            _ => return,
        }
        self.follow(core, now);
    }

    fn hear_video(&mut self, event: &VideoEvent, phase: Phase, now: Instant) {
        match event {
            VideoEvent::Sendable(section) => {
                self.section = Some(*section);
                if let Some(camera) = &mut self.camera {
                    camera.handle_close();
                }
            }
            VideoEvent::KeyFrameWanted => {
                if let Some(camera) = &mut self.camera {
                    camera.handle_key_frame_request(now);
                }
            }
            VideoEvent::Offered(section) => {
                if self.was_open && phase != Phase::Open {
                    self.was_open = false;
                    self.gallery.handle_close();
                }
                self.from = Some(*section);
            }
            // Stills leave at once.
            VideoEvent::Capacity(_) => {}
            VideoEvent::Arriving => self.gallery.handle_packet(now),
            VideoEvent::Frame(frame) => self.decode(frame, now),
        }
    }

    fn decode(&mut self, frame: &VideoFrame, now: Instant) {
        self.from = Some(frame.section);
        let read = read(&frame.access_unit);
        self.damaged += usize::from(read.is_none());
        // The first packet, which holds the parameters, may be missing from the first frame.
        self.has_parameters |= read.is_some_and(|(_, has_parameters)| has_parameters);
        match read.filter(|_| self.has_parameters) {
            Some((number, _)) => {
                let [_, pixel @ ..] = number.to_be_bytes();
                let picture = Picture::from_fn(1, 1, |_, _| pixel);
                let bytes = frame.access_unit.len();
                self.gallery.handle_picture(picture, bytes, now);
            }
            None => self.gallery.handle_damage(now),
        }
    }

    /// Stills flow while the link is open and its peer takes them.
    fn follow(&mut self, core: &mut LinkCore, now: Instant) {
        if let Some(camera) = &mut self.camera {
            if self.is_open && self.section.is_some() {
                camera.handle_open(now);
            } else {
                camera.handle_close();
            }
        }
        self.execute(core, now);
    }

    fn execute(&mut self, core: &mut LinkCore, now: Instant) {
        if let Some(camera) = &mut self.camera {
            while let Some(output) = camera.poll_output() {
                match output {
                    SenderOutput::Capture { seq } => {
                        camera.handle_encoded(seq, access_unit(seq), now);
                    }
                    SenderOutput::Announce(args) => core.command("still", args, now),
                    SenderOutput::Frame(unit) => drop(core.send_video(Arc::clone(&unit), now)),
                    SenderOutput::Sent(still) => self.sent.push(still),
                }
            }
        }
        while let Some(output) = self.gallery.poll_output() {
            match output {
                ReceiverOutput::Still(still) => self.received.push(still.seq),
                ReceiverOutput::StillShown(args) => core.command("still-shown", args, now),
                ReceiverOutput::AskKeyFrame => {
                    if let Some(section) = self.from {
                        core.ask_key_frame(section, now);
                    }
                }
            }
        }
    }
}

/// A still in Annex B.
fn access_unit(number: u32) -> Vec<u8> {
    let slice = slice(number);
    let units = PARAMETERS.into_iter().chain([slice.as_slice()]);
    units
        .flat_map(|unit| [&START_CODE, unit].concat())
        .collect()
}

/// Its number, and bytes that the number decides; none of them is 0, which could begin a start
/// code.
fn slice(number: u32) -> Vec<u8> {
    let mut random = Random::new(u64::from(number));
    let length = SLICE_BYTES.start + random.below(SLICE_BYTES.end - SLICE_BYTES.start);
    let fill = (0..length).map(|_| u8::try_from(1 + random.below(255)).expect("at most 255"));
    let name = format!("{number:08x}").into_bytes();
    [KEY_SLICE].into_iter().chain(name).chain(fill).collect()
}

/// The number of a still whose slice came as it was sent, and whether its parameters came with it.
fn read(unit: &[u8]) -> Option<(u32, bool)> {
    let begins = unit
        .windows(START_CODE.len())
        .rposition(|window| window == START_CODE)?;
    let (before, from) = unit.split_at(begins + START_CODE.len());
    let digits = from.strip_prefix(&[KEY_SLICE])?.get(..8)?;
    let number = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    let has_parameters = before
        .windows(PARAMETERS[0].len())
        .any(|window| window == PARAMETERS[0]);
    (from == slice(number)).then_some((number, has_parameters))
}
