//! Two native peers, one hub and one STUN and TURN server, joined on a virtual clock by networks
//! that delay, lose, reorder and translate addresses.
//!
//! The cores are the real ones: what their shells do to them (carry messages and datagrams, open
//! sockets again, keep time) is done here without a clock. The servers stand where the lines of
//! both devices meet, so a round trip to a server is half of one between the devices where the
//! lines are alike.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use peer::link::{IcePolicy, Phase, StreamId};
use signalling::{Hub, Limits, SocketId};

use crate::leg::Leg;
use crate::line::Line;
use crate::nat::{Nat, NatKind};
use crate::random::Random;
use crate::schedule::Schedule;
pub use device::Device;
use relaying::Relaying;

mod device;
mod network;
mod relaying;
mod sockets;

/// The time of day when a world begins, in Unix milliseconds.
const START_MS: u64 = 1_760_000_000_000;
/// A core that is woken this often at one instant will never let time go on.
const MAX_WAKES: usize = 1000;

/// Where a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// It has a public address.
    Public,
    /// It is behind a NAT of its own.
    Behind(NatKind),
    /// Only TCP passes.
    TcpOnly,
    /// It is in the other device's network.
    Shared,
}

/// What a world is made of.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Decides what is lost and how late it is.
    pub seed: u64,
    /// Where the devices are; the second may share the first's.
    pub homes: [Home; 2],
    /// How they reach the world.
    pub lines: [Line; 2],
    /// Which paths they may use.
    pub policy: IcePolicy,
    /// When each holds its token, over a connection to the server that is open (the one that the
    /// token came on).
    pub token_after: [Duration; 2],
}

impl Scenario {
    /// Two devices that hold their tokens at once, on steady lines with so much time for a round
    /// trip between them.
    pub fn steady(seed: u64, homes: [Home; 2], round_trip: Duration) -> Self {
        let line = Line::steady(round_trip / 4);
        Self {
            seed,
            homes,
            lines: [line.clone(), line],
            policy: IcePolicy::All,
            token_after: [Duration::ZERO; 2],
        }
    }
}

