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

use peer::files::DiskReport;
use peer::link::{Phase, StreamId};
use signalling::{Hub, Limits, SocketId};

use crate::leg::Leg;
use crate::line::Line;
use crate::nat::Nat;
use crate::random::Random;
use crate::schedule::Schedule;
pub use device::Device;
use relaying::Relaying;
pub use scenario::{Home, Scenario, Trouble};

mod chats;
mod device;
mod disk;
mod network;
mod relaying;
mod scenario;
mod sockets;
mod stills;
mod trouble;

/// The time of day when a world begins, in Unix milliseconds.
const START_MS: u64 = 1_760_000_000_000;
/// A core that is woken this often at one instant will never let time go on.
const MAX_WAKES: usize = 1000;

#[derive(Debug)]
enum Event {
    Connect {
        device: usize,
    },
    Arrive {
        device: usize,
        socket: SocketId,
    },
    DeviceNotices {
        socket: SocketId,
    },
    HubNotices {
        socket: SocketId,
    },
    Trouble {
        device: usize,
        trouble: Trouble,
    },
    Disk {
        device: usize,
        report: DiskReport,
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
    /// How often each went to another network.
    moves: [u8; 2],
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
        let nats = [0, 1].map(|at| network::nat_of(homes[at], at, 0));
        let devices = device::couple(scenario, start);
        let mut world = Self {
            schedule,
            start,
            random: Random::new(scenario.seed),
            homes,
            lines: scenario.lines.clone(),
            nats,
            moves: [0; 2],
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

    /// Sends so many stills, one each interval.
    pub fn send_stills(&mut self, device: usize, interval: Duration, count: u32) {
        let now = self.schedule.now();
        self.devices[device].send_stills(interval, count, now);
        self.execute();
    }

    /// Sends a file; the peer takes whatever it is offered.
    ///
    /// # Panics
    /// No such file can be offered.
    pub fn send_file(&mut self, device: usize, name: &str, bytes: Vec<u8>) {
        let now = self.schedule.now();
        self.devices[device].send_file(name, bytes, now);
        self.execute();
    }

    /// Asks the other device's model for so many tokens.
    pub fn ask(&mut self, device: usize, tokens: usize) {
        self.devices[device].chats.ask(tokens);
        self.execute();
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
        let devices = devices.filter_map(Device::poll_timeout);
        let servers = [self.hub.poll_timeout(), self.relaying.poll_timeout()];
        devices.chain(servers.into_iter().flatten()).min()
    }

    fn wake(&mut self) {
        let now = self.schedule.now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        for device in &mut self.devices {
            if is_due(device.poll_timeout()) {
                device.handle_timeout(now);
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
            Event::DeviceNotices { socket } => self.lose_socket(socket),
            Event::HubNotices { socket } => self.hub.handle_closed(socket),
            Event::Trouble { device, trouble } => self.befall(device, trouble),
            Event::Disk { device, report } => self.devices[device].core.handle_disk(report, now),
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
        let now = self.schedule.now();
        for device in 0..2 {
            loop {
                while let Some(output) = self.devices[device].core.poll_output() {
                    self.obey(device, output);
                }
                if !self.devices[device].speak(now) {
                    break;
                }
            }
        }
        self.obey_hub();
        self.obey_relaying();
    }
}
