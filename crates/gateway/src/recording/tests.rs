//! A recording on the virtual clock: packets in, frames, runs and segments out.

use std::sync::Arc;

use super::packet::Report;
use super::*;

const VIDEO: (Codec, u32) = (Codec::H264, 90_000);
const AUDIO: (Codec, u32) = (Codec::Opus, 48_000);
const SEGMENT: Duration = Duration::from_secs(10);
const FRAME: Duration = Duration::from_millis(40);

pub(super) fn packet(number: u64, time: u32, payload: &[u8], now: Instant) -> Packet {
    Packet {
        ssrc: 1.into(),
        number,
        time,
        marker: true,
        payload: Arc::from(payload),
        arrived: now,
        report: None,
    }
}

/// A publisher of 25 pictures a second, each one packet, and of sound in between.
struct Stage {
    now: Instant,
    start: Instant,
    recording: Recording,
    out: VecDeque<Recorded>,
    number: u64,
    asked: usize,
    /// A request for a key frame is answered by the next picture.
    listens: bool,
    owes_key: bool,
}

impl Stage {
    #[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
    fn new() -> Self {
        let now = Instant::now();
        Self {
            now,
            start: now,
            recording: Recording::new(StreamName::parse("cam0").expect("a name"), SEGMENT),
            out: VecDeque::new(),
            number: 0,
            asked: 0,
            listens: true,
            owes_key: true,
        }
    }

    fn video(&mut self, payload: &[u8], change: impl FnOnce(&mut Packet)) {
        let time = u32::try_from(self.number * 3600).expect("short");
        let mut packet = packet(self.number, time, payload, self.now);
        change(&mut packet);
        let out = &mut self.out;
        self.recording
            .handle_packet(Track::Video, VIDEO, packet, out);
    }

    fn audio(&mut self, change: impl FnOnce(&mut Packet)) {
        let time = u32::try_from(self.number * 1920).expect("short");
        let mut packet = packet(self.number, time, &[0xfc, 1], self.now);
        packet.ssrc = 2.into();
        change(&mut packet);
        let out = &mut self.out;
        self.recording
            .handle_packet(Track::Audio, AUDIO, packet, out);
    }

    /// One frame's time passes.
    fn pass(&mut self) {
        self.number += 1;
        self.now += FRAME;
        if self
            .recording
            .poll_timeout()
            .is_some_and(|at| at <= self.now)
        {
            self.recording.handle_timeout(self.now, &mut self.out);
        }
        if self.recording.take_key_frame_wish() {
            self.asked += 1;
            self.owes_key |= self.listens;
        }
    }

    fn picture(&mut self) -> &'static [u8] {
        match std::mem::take(&mut self.owes_key) {
            true => &[0x65, 1],
            false => &[0x41, 1],
        }
    }

    fn film(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.audio(|_| {});
            let picture = self.picture();
            self.video(picture, |_| {});
            self.pass();
        }
    }

    fn frames(&mut self) -> Vec<Frame> {
        let frame = |recorded| match recorded {
            Recorded::Frame(frame) => Some(frame),
            Recorded::Ended { .. } => None,
        };
        self.out.drain(..).filter_map(frame).collect()
    }
}

fn of(frames: &[Frame], track: Track) -> Vec<u64> {
    let of = frames.iter().filter(|frame| frame.track == track);
    of.map(|frame| frame.at).collect()
}

fn segments(frames: &[Frame]) -> Vec<(u64, u64)> {
    let first = frames.iter().filter(|frame| frame.segment.is_some());
    first.map(|frame| (frame.run, frame.at)).collect()
}

#[test]
fn a_run_begins_with_a_key_frame_and_goes_on_by_the_senders_clock() {
    let mut stage = Stage::new();
    stage.owes_key = false;
    stage.film(FRAME * 2);
    assert_eq!(
        stage.asked, 1,
        "what began in the middle asks for a key frame"
    );
    stage.film(FRAME * 4);
    let frames = stage.frames();
    assert_eq!(of(&frames, Track::Video), [0, 3600, 7200, 10_800, 14_400]);
    let sound = of(&frames, Track::Audio);
    assert_eq!(sound, [1920, 3840, 5760, 7680], "from its picture on");
    assert!(frames[0].is_key);
    let (audio, video) = (true, true);
    assert_eq!(frames[0].segment, Some(Tracks { audio, video }));
    assert_eq!(frames[0].data, [0, 0, 0, 2, 0x65, 1]);
}

#[test]
fn each_segment_begins_with_a_key_frame_that_was_asked_for() {
    let mut stage = Stage::new();
    stage.film(Duration::from_secs(31));
    let frames = stage.frames();
    let starts = segments(&frames);
    assert_eq!(starts.len(), 4, "{starts:?}");
    for (number, (run, at)) in starts.iter().enumerate() {
        assert_eq!(*run, 1);
        let late = at - number as u64 * 900_000;
        assert!(late <= 3 * number as u64 * 3600, "{starts:?}");
    }
    assert_eq!(stage.asked, 3, "once for each");
}

#[test]
fn a_camera_that_does_not_listen_gets_longer_segments() {
    let mut stage = Stage::new();
    stage.listens = false;
    stage.film(Duration::from_secs(14));
    stage.owes_key = true;
    stage.film(Duration::from_secs(1));
    let starts = segments(&stage.frames());
    assert_eq!(starts, [(1, 0), (1, 14 * 90_000)]);
}