#[derive(Debug)]
enum Event {
    Connect {
        device: usize,
    },
    Arrive {
        device: usize,
        socket: SocketId,
    },
    ToHub {
        socket: SocketId,
        text: String,
    },
    ToDevice {
        socket: SocketId,
        text: String,
    },
    Pong {
        socket: SocketId,
    },
    /// A datagram at the home of a device.
    Datagram {
        device: usize,
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// A datagram at the server.
    Request {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    StreamOpen {
        device: usize,
        stream: StreamId,
    },
    StreamUp {
        device: usize,
        stream: StreamId,
        bytes: Vec<u8>,
    },
    StreamDown {
        device: usize,
        stream: StreamId,
        bytes: Vec<u8>,
    },
}

/// Two devices and what is between them. The first is the impolite one.
pub struct LinkWorld {
    schedule: Schedule<Event>,
    start: Instant,
    random: Random,
    homes: [Home; 2],
    lines: [Line; 2],
    nats: [Option<Nat>; 2],
    devices: [Device; 2],
    hub: Hub,
    legs: BTreeMap<SocketId, Leg>,
    sockets_so_far: u64,
    relaying: Relaying,
}

impl LinkWorld {
    /// A world in which nothing happened yet.
    pub fn new(scenario: &Scenario) -> Self {
        let schedule: Schedule<Event> = Schedule::default();
        let start = schedule.now();
        let homes = scenario.homes;
        let nats = [0, 1].map(|at| network::nat_of(homes[at], at));
        let devices = device::couple(scenario, start);
        let mut world = Self {
            schedule,
            start,
            random: Random::new(scenario.seed),
            homes,
            lines: scenario.lines.clone(),
            nats,
            devices,
            hub: Hub::new(Limits::default()),
            legs: BTreeMap::new(),
            sockets_so_far: 0,
            relaying: Relaying::new(scenario.seed, start),
        };
        for (device, after) in scenario.token_after.into_iter().enumerate() {
            world.schedule.after(after, Event::Connect { device });
        }
        world
    }

    /// The devices.
    pub fn devices(&self) -> &[Device; 2] {
        &self.devices
    }

    /// How much time went by.
    pub fn elapsed(&self) -> Duration {
        self.schedule.now() - self.start
    }

    /// Whether frames flow both ways, as far as both know.
    pub fn is_open(&self) -> bool {
        let is_open = |device: &Device| device.phase() == Phase::Open;
        self.devices.iter().all(is_open)
    }

    /// Says a text; one that is not acknowledged is not said again. False where the link is not
    /// open.
    pub fn say(&mut self, device: usize, text: &str) -> bool {
        let now = self.schedule.now();
        let is_said = self.devices[device].say(text, now);
        self.execute();
        is_said
    }

    /// Lets so much time pass.
    pub fn run(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Lets time pass until `is_done`, at most so much; whether it was done.
    ///
    /// # Panics
    /// A core wants to be woken at one instant again and again.
    pub fn run_until(&mut self, limit: Duration, is_done: impl Fn(&Self) -> bool) -> bool {
        let end = self.schedule.now() + limit;
        let (mut last, mut wakes) = (self.schedule.now(), 0);
        loop {
            self.execute();
            if is_done(self) {
                return true;
            }
            let next = self.schedule.next_at().into_iter().chain(self.alarm());
            let Some(next) = next.min().filter(|next| *next <= end) else {
                break;
            };
            wakes = if next > last { 0 } else { wakes + 1 };
            last = last.max(next);
            assert!(wakes < MAX_WAKES, "time stands still: {:?}", self.phases());
            if self.schedule.next_at() == Some(next) {
                let event = self.schedule.pop().expect("the next event is there");
                self.handle(event);
            } else {
                self.schedule.jump(next);
                self.wake();
            }
        }
        self.schedule.jump(end);
        false
    }

    /// How far both devices are.
    pub fn phases(&self) -> [Phase; 2] {
        [self.devices[0].phase(), self.devices[1].phase()]
    }

    /// When a core wants to be woken.
    fn alarm(&self) -> Option<Instant> {
        let devices = self.devices.iter();
        let devices = devices.filter_map(|device| device.core.poll_timeout());
        let servers = [self.hub.poll_timeout(), self.relaying.poll_timeout()];
        devices.chain(servers.into_iter().flatten()).min()
    }

    fn wake(&mut self) {
        let now = self.schedule.now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        for device in &mut self.devices {
            if is_due(device.core.poll_timeout()) {
                device.core.handle_timeout(now);
            }
        }
        if is_due(self.hub.poll_timeout()) {
            self.hub.handle_timeout(now);
        }
        if is_due(self.relaying.poll_timeout()) {
            self.relaying.handle_timeout(now);
        }
    }

    fn handle(&mut self, event: Event) {
        let now = self.schedule.now();
        match event {
            Event::Connect { device } => self.connect(device),
            Event::Arrive { device, socket } => self.open_socket(device, socket),
            Event::ToHub { socket, text } => self.hear_device(socket, &text),
            Event::ToDevice { socket, text } => self.hear_hub(socket, &text),
            Event::Pong { socket } => self.hub.handle_pong(socket),
            Event::Datagram {
                device,
                from,
                to,
                bytes,
            } => self.let_in(device, from, to, &bytes),
            Event::Request { from, to, bytes } => self.serve_datagram(from, to, &bytes),
            Event::StreamOpen { device, stream } => self.open_stream(device, stream),
            Event::StreamUp {
                device,
                stream,
                bytes,
            } => self.serve_stream(device, stream, &bytes),
            Event::StreamDown {
                device,
                stream,
                bytes,
            } => self.devices[device]
                .core
                .handle_stream_data(stream, &bytes, now),
        }
    }

    /// Carries out what every core orders.
    fn execute(&mut self) {
        for device in 0..2 {
            while let Some(output) = self.devices[device].core.poll_output() {
                self.obey(device, output);
            }
        }
        self.obey_hub();
        self.obey_relaying();
    }
}
