//! Two link cores, a server between them and a network, all on virtual time.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::{NoiseKey, SigningKey};
use peer::link::{Event, IcePolicy, LinkCore, LinkKeys, LinkSettings, Output, Phase};
use protocol::id::PairId;
use protocol::signal::{ClientMessage, Peer, Presence, Ready, Relayed, ServerMessage};

/// The time of day when a test begins, in Unix milliseconds.
pub(crate) const START_MS: u64 = 1_760_000_000_000;

/// What is under way.
enum Parcel {
    Signal(ServerMessage),
    Datagram {
        local: SocketAddr,
        from: SocketAddr,
        bytes: Vec<u8>,
    },
}

/// One device.
pub(crate) struct Device {
    pub(crate) core: LinkCore,
    pub(crate) events: Vec<Event>,
    pub(crate) signals: Vec<ClientMessage>,
    pub(crate) sent_to: BTreeSet<SocketAddr>,
    key: Arc<SigningKey>,
    sockets: BTreeSet<SocketAddr>,
}

/// Whether a datagram of a device is lost.
type Loses = dyn FnMut(usize, &[u8]) -> bool;

/// Two devices; the first is the impolite one.
#[allow(dead_code, reason = "each test uses a part of it")]
pub(crate) struct TwoLinks {
    pub(crate) devices: [Device; 2],
    pub(crate) now: Instant,
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) start: Instant,
    /// What anything takes one way.
    pub(crate) delay: Duration,
    under_way: Vec<(Instant, u64, usize, Parcel)>,
    sequence: u64,
    is_online: [bool; 2],
    /// Whether datagrams are lost.
    pub(crate) is_cut: bool,
    /// Changes every third packet.
    pub(crate) corruption: Option<Draw>,
    /// Which datagrams of a device are lost, beside.
    pub(crate) loses: Box<Loses>,
    /// What the server does to every message that it relays.
    pub(crate) tamper: fn(&mut ClientMessage),
}

#[allow(dead_code, reason = "each test uses a part of it")]
impl TwoLinks {
    pub(crate) fn new(policy: IcePolicy, hosts: [&str; 2]) -> Self {
        Self::with_secrets(policy, hosts, [[9; 32]; 2])
    }

