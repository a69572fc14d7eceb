//! Recording: one more subscriber of a stream, whose output is whole frames in order.
//!
//! A *run* is recorded without a break: one publication, one clock. Within it frames carry their
//! time since its beginning, and *segments* begin at key frames, one of which is asked for when a
//! segment is due. What is lost on the way costs the pictures up to the next key frame, never the
//! run. Boxes and files are the server's.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use protocol::stream::StreamName;
use str0m::format::Codec;

use crate::layer_choice::Layer;
use crate::stream::{Encoding, Track};
use lane::Lane;
pub(crate) use packet::Packet;
use units::Unit;

mod av1;
mod h264;
mod lane;
mod packet;
mod reorder;
#[cfg(test)]
mod tests;
mod timeline;
mod units;
mod vp8;
mod vp9;

/// How long the first picture waits for sound that may be on its way.
const SOUND_PATIENCE: Duration = Duration::from_secs(1);
/// How long sound waits for a picture before it is recorded alone.
const PICTURE_PATIENCE: Duration = Duration::from_secs(2);
/// A sender whose clock is further from ours than this begins a run anew.
const CLOCK_LIMIT: Duration = Duration::from_secs(10);
/// A key frame that comes this part of a segment early begins the next one.
const EARLY_PART: u32 = 20;

/// A whole frame as a recording holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whose it is.
    pub stream: StreamName,
    /// Counts the runs of this stream since it is recorded.
    pub run: u64,
    /// Sound or picture.
    pub track: Track,
    /// How it is coded.
    pub codec: Codec,
    /// Ticks a second of `at`.
    pub clock_rate: u32,
    /// When it is shown, in ticks since the run began; more than of any frame of its track before.
    pub at: u64,
    /// Whether it can be shown without any other.
    pub is_key: bool,
    /// A segment begins with it, and with which tracks.
    pub segment: Option<Tracks>,
    /// The frame as a sample: NAL units behind their 32-bit lengths for H.264 (ISO/IEC 14496-15),
    /// OBUs with their sizes for AV1, what the codec's own frame is for the others.
    pub data: Vec<u8>,
}

/// Which tracks a segment has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tracks {
    /// Sound.
    pub audio: bool,
    /// Picture.
    pub video: bool,
}

/// What is recorded of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The next frame.
    Frame(Frame),
    /// The run is over; what comes next is of another.
    Ended {
        /// Of which stream.
        stream: StreamName,
    },
}

/// The recording of one stream.
#[derive(Debug)]
pub(crate) struct Recording {
    stream: StreamName,
    /// How long a segment is to be.
    segment: Duration,
    runs: u64,
    run: Option<Run>,
    layer: Layer,
    lanes: BTreeMap<Track, Lane>,
    /// Nothing can be recorded until the publisher sends a key frame.
    wants_key_frame: bool,
}

/// What is recorded without a break.
#[derive(Debug)]
struct Run {
    began: Instant,
    tracks: Tracks,
    /// When the segment began, in media time and on our clock.
    segment_at: Duration,
    segment_began: Instant,
    /// A track has come or gone: the next key frame begins a segment, however early.
    is_cut: bool,
    /// The key frame that the next segment is to begin with was asked for.
    is_asked: bool,
    /// Media and sender's time of the last picture, in nanoseconds.
    picture: Option<(i64, i64)>,
}

impl Recording {
    pub(crate) fn new(stream: StreamName, segment: Duration) -> Self {
        Self {
            stream,
            segment,
            runs: 0,
            run: None,
            layer: 0,
            lanes: BTreeMap::new(),
            wants_key_frame: false,
        }
    }

    /// The layer of a simulcast that is recorded.
    pub(crate) fn layer(&self) -> Layer {
        self.layer
    }

    /// Whether a picture's packet is of the layer to be recorded: the richest that comes. Another
    /// one begins a run, so that only a much richer one takes its place while it comes.
    pub(crate) fn takes(&mut self, layer: Layer, layers: &[Encoding], now: Instant) -> bool {
        let rate = |layer: Layer| {
            let encoding = layers.get(layer);
            encoding
                .and_then(|each| each.meter.rate_bps(now))
                .unwrap_or(0)
        };
        let picture = self.lanes.get(&Track::Video);
        let is_lost = picture.is_none_or(|lane| lane.heard_at + PICTURE_PATIENCE < now);
        let is_richer = rate(layer) > rate(self.layer).saturating_mul(3) / 2;
        if layer != self.layer && (is_lost || is_richer) {
            self.layer = layer;
            self.wants_key_frame = true;
        }
        layer == self.layer
    }

