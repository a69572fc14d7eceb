//! One hub, its registry, and pairs of peers that keep losing their sockets.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use protocol::id::{DeviceId, PairId};
use signalling::{Admission, Denial, Hub, Limits, Output, SocketId};

use crate::leg::{Leg, Weather};
use crate::peer::Peer;
use crate::random::Random;
use crate::schedule::Schedule;

mod network;

/// How long the registry takes, twice: to read, and to say what it read.
const LOOKUP: std::ops::Range<Duration> = Duration::ZERO..Duration::from_millis(40);

#[derive(Debug)]
enum Event {
    Connect {
        peer: usize,
    },
    ToHub {
        socket: SocketId,
        text: String,
    },
    ToPeer {
        socket: SocketId,
        text: String,
    },
    Pong {
        socket: SocketId,
    },
    HubNotices {
        socket: SocketId,
    },
    PeerNotices {
        socket: SocketId,
    },
    RegistryReads {
        socket: SocketId,
        device: DeviceId,
        pair: PairId,
    },
    RegistryAnswers {
        socket: SocketId,
        answer: Result<Option<Admission>, Denial>,
    },
    Cut {
        peer: usize,
    },
    Renegotiate {
        peer: usize,
    },
    Stray {
        peer: usize,
        pair: PairId,
    },
    Revoke {
        pair: PairId,
    },
}

/// A hub and everybody who speaks to it.
#[derive(Debug)]
pub struct World {
    /// The core under test.
    pub hub: Hub,
    schedule: Schedule<Event>,
    random: Random,
    weather: Weather,
    peers: Vec<Peer>,
    legs: BTreeMap<SocketId, Leg>,
    over: BTreeSet<SocketId>,
    revoked: BTreeSet<PairId>,
    sockets_so_far: u64,
}

impl World {
    /// So many pairs, whose devices connect at random times within the first second.
    pub fn new(seed: u64, weather: Weather, pairs: usize) -> Self {
        let mut world = Self {
            hub: Hub::new(Limits::default()),
            schedule: Schedule::default(),
            random: Random::new(seed),
            weather,
            peers: (0..pairs).flat_map(couple).collect(),
            legs: BTreeMap::new(),
            over: BTreeSet::new(),
            revoked: BTreeSet::new(),
            sockets_so_far: 0,
        };
        for peer in 0..world.peers.len() {
            let delay = Duration::from_millis(world.random.below(1000));
            world.schedule.after(delay, Event::Connect { peer });
        }
        world
    }

    /// Plans trouble at random times within `span`: sockets cut, offers from both sides, and
    /// messages for pairs that are not the sender's.
    pub fn trouble(&mut self, times: usize, span: Duration) {
        for _ in 0..times {
            let delay = self.random.span(&(Duration::ZERO..span));
            let peer = self.random.below(self.peers.len() as u64) as usize;
            let event = match self.random.below(3) {
                0 => Event::Cut { peer },
                1 => Event::Renegotiate { peer },
                _ => {
                    let other = self.random.below(self.peers.len() as u64) as usize;
                    Event::Stray {
                        peer,
                        pair: self.peers[other].pair.clone(),
                    }
                }
            };
            self.schedule.after(delay, event);
        }
    }

    /// Plans the revocation of a pair: the registry first, then the hub, as the server does.
    pub fn revoke(&mut self, pair: usize, delay: Duration) {
        let pair = self.peers[2 * pair].pair.clone();
        self.schedule.after(delay, Event::Revoke { pair });
    }

