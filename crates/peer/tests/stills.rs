//! Stills between two links on virtual time: each arrives once and looks like its source, and what
//! the network loses is repaired at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use peer::ctl::CtlEvent;
use peer::link::{Event, IcePolicy, Section, VideoEvent};
use peer::stills::{
    Budget, H264Decoder, H264Encoder, Picture, RateControl, ReceivedStill, ReceiverOutput,
    STILL_HEIGHT, STILL_LIMIT_BYTES, STILL_WIDTH, SenderOutput, SentStill, StillsReceiver,
    StillsSender, pattern,
};
use two_links::TwoLinks;

mod two_links;

const HOSTS: [&str; 2] = ["10.0.0.1:5000", "10.0.0.2:5000"];
const SOON: Duration = Duration::from_secs(5);
const INTERVAL: Duration = Duration::from_secs(3);
/// What a datagram takes there and back in `two_links`.
const ROUND_TRIP: Duration = Duration::from_millis(20);

/// Until a gap is asked about: str0m looks for gaps every 33 ms, a shell every millisecond.
const GAP_NOTICED: Duration = Duration::from_millis(34);

/// A device that sends stills to another one; encoding takes no virtual time.
struct Stage {
    world: TwoLinks,
    sender: StillsSender,
    receiver: StillsReceiver,
    rate: RateControl,
    decoder: H264Decoder,
    section: Option<Section>,
    /// How many events of each device were looked at.
    read: [usize; 2],
    sources: BTreeMap<u32, Picture>,
    sent_at: BTreeMap<u32, Instant>,
    sent: Vec<SentStill>,
    received: Vec<ReceivedStill>,
    scene: fn(u32) -> Picture,
}

impl Stage {
    fn open(scene: fn(u32) -> Picture) -> Self {
        Self::open_over(ROUND_TRIP, scene)
    }

    /// As far apart as this.
    fn open_over(round_trip: Duration, scene: fn(u32) -> Picture) -> Self {
        let mut world = TwoLinks::new(IcePolicy::All, HOSTS);
        world.delay = round_trip / 2;
        let now = world.now;
        world.devices[0].core.open_video(now);
        world.go_online(0);
        world.go_online(1);
        world.run_until(SOON, TwoLinks::is_open);
        // The first ping measures the round trip.
        world.run(Duration::from_millis(80) + round_trip);
        Self {
            world,
            sender: StillsSender::new(INTERVAL, None),
            receiver: StillsReceiver::new(20),
            rate: RateControl::default(),
            decoder: H264Decoder::new().expect("it begins"),
            section: None,
            read: [0; 2],
            sources: BTreeMap::new(),
            sent_at: BTreeMap::new(),
            sent: Vec::new(),
            received: Vec::new(),
            scene,
        }
    }

    /// Runs for a time, in steps of a millisecond: shells are no faster.
    fn run(&mut self, time: Duration) {
        let end = self.world.now + time;
        while self.world.now < end {
            self.settle();
            self.world.run(Duration::from_millis(1));
        }
        self.settle();
    }

    fn settle(&mut self) {
        let now = self.world.now;
        for at in [0, 1] {
            if let Some(trip) = self.world.devices[at].core.round_trip() {
                match at {
                    0 => self.sender.handle_round_trip(trip.p50),
                    _ => self.receiver.handle_round_trip(trip.p50),
                }
            }
            let events: Vec<Event> = self.world.devices[at].events[self.read[at]..].to_vec();
            self.read[at] += events.len();
            for event in events {
                match at {
                    0 => self.tell_sender(event, now),
                    _ => self.tell_receiver(event, now),
                }
            }
        }
        self.sender.handle_timeout(now);
        self.receiver.handle_timeout(now);
        while let Some(output) = self.sender.poll_output() {
            self.obey_sender(output, now);
        }
        while let Some(output) = self.receiver.poll_output() {
            self.obey_receiver(output, now);
        }
        self.world.drain();
    }

    fn tell_sender(&mut self, event: Event, now: Instant) {
        match event {
            Event::Video(VideoEvent::Sendable(_)) => self.sender.handle_open(now),
            Event::Video(VideoEvent::KeyFrameWanted) => self.sender.handle_key_frame_request(now),
            Event::Talk(CtlEvent::Command { name, args }) => {
                self.sender.handle_command(&name, &args, now);
            }
            _ => {}
        }
    }