    /// Nobody signs, and nobody must.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn unverified(policy: IcePolicy, hosts: [&str; 2]) -> Self {
        Self::make(policy, hosts, [[9; 32]; 2], false)
    }

    /// What each device holds for the pair secret.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn with_secrets(
        policy: IcePolicy,
        hosts: [&str; 2],
        secrets: [[u8; 32]; 2],
    ) -> Self {
        Self::make(policy, hosts, secrets, true)
    }

    #[expect(clippy::disallowed_methods, reason = "an epoch for virtual time")]
    fn make(
        policy: IcePolicy,
        hosts: [&str; 2],
        secrets: [[u8; 32]; 2],
        is_verified: bool,
    ) -> Self {
        let mut keys = [[1; 32], [2; 32]].map(|seed| Arc::new(SigningKey::from_seed(seed)));
        keys.sort_by_key(|key| std::cmp::Reverse(key.thumbprint().as_str().to_owned()));
        let now = Instant::now();
        let device = |at: usize| {
            let (key, other) = (&keys[at], &keys[1 - at]);
            let settings = LinkSettings {
                pair_id: PairId::from_bytes(&[7; 32]),
                own: key.clone(),
                peer_id: other.thumbprint(),
                peer_key: *other.public(),
                is_verified,
                own_time_ms: 0,
                peer_time_ms: 0,
                policy,
                ice_servers: Vec::new(),
                keys: Some(LinkKeys {
                    own: Arc::new(NoiseKey::from_secret([1 + at as u8; 32])),
                    peer: *NoiseKey::from_secret([2 - at as u8; 32]).public(),
                    secret: secrets[at],
                }),
                has_files: true,
                has_llm: true,
                seed: [at as u8; 32],
            };
            let mut core = LinkCore::new(settings, now);
            core.handle_clock(START_MS, now);
            let sockets = BTreeSet::from([hosts[at].parse().expect("an address")]);
            core.handle_sockets(sockets.clone(), now);
            Device {
                core,
                events: Vec::new(),
                signals: Vec::new(),
                sent_to: BTreeSet::new(),
                key: key.clone(),
                sockets,
            }
        };
        Self {
            devices: [device(0), device(1)],
            now,
            start: now,
            delay: Duration::from_millis(10),
            under_way: Vec::new(),
            sequence: 0,
            is_online: [false; 2],
            is_cut: false,
            corruption: None,
            loses: Box::new(|_, _| false),
            tamper: |_| {},
        }
    }

    /// A device comes to the server, or comes again.
    pub(crate) fn go_online(&mut self, at: usize) {
        self.is_online[at] = true;
        let other = 1 - at;
        let ready = ServerMessage::Ready(Ready {
            pair_id: PairId::from_bytes(&[7; 32]),
            device_id: self.devices[at].key.thumbprint(),
            polite: at == 1,
            peer: Peer {
                device_id: self.devices[other].key.thumbprint(),
                online: self.is_online[other],
            },
            ice_servers: Vec::new(),
            ice_servers_exp: 0,
        });
        self.dispatch(at, Parcel::Signal(ready));
        if self.is_online[other] {
            let presence = ServerMessage::Peer(Presence {
                pair_id: PairId::from_bytes(&[7; 32]),
                device_id: self.devices[at].key.thumbprint(),
                online: true,
            });
            self.dispatch(other, Parcel::Signal(presence));
        }
    }

    /// The sockets of a device are replaced by one at another address.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn move_to(&mut self, at: usize, host: &str) {
        let sockets = BTreeSet::from([host.parse().expect("an address")]);
        self.devices[at].sockets = sockets.clone();
        self.devices[at].core.handle_sockets(sockets, self.now);
        self.drain();
    }

    /// The network of a device is gone: it has loopback alone, and soon hears that the server is
    /// out of reach. The server has not noticed anything.
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn unplug(&mut self, at: usize) {
        self.is_online[at] = false;
        self.move_to(at, "127.0.0.1:7000");
        self.devices[at].core.handle_signalling_lost(self.now);
        self.drain();
    }

    /// Runs until `is_done`, or panics after `limit` of virtual time.
    pub(crate) fn run_until(&mut self, limit: Duration, is_done: impl Fn(&Self) -> bool) {
        let end = self.now + limit;
        self.drain();
        while !is_done(self) {
            let parcel = self.under_way.iter().map(|(at, ..)| *at).min();
            let timers = self
                .devices
                .iter()
                .filter_map(|device| device.core.poll_timeout());
            let next = timers
                .chain(parcel)
                .min()
                .expect("somebody waits for something");
            assert!(next <= end, "not within {limit:?}: {:?}", self.phases());
            self.now = self.now.max(next);
            self.step();
        }
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(time * 2, |world| {
            let parcel = world.under_way.iter().map(|(at, ..)| *at).min();
            let timers = world
                .devices
                .iter()
                .filter_map(|device| device.core.poll_timeout());
            timers.chain(parcel).min().is_none_or(|next| next > end)
        });
        self.now = end;
    }

    pub(crate) fn phases(&self) -> [Phase; 2] {
        [self.devices[0].core.phase(), self.devices[1].core.phase()]
    }

    pub(crate) fn is_open(&self) -> bool {
        self.phases() == [Phase::Open; 2]
    }

    fn step(&mut self) {
        let now = self.now;
        let mut due: Vec<_> = Vec::new();
        let mut at = 0;
        while at < self.under_way.len() {
            if self.under_way[at].0 <= now {
                due.push(self.under_way.swap_remove(at));
            } else {
                at += 1;
            }
        }
        due.sort_by_key(|(at, sequence, ..)| (*at, *sequence));
        for (_, _, to, parcel) in due {
            let core = &mut self.devices[to].core;
            match parcel {
                Parcel::Signal(message) => core.handle_signal(message, now),
                Parcel::Datagram { local, from, bytes } => {
                    core.handle_datagram(local, from, &bytes, now);
                }
            }
            self.drain();
        }
        for at in 0..2 {
            let core = &mut self.devices[at].core;
            if core.poll_timeout().is_some_and(|due| due <= now) {
                core.handle_timeout(now);
            }
        }
        self.drain();
    }

    pub(crate) fn drain(&mut self) {
        for at in 0..2 {
            while let Some(output) = self.devices[at].core.poll_output() {
                self.execute(at, output);
            }
        }
    }

    fn execute(&mut self, at: usize, output: Output) {
        match output {
            Output::Signal(mut message) => {
                self.devices[at].signals.push(message.clone());
                (self.tamper)(&mut message);
                let from = self.devices[at].key.thumbprint();
                let relayed = match message {
                    ClientMessage::Offer(message) => {
                        ServerMessage::Offer(Relayed { from, message })
                    }
                    ClientMessage::Answer(message) => {
                        ServerMessage::Answer(Relayed { from, message })
                    }
                    ClientMessage::Ice(message) => ServerMessage::Ice(Relayed { from, message }),
                    ClientMessage::Bye(message) => ServerMessage::Bye(Relayed { from, message }),
                    ClientMessage::Auth(_) => return,
                };
                if self.is_online == [true; 2] {
                    self.dispatch(1 - at, Parcel::Signal(relayed));
                }
            }
            Output::Datagram {
                from,
                to,
                mut bytes,
            } => {
                if let Some(draw) = &mut self.corruption {
                    draw.spoil(&mut bytes);
                }
                self.devices[at].sent_to.insert(to);
                let is_bound = self.devices[at].sockets.contains(&from);
                let is_lost = self.is_cut || (self.loses)(at, &bytes);
                if is_bound && !is_lost && self.devices[1 - at].sockets.contains(&to) {
                    let parcel = Parcel::Datagram {
                        local: to,
                        from,
                        bytes,
                    };
                    self.dispatch(1 - at, parcel);
                }
            }
            Output::Event(event) => self.devices[at].events.push(event),
            _ => {}
        }
    }

    fn dispatch(&mut self, to: usize, parcel: Parcel) {
        self.sequence += 1;
        let at = self.now + self.delay;
        self.under_way.push((at, self.sequence, to, parcel));
    }
}

impl Device {
    #[allow(dead_code, reason = "not every test needs it")]
    pub(crate) fn id(&self) -> protocol::id::DeviceId {
        self.key.thumbprint()
    }
}

/// Draws from a seed (SplitMix64).
pub(crate) struct Draw(u64);

#[allow(dead_code, reason = "not every test needs it")]
impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % end.max(1) as u64).expect("below a usize")
    }

    /// Changes a packet, or leaves it.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        match self.below(9) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
            1 => bytes.truncate(at),
            2 if !bytes.is_empty() => bytes[at] = 0xFF,
            _ => {}
        }
    }
}