    /// A packet came from the publisher.
    pub(crate) fn handle_packet(
        &mut self,
        track: Track,
        (codec, clock_rate): (Codec, u32),
        packet: Packet,
        out: &mut VecDeque<Recorded>,
    ) {
        let (ssrc, now) = (packet.ssrc, packet.arrived);
        let is_other = |lane: &Lane| !lane.is_of(ssrc, codec);
        if self.lanes.get(&track).is_some_and(is_other) {
            self.handle_end(out);
        }
        let lane = self.lanes.entry(track);
        let lane = lane.or_insert_with(|| Lane::new(ssrc, codec, clock_rate, now));
        lane.handle_packet(packet);
        self.drain(track, now, out);
    }

    /// When packets are waited for no longer, or a key frame is to be asked for.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let lanes = self.lanes.values().filter_map(Lane::poll_timeout);
        let due = self.run.as_ref().filter(|run| !run.is_asked);
        let due = due.map(|run| run.segment_began + self.segment);
        let heard = self.lanes.values().map(|lane| lane.heard_at).max();
        let wish = heard.filter(|_| self.wants_key_frame);
        lanes.chain(due).chain(wish).min()
    }

    /// It is that time, or later.
    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut VecDeque<Recorded>) {
        for track in [Track::Video, Track::Audio] {
            self.drain(track, now, out);
        }
        let segment = self.segment;
        let due = |run: &&mut Run| !run.is_asked && run.segment_began + segment <= now;
        if let Some(run) = self.run.as_mut().filter(due) {
            run.is_asked = true;
            self.wants_key_frame = run.tracks.video;
        }
    }

    /// The publication is over, or what comes is of another.
    pub(crate) fn handle_end(&mut self, out: &mut VecDeque<Recorded>) {
        self.lanes.clear();
        self.end_run(out);
    }

    /// Whether a key frame is to be asked for; says so once.
    pub(crate) fn take_key_frame_wish(&mut self) -> bool {
        std::mem::take(&mut self.wants_key_frame)
    }

    fn end_run(&mut self, out: &mut VecDeque<Recorded>) {
        if self.run.take().is_some() {
            let stream = self.stream.clone();
            out.push_back(Recorded::Ended { stream });
        }
    }

    /// Takes what is whole from a lane.
    fn drain(&mut self, track: Track, now: Instant, out: &mut VecDeque<Recorded>) {
        while let Some(unit) = self.lanes.get_mut(&track).and_then(|each| each.poll(now)) {
            self.handle_unit(track, unit, now, out);
        }
        if let Some(lane) = self.lanes.get_mut(&track) {
            self.wants_key_frame |= lane.take_key_frame_wish();
        }
    }

    fn handle_unit(
        &mut self,
        track: Track,
        unit: Unit,
        now: Instant,
        out: &mut VecDeque<Recorded>,
    ) {
        self.leave_lost_picture(now, out);
        if self.run.is_none() || self.has_new_picture(track, &unit) {
            let Some(tracks) = self.first_tracks(track, &unit, now) else {
                return;
            };
            self.end_run(out);
            self.begin(tracks, unit.arrived);
        }
        let Some(at) = self.place(track, &unit) else {
            return;
        };
        let is_within = |run: &Run, lane: &Lane| {
            let elapsed = unit.arrived.saturating_duration_since(run.began);
            lane.span(at).abs_diff(elapsed) <= CLOCK_LIMIT
        };
        let (Some(run), Some(lane)) = (&mut self.run, self.lanes.get_mut(&track)) else {
            return;
        };
        if !is_within(run, lane) {
            self.wants_key_frame = true;
            return self.end_run(out);
        }
        let (codec, clock_rate) = (lane.codec, lane.clock_rate);
        let at_span = lane.span(at);
        let segment = self.segment_of(track, unit.is_key, at_span, now);
        let frame = Frame {
            stream: self.stream.clone(),
            run: self.runs,
            track,
            codec,
            clock_rate,
            at,
            is_key: unit.is_key,
            segment,
            data: unit.data,
        };
        out.push_back(Recorded::Frame(frame));
    }

    /// A camera that was turned off while its microphone goes on: sound is recorded alone.
    fn leave_lost_picture(&mut self, now: Instant, out: &mut VecDeque<Recorded>) {
        let picture = self.lanes.get(&Track::Video);
        let is_lost = picture.is_some_and(|lane| lane.heard_at + PICTURE_PATIENCE < now);
        let is_shown = self.run.as_ref().is_some_and(|run| run.tracks.video);
        if is_lost && is_shown {
            self.lanes.remove(&Track::Video);
            self.end_run(out);
        }
    }

    fn has_new_picture(&self, track: Track, unit: &Unit) -> bool {
        let is_sound_alone = self.run.as_ref().is_some_and(|run| !run.tracks.video);
        is_sound_alone && track == Track::Video && unit.is_key
    }

    /// What a run that begins with this unit has; none where it cannot begin with it.
    fn first_tracks(&mut self, track: Track, unit: &Unit, now: Instant) -> Option<Tracks> {
        let lane = self.lanes.get(&track)?;
        let waited = now.saturating_duration_since(lane.began);
        match track {
            Track::Video => {
                let audio = self.is_heard(now);
                let begins = unit.is_key && (audio || waited >= SOUND_PATIENCE);
                self.wants_key_frame |= !begins;
                begins.then_some(Tracks { audio, video: true })
            }
            Track::Audio => {
                let is_alone = !self.lanes.contains_key(&Track::Video);
                let begins = is_alone && waited >= PICTURE_PATIENCE;
                let (audio, video) = (true, false);
                begins.then_some(Tracks { audio, video })
            }
        }
    }

    fn is_heard(&self, now: Instant) -> bool {
        let sound = self.lanes.get(&Track::Audio);
        sound.is_some_and(|lane| lane.heard_at + SOUND_PATIENCE >= now)
    }

    fn begin(&mut self, tracks: Tracks, began: Instant) {
        self.runs += 1;
        for lane in self.lanes.values_mut() {
            lane.timeline.begin();
        }
        self.run = Some(Run {
            began,
            tracks,
            segment_at: Duration::ZERO,
            segment_began: began,
            // The first frame begins the first segment.
            is_cut: true,
            is_asked: false,
            picture: None,
        });
    }

    /// When a unit is shown; none where it is not, being too late or of a track that the segment
    /// lacks.
    fn place(&mut self, track: Track, unit: &Unit) -> Option<u64> {
        let (run, lane) = (self.run.as_mut()?, self.lanes.get_mut(&track)?);
        let is_lacking = track == Track::Audio && !run.tracks.audio;
        if is_lacking {
            if !run.is_cut {
                run.is_cut = true;
                self.wants_key_frame = true;
            }
            return None;
        }
        let arrived = unit.arrived.saturating_duration_since(run.began);
        let sent_ns = lane.sent_ns(unit.time);
        let synchronous_ns = match (track, run.picture, sent_ns) {
            (Track::Audio, Some((at, sent)), Some(own)) => Some(at + (own - sent)),
            _ => None,
        };
        let at = lane.timeline.place(unit.time, arrived, synchronous_ns)?;
        if let (Track::Video, Some(sent)) = (track, sent_ns) {
            let at_ns = i64::try_from(lane.span(at).as_nanos()).unwrap_or(i64::MAX);
            run.picture = Some((at_ns, sent));
        }
        Some(at)
    }

    /// Whether a segment begins with the frame at `at`, and what it has.
    fn segment_of(
        &mut self,
        track: Track,
        is_key: bool,
        at: Duration,
        now: Instant,
    ) -> Option<Tracks> {
        let audio = self.is_heard(now);
        let run = self.run.as_mut()?;
        let leads = (track == Track::Video) == run.tracks.video;
        let least = self.segment - self.segment / EARLY_PART;
        let is_due = run.is_cut || at.saturating_sub(run.segment_at) >= least;
        if !(leads && is_key && is_due) {
            return None;
        }
        run.tracks.audio = audio;
        (run.segment_at, run.segment_began) = (at, now);
        (run.is_cut, run.is_asked) = (false, false);
        Some(run.tracks)
    }
}