    fn tell_receiver(&mut self, event: Event, now: Instant) {
        match event {
            Event::Video(VideoEvent::Offered(section)) => self.section = Some(section),
            Event::Video(VideoEvent::Arriving) => self.receiver.handle_packet(now),
            Event::Video(VideoEvent::Frame(frame)) => {
                match self.decoder.decode(&frame.access_unit) {
                    Ok(picture) => {
                        let bytes = frame.access_unit.len();
                        self.receiver.handle_picture(picture, bytes, now);
                    }
                    Err(_) => self.receiver.handle_damage(now),
                }
            }
            Event::Talk(CtlEvent::Command { name, args }) => {
                self.receiver.handle_command(&name, &args, now);
            }
            _ => {}
        }
    }

    fn obey_sender(&mut self, output: SenderOutput, now: Instant) {
        let core = &mut self.world.devices[0].core;
        match output {
            SenderOutput::Capture { seq } => {
                let picture = (self.scene)(seq);
                let budget = Budget::new(100_000, INTERVAL);
                let still = self
                    .rate
                    .encode(&mut H264Encoder::new(), &picture, budget)
                    .expect("it fits");
                self.sources.insert(seq, picture);
                self.sent_at.insert(seq, now);
                self.sender.handle_encoded(seq, still.access_unit, now);
            }
            SenderOutput::Announce(args) => core.command("still", args, now),
            SenderOutput::Frame(access_unit) => assert!(core.send_video(access_unit, now)),
            SenderOutput::Sent(still) => self.sent.push(still),
        }
    }

    fn obey_receiver(&mut self, output: ReceiverOutput, now: Instant) {
        let core = &mut self.world.devices[1].core;
        match output {
            ReceiverOutput::AskKeyFrame => {
                if let Some(section) = self.section {
                    core.ask_key_frame(section, now);
                }
            }
            ReceiverOutput::StillShown(args) => core.command("still-shown", args, now),
            ReceiverOutput::Still(still) => self.received.push(still),
        }
    }

    /// From sending to arriving, for each still in order.
    fn delays(&self) -> Vec<Duration> {
        let delay = |still: &ReceivedStill| still.arrived_at - self.sent_at[&(still.seq as u32)];
        self.received.iter().map(delay).collect()
    }

    fn seqs(&self) -> Vec<u64> {
        self.received.iter().map(|still| still.seq).collect()
    }

    fn worst_db(&self) -> f64 {
        let db = |still: &ReceivedStill| psnr(&self.sources[&(still.seq as u32)], &still.picture);
        self.received.iter().map(db).fold(f64::INFINITY, f64::min)
    }
}

/// Peak signal-to-noise ratio over all channels, in decibels.
fn psnr(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    let pairs = a.rgb().iter().zip(b.rgb());
    let sum: f64 = pairs.map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.rgb().len() as f64 / sum).log10()
}

fn clock(seq: u32) -> Picture {
    pattern(seq, u64::from(seq) * 3000, STILL_WIDTH, STILL_HEIGHT)
}

/// Noise, which makes the largest stills.
fn noise(seq: u32) -> Picture {
    Picture::from_fn(STILL_WIDTH, STILL_HEIGHT, |x, y| {
        let bits = (y * STILL_WIDTH + x + seq).wrapping_mul(0x9E37_79B9);
        let bits = (bits ^ bits >> 15).wrapping_mul(0x2C1B_3C6D);
        let [red, green, blue, _] = (bits ^ bits >> 13).to_le_bytes();
        [red, green, blue]
    })
}

fn is_rtp(bytes: &[u8]) -> bool {
    matches!(bytes, [128..=191, kind, ..] if !(64..=95).contains(&(kind & 0x7F)))
}