#[test]
fn a_lost_packet_costs_the_pictures_up_to_the_next_key_frame() {
    let mut stage = Stage::new();
    stage.film(FRAME * 3);
    // The fourth picture is lost, and nobody sends it again.
    stage.pass();
    stage.film(FRAME * 30);
    let pictures = of(&stage.frames(), Track::Video);
    let gap = pictures.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert_eq!(pictures[..3], [0, 3600, 7200]);
    // It is waited for half a second, then a key frame is asked for and comes.
    assert!(gap >= Some(45_000) && gap <= Some(60_000), "{gap:?}");
    assert!(stage.asked > 0);
}

#[test]
fn a_packet_that_comes_again_costs_nothing() {
    let mut stage = Stage::new();
    stage.film(FRAME * 3);
    let (number, time) = (stage.number, stage.number * 3600);
    stage.pass();
    stage.film(FRAME * 3);
    let time = u32::try_from(time).expect("short");
    stage.video(&[0x41, 1], |packet| {
        (packet.number, packet.time) = (number, time)
    });
    let pictures = of(&stage.frames(), Track::Video);
    assert_eq!(pictures, [0, 1, 2, 3, 4, 5, 6].map(|each| each * 3600));
    assert_eq!(stage.asked, 0);
}

#[test]
fn sound_alone_is_recorded_when_no_picture_comes() {
    let mut stage = Stage::new();
    for _ in 0..400 {
        stage.audio(|_| {});
        stage.pass();
    }
    let frames = stage.frames();
    let (audio, video) = (true, false);
    assert_eq!(frames[0].segment, Some(Tracks { audio, video }));
    let starts = segments(&frames);
    assert_eq!(starts.len(), 2, "{starts:?}");
    stage.owes_key = true;
    stage.film(FRAME * 2);
    let frames = stage.frames();
    let audio = true;
    let with_picture = frames.iter().find_map(|frame| frame.segment);
    assert_eq!(
        with_picture,
        Some(Tracks { audio, video: true }),
        "once it comes"
    );
    assert_eq!(frames.last().map(|frame| frame.run), Some(2));
}

#[test]
fn a_picture_without_sound_waits_a_second_for_it() {
    let mut stage = Stage::new();
    for _ in 0..40 {
        let picture = stage.picture();
        stage.video(picture, |_| {});
        stage.pass();
    }
    let frames = stage.frames();
    let (audio, video) = (false, true);
    assert_eq!(frames[0].segment, Some(Tracks { audio, video }));
    assert!(frames.len() <= 15, "{}", frames.len());
    stage.film(FRAME * 20);
    let with_sound = stage.frames().iter().find_map(|frame| frame.segment);
    let audio = true;
    assert_eq!(
        with_sound,
        Some(Tracks { audio, video }),
        "soon after it comes"
    );
}

#[test]
fn another_source_or_a_clock_that_jumps_begins_a_run() {
    let mut stage = Stage::new();
    stage.film(FRAME * 3);
    stage.video(&[0x65, 1], |packet| packet.ssrc = 9.into());
    assert!(
        stage
            .out
            .iter()
            .any(|each| matches!(each, Recorded::Ended { .. }))
    );
    let mut stage = Stage::new();
    stage.film(FRAME * 3);
    stage.video(&[0x65, 1], |packet| packet.time += 90_000 * 11);
    assert!(
        stage
            .out
            .iter()
            .any(|each| matches!(each, Recorded::Ended { .. }))
    );
    assert_eq!(stage.recording.runs, 1);
    stage.pass();
    stage.film(FRAME * 3);
    assert_eq!(stage.recording.runs, 2);
}

#[test]
fn sound_stands_where_the_senders_reports_put_it() {
    let mut stage = Stage::new();
    let unix = |ms: i64| Some(ms * 1_000_000);
    let report = |sent_ns: Option<i64>, time| sent_ns.map(|sent_ns| Report { sent_ns, time });
    stage.film(FRAME * 10);
    stage.frames();
    // Sound that arrives with a picture was recorded 100 ms after it.
    for _ in 0..20 {
        let picture = stage.picture();
        stage.video(picture, |packet| packet.report = report(unix(1000), 0));
        stage.audio(|packet| packet.report = report(unix(1100), 0));
        stage.pass();
    }
    let frames = stage.frames();
    let last = |track| *of(&frames, track).last().expect("frames");
    let (picture_ms, sound_ms) = (last(Track::Video) / 90, last(Track::Audio) / 48);
    assert_eq!(sound_ms - picture_ms, 100);
}

#[test]
fn the_end_of_the_publication_is_the_end_of_the_run() {
    let mut stage = Stage::new();
    stage.film(FRAME * 3);
    stage.recording.handle_end(&mut stage.out);
    assert!(matches!(stage.out.back(), Some(Recorded::Ended { .. })));
    assert_eq!(stage.recording.poll_timeout(), None);
    stage.out.clear();
    stage.recording.handle_end(&mut stage.out);
    assert!(stage.out.is_empty(), "once");
    assert!(stage.now > stage.start);
}
