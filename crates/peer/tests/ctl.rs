//! Two conversations over channels that lose, double, delay and reorder, on a virtual clock: what
//! was acknowledged arrived exactly once, and what failed is not called delivered.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use peer::ctl::{Ctl, CtlEvent, TextId};

const SEEDS: u64 = 4000;
const TEXTS: usize = 12;

/// SplitMix64: the same seed gives the same network.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What a seed makes of the network.
struct Weather {
    random: Random,
    loss_percent: u64,
    double_percent: u64,
    longest_ms: u64,
    mutate_percent: u64,
}

impl Weather {
    fn of(seed: u64) -> Self {
        let mut random = Random(seed);
        Self {
            loss_percent: random.below(60),
            double_percent: random.below(40),
            longest_ms: 1 + random.below(400),
            mutate_percent: 0,
            random,
        }
    }

    /// When copies of a frame arrive.
    fn arrivals(&mut self, now: Instant) -> Vec<Instant> {
        let copies = 1 + u64::from(self.random.below(100) < self.double_percent);
        let mut arrivals = vec![];
        for _ in 0..copies {
            if self.random.below(100) >= self.loss_percent {
                arrivals.push(now + Duration::from_millis(self.random.below(self.longest_ms)));
            }
        }
        arrivals
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        if self.random.below(100) >= self.mutate_percent {
            return;
        }
        let at = usize::try_from(self.random.below(bytes.len() as u64)).unwrap();
        match self.random.below(3) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, 0xff),
            _ => bytes[at] ^= 1 << self.random.below(8),
        }
    }
}

/// Two conversations and the frames between them.
struct World {
    weather: Weather,
    now: Instant,
    sides: [Ctl; 2],
    /// Frames on their way, by arrival: to which side, and a number that keeps them apart.
    flying: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    frames: u64,
    said: [BTreeMap<TextId, String>; 2],
    heard: [Vec<String>; 2],
    delivered: [BTreeSet<TextId>; 2],
    failed: [BTreeSet<TextId>; 2],
}

impl World {
    #[expect(clippy::disallowed_methods, reason = "some instant to begin at")]
    fn new(weather: Weather) -> Self {
        let now = Instant::now();
        Self {
            weather,
            now,
            sides: [Ctl::new(now), Ctl::new(now)],
            flying: BTreeMap::new(),
            frames: 0,
            said: Default::default(),
            heard: Default::default(),
            delivered: Default::default(),
            failed: Default::default(),
        }
    }

    fn drain(&mut self) {
        for side in 0..2 {
            while let Some((_, mut bytes)) = self.sides[side].poll_transmit() {
                self.weather.mutate(&mut bytes);
                for arrival in self.weather.arrivals(self.now) {
                    self.frames += 1;
                    let flight = (1 - side, bytes.clone());
                    self.flying.insert((arrival, self.frames), flight);
                }
            }
            while let Some(event) = self.sides[side].poll_event() {
                match event {
                    CtlEvent::Text(text) => self.heard[side].push(text),
                    CtlEvent::Delivered(id) => assert!(self.delivered[side].insert(id)),
                    CtlEvent::Undelivered(id) => assert!(self.failed[side].insert(id)),
                    CtlEvent::Command { .. } | CtlEvent::Stats(_) => {}
                }
            }
        }
    }

    fn step(&mut self) {
        self.drain();
        let timeout = self.sides.iter().map(Ctl::poll_timeout).min().unwrap();
        let arrival = self.flying.keys().next().copied();
        match arrival.filter(|(at, _)| *at <= timeout) {
            Some(key) => {
                let (to, bytes) = self.flying.remove(&key).unwrap();
                self.now = key.0.max(self.now);
                self.sides[to].handle_frame(&bytes, self.now);
            }
            None => {
                self.now = timeout.max(self.now);
                for side in &mut self.sides {
                    side.handle_timeout(self.now);
                }
            }
        }
        self.drain();
    }

    fn talk(&mut self) {
        for index in 0..TEXTS {
            for side in 0..2 {
                let text = format!("{side} says {index}");
                let id = self.sides[side].say(&text, self.now).unwrap();
                self.said[side].insert(id, text);
            }
            let pause = Duration::from_millis(self.weather.random.below(300));
            let until = self.now + pause;
            while self.now < until {
                self.step();
            }
        }
        let settled = self.now + Duration::from_secs(5);
        while self.now < settled {
            self.step();
        }
    }
}

#[test]
fn every_acknowledged_text_arrives_exactly_once_whatever_the_network_does() {
    let (mut delivered, mut failed) = (0, 0);
    for seed in 0..SEEDS {
        let mut world = World::new(Weather::of(seed));
        world.talk();
        for side in 0..2 {
            let heard = &world.heard[1 - side];
            let once: BTreeSet<_> = heard.iter().collect();
            assert_eq!(once.len(), heard.len(), "seed {seed}: heard twice");
            for (id, text) in &world.said[side] {
                let is_delivered = world.delivered[side].contains(id);
                let is_failed = world.failed[side].contains(id);
                assert!(is_delivered != is_failed, "seed {seed}: {text} has no fate");
                assert!(
                    !is_delivered || once.contains(text),
                    "seed {seed}: {text} was acknowledged and not heard"
                );
            }
            delivered += world.delivered[side].len();
            failed += world.failed[side].len();
        }
    }
    println!("{delivered} delivered, {failed} failed over {SEEDS} seeds");
    assert!(
        delivered > failed * 20,
        "{delivered} delivered, {failed} failed"
    );
    assert!(failed > 0, "no weather was bad enough to fail a text");
}

#[test]
fn without_loss_every_text_is_delivered_and_heard_in_full() {
    for seed in 0..200 {
        let weather = Weather {
            loss_percent: 0,
            ..Weather::of(seed)
        };
        let mut world = World::new(weather);
        world.talk();
        for side in 0..2 {
            assert_eq!(world.delivered[side].len(), TEXTS, "seed {seed}");
            assert_eq!(world.heard[side].len(), TEXTS, "seed {seed}");
        }
    }
}

#[test]
fn changed_frames_are_survived_and_counted() {
    let mut malformed = 0;
    for seed in 0..500 {
        let weather = Weather {
            mutate_percent: 30,
            ..Weather::of(seed)
        };
        let mut world = World::new(weather);
        world.talk();
        malformed += world.sides[0].counts().malformed;
    }
    assert!(malformed > 1000, "{malformed}");
}