#[test]
fn each_still_arrives_once_as_it_was() {
    let mut stage = Stage::open(clock);
    stage.run(INTERVAL * 3 + Duration::from_millis(500));
    assert_eq!(stage.seqs(), [1, 2, 3, 4]);
    println!("{:?} {:.1} dB", stage.delays(), stage.worst_db());
    assert!(stage.worst_db() > 35.0);
    assert!(
        stage.delays().iter().all(|delay| *delay <= ROUND_TRIP),
        "{:?}",
        stage.delays()
    );
    for still in &stage.sent {
        assert_eq!(still.resends, 0);
        assert!(
            still.shown.is_some_and(|shown| shown <= ROUND_TRIP * 2),
            "{still:?}"
        );
    }
}

#[test]
fn a_damaged_still_arrives_whole_within_two_round_trips() {
    let mut stage = Stage::open(noise);
    let mut rtp = 0;
    stage.world.loses = Box::new(move |from, bytes| {
        rtp += usize::from(from == 0 && is_rtp(bytes));
        from == 0 && is_rtp(bytes) && [2, 9, 10, 30].contains(&rtp)
    });
    stage.run(Duration::from_millis(500));
    assert_eq!(stage.seqs(), [1]);
    let bytes = stage.received[0].bytes;
    println!("{bytes} bytes after {:?}", stage.delays());
    assert!((50_000..=STILL_LIMIT_BYTES).contains(&bytes), "{bytes}");
    // One way, up to 33 ms until the gap is asked about, and there and back.
    let limit = ROUND_TRIP * 2 + GAP_NOTICED;
    assert!(stage.delays()[0] <= limit, "{:?}", stage.delays());
}

#[test]
fn damage_is_repaired_within_one_round_trip() {
    for round_trip in [20, 50, 100, 200, 400].map(Duration::from_millis) {
        let mut stage = Stage::open_over(round_trip, noise);
        stage.run(INTERVAL - Duration::from_millis(1));
        let mut rtp = 0;
        stage.world.loses = Box::new(move |from, bytes| {
            rtp += usize::from(from == 0 && is_rtp(bytes));
            from == 0 && is_rtp(bytes) && [1, 7, 8, 9, 40].contains(&rtp)
        });
        stage.run(INTERVAL - Duration::from_millis(1));
        assert_eq!(stage.seqs(), [1, 2], "{round_trip:?}");
        let [whole, damaged] = stage.delays()[..] else {
            unreachable!("there are two")
        };
        let cost = damaged - whole;
        println!("{round_trip:?} there and back: {cost:?} later than a whole one");
        assert!(cost <= round_trip + GAP_NOTICED, "{round_trip:?}: {cost:?}");
    }
}

#[test]
fn a_still_whose_end_or_whole_is_lost_is_asked_for_and_not_waited_for() {
    for (first_lost, limit_ms) in [(1, 120), (80, 180), (20, 420)] {
        let mut stage = Stage::open(noise);
        let until = stage.world.now + ROUND_TRIP;
        let now = std::rc::Rc::new(std::cell::Cell::new(stage.world.now));
        let clock = now.clone();
        let mut rtp = 0;
        stage.world.loses = Box::new(move |from, bytes| {
            rtp += usize::from(from == 0 && is_rtp(bytes));
            from == 0 && is_rtp(bytes) && clock.get() < until && rtp >= first_lost
        });
        for _ in 0..600 {
            now.set(stage.world.now);
            stage.run(Duration::from_millis(1));
        }
        assert_eq!(stage.seqs(), [1], "lost from packet {first_lost}");
        println!(
            "lost from packet {first_lost}: whole after {:?}",
            stage.delays()
        );
        assert!(
            stage.delays()[0] <= Duration::from_millis(limit_ms),
            "{:?}",
            stage.delays()
        );
    }
}

#[test]
fn a_tenth_of_all_packets_lost_costs_no_still() {
    let mut stage = Stage::open(clock);
    let mut draw = two_links::Draw::new(7);
    stage.world.loses = Box::new(move |_, _| draw.below(10) == 0);
    stage.run(INTERVAL * 10 + Duration::from_millis(1500));
    assert_eq!(stage.seqs(), (1..=11).collect::<Vec<_>>());
    println!("{:?}", stage.delays());
    let echo = Duration::from_millis(300);
    let late = stage.delays().into_iter().filter(|delay| *delay >= echo);
    assert_eq!(late.count(), 0, "none waits until it is sent again unasked");
    assert!(stage.worst_db() > 35.0);
}