    /// Lets so much time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.schedule.now() + time;
        loop {
            let (event, alarm) = (self.schedule.next_at(), self.hub.poll_timeout());
            let Some(next) = event
                .into_iter()
                .chain(alarm)
                .min()
                .filter(|next| *next <= end)
            else {
                break;
            };
            if event == Some(next) {
                if let Some(event) = self.schedule.pop() {
                    self.handle(event);
                }
            } else {
                self.schedule.jump(next);
                self.hub.handle_timeout(next);
            }
            self.execute_outputs();
        }
        self.schedule.jump(end);
    }

    /// Whether both devices of every pair are ready and hold to the same answered offer.
    pub fn is_converged(&self) -> bool {
        self.peers.chunks(2).all(|pair| {
            pair.iter().all(Peer::is_ready)
                && pair[0].agreed().is_some()
                && pair[0].agreed() == pair[1].agreed()
        })
    }

    /// The devices, two and two.
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// How often a peer was told this error.
    pub fn errors(&self, code: &str) -> usize {
        self.peers
            .iter()
            .flat_map(|peer| &peer.errors)
            .filter(|error| *error == code)
            .count()
    }

    fn handle(&mut self, event: Event) {
        let now = self.schedule.now();
        match event {
            Event::Connect { peer } => self.connect(peer),
            Event::ToHub { socket, text } => {
                if self.is_whole(socket) {
                    self.hub.handle_text(socket, &text, now);
                }
            }
            Event::ToPeer { socket, text } => self.deliver(socket, &text),
            Event::Pong { socket } => {
                if self.is_whole(socket) {
                    self.hub.handle_pong(socket);
                }
            }
            Event::HubNotices { socket } => {
                self.over.insert(socket);
                self.hub.handle_closed(socket);
            }
            Event::PeerNotices { socket } => self.lose(socket),
            Event::RegistryReads {
                socket,
                device,
                pair,
            } => self.read_registry(socket, &device, &pair),
            Event::RegistryAnswers { socket, answer } => self.hub.handle_lookup(socket, answer),
            Event::Cut { peer } => self.cut(peer),
            Event::Renegotiate { peer } => {
                self.peers[peer].renegotiate();
                self.flush(peer);
            }
            Event::Stray { peer, pair } => {
                if self.peers[peer].pair != pair {
                    self.peers[peer].stray(&pair);
                    self.flush(peer);
                }
            }
            Event::Revoke { pair } => {
                self.revoked.insert(pair.clone());
                self.hub.revoke_pair(&pair);
            }
        }
    }

    fn read_registry(&mut self, socket: SocketId, device: &DeviceId, pair: &PairId) {
        let answer = if self.revoked.contains(pair) {
            Err(Denial::Revoked)
        } else {
            let peer = self
                .peers
                .iter()
                .find(|peer| peer.device == *device && peer.pair == *pair);
            Ok(peer.map(|peer| Admission {
                peer: peer.other.clone(),
                ice_servers: Vec::new(),
                ice_servers_exp: 0,
            }))
        };
        let delay = self.random.span(&LOOKUP);
        self.schedule
            .after(delay, Event::RegistryAnswers { socket, answer });
    }

    fn execute_outputs(&mut self) {
        let now = self.schedule.now();
        while let Some(output) = self.hub.poll_output() {
            match output {
                Output::Send { socket, text } => {
                    self.assert_open(socket);
                    if let Some(at) = self.down(socket) {
                        self.schedule.at(at, Event::ToPeer { socket, text });
                    }
                }
                Output::Ping { socket } => {
                    self.assert_open(socket);
                    if let Some(at) = self.down(socket) {
                        let delay = self.random.span(&self.weather.line.delay);
                        self.schedule.at(at + delay, Event::Pong { socket });
                    }
                }
                Output::Close { socket, .. } => {
                    self.assert_open(socket);
                    self.over.insert(socket);
                    let at = self.down(socket).unwrap_or(now);
                    self.schedule.at(at, Event::PeerNotices { socket });
                }
                Output::Lookup {
                    socket,
                    device,
                    pair,
                    ..
                } => {
                    let pair = pair.expect("a link has a pair");
                    let delay = self.random.span(&LOOKUP);
                    self.schedule.after(
                        delay,
                        Event::RegistryReads {
                            socket,
                            device,
                            pair,
                        },
                    );
                }
                Output::Verify { .. } | Output::Answered { .. } => {}
            }
        }
    }
}

/// The two devices of a pair; every other pair has its polite device second.
fn couple(number: usize) -> [Peer; 2] {
    let byte = |index: usize| u8::try_from(index % 256).expect("below 256");
    let first = DeviceId::from_bytes(&[byte(2 * number); 32]);
    let second = DeviceId::from_bytes(&[byte(2 * number + 1); 32]);
    let pair = PairId::from_bytes(&[byte(number); 32]);
    [
        Peer::new(first.clone(), second.clone(), pair.clone()),
        Peer::new(second, first, pair),
    ]
}
