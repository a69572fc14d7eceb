//! The STUN and TURN server, its relay sockets, and the streams of devices to it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use peer::link::StreamId;
use turn::{
    Command, FiveTuple, FrameBuffer, Limits, MAX_FRAME_BYTES, Now, Relay, RelayId, Server,
    Settings, Transport, rest_password,
};

use super::{Event, LinkWorld, START_MS};
use crate::leg::Leg;

/// The one address of the server.
pub(super) const SERVER_IP: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 1));
const SERVER_PORT: u16 = 3478;
const SECRET: &str = "north";
/// How long credentials serve.
const CREDENTIAL_LIFE: Duration = Duration::from_secs(600);

/// A TCP connection of a device.
struct Stream {
    leg: Leg,
    client: FiveTuple,
    frames: FrameBuffer,
}

/// The server and its sockets.
pub(super) struct Relaying {
    server: Server,
    relays: BTreeMap<RelayId, SocketAddr>,
    streams: BTreeMap<(usize, StreamId), Stream>,
    next_port: u16,
}

impl Relaying {
    pub(super) fn new(seed: u64, now: Instant) -> Self {
        let settings = Settings {
            realm: "heliograph".to_owned(),
            secrets: vec![SECRET.to_owned()],
            relay_ips: vec![SERVER_IP.into()],
            relay_ports: 50_000..=59_999,
            own_ips: vec![SERVER_IP],
            media_addrs: Vec::new(),
            allow_peers: Vec::new(),
            limits: Limits::default(),
        };
        let mut secret = [5; 32];
        secret[..8].copy_from_slice(&seed.to_be_bytes());
        Self {
            server: Server::new(settings, &secret, now),
            relays: BTreeMap::new(),
            streams: BTreeMap::new(),
            next_port: 40_000,
        }
    }

    pub(super) fn url(&self, scheme: &str, transport: &str) -> String {
        format!("{scheme}:{SERVER_IP}:{SERVER_PORT}?transport={transport}")
    }

    /// TURN REST credentials (specification, chapter 3).
    pub(super) fn credentials(&self, device: &str, unix_time: Duration) -> (String, String) {
        let expiry = (unix_time + CREDENTIAL_LIFE).as_secs();
        let username = format!("{expiry}:{device}");
        let password = rest_password(SECRET, &username);
        (username, password)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.server.poll_timeout()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.server.handle_timeout(now);
    }

    /// Nothing passes on the streams that a device has.
    pub(super) fn cut_streams(&mut self, device: usize) {
        for ((owner, _), stream) in &mut self.streams {
            stream.leg.is_cut |= *owner == device;
        }
    }

    fn whole_stream(&mut self, device: usize, stream: StreamId) -> Option<&mut Stream> {
        let open = self.streams.get_mut(&(device, stream))?;
        (!open.leg.is_cut).then_some(open)
    }

    fn stream_of(&self, client: FiveTuple) -> Option<(usize, StreamId)> {
        let mut streams = self.streams.iter();
        streams
            .find(|(_, stream)| stream.client == client)
            .map(|(name, _)| *name)
    }
}

impl LinkWorld {
    /// Since 1970.
    pub(super) fn unix_time(&self) -> Duration {
        Duration::from_millis(START_MS) + self.elapsed()
    }

    fn server_now(&self) -> Now {
        Now {
            instant: self.schedule.now(),
            unix_time: self.unix_time(),
        }
    }

    /// A datagram reached the server.
    pub(super) fn serve_datagram(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let now = self.server_now();
        let relay = if to.port() == SERVER_PORT {
            let client = FiveTuple {
                transport: Transport::Udp,
                client: from,
                server: to,
            };
            self.relaying.server.handle_client(client, bytes, now)
        } else {
            let mut relays = self.relaying.relays.iter();
            let Some((id, _)) = relays.find(|(_, addr)| **addr == to) else {
                return;
            };
            let id = *id;
            self.relaying
                .server
                .handle_peer(id, from, bytes, now.instant)
        };
        self.pass_on(relay, bytes);
    }

    fn pass_on(&mut self, relay: Option<Relay>, packet: &[u8]) {
        match relay {
            Some(Relay::ToPeer { relay, to, payload }) => {
                if let Some(from) = self.relaying.relays.get(&relay).copied() {
                    self.send_to_home(Duration::ZERO, from, to, packet[payload].to_vec());
                }
            }
            Some(Relay::ToClient {
                to,
                header,
                payload,
                padding,
            }) => {
                let bytes = [header.as_bytes(), &packet[payload], &[0; 3][..padding]].concat();
                self.reply(to, bytes);
            }
            None => {}
        }
    }

    pub(super) fn obey_relaying(&mut self) {
        while let Some(command) = self.relaying.server.poll_command() {
            match command {
                Command::Reply { to, bytes } => self.reply(to, bytes),
                Command::Bind { relay, addr } => {
                    self.relaying.relays.insert(relay, addr);
                    let now = self.server_now();
                    self.relaying.server.handle_bound(relay, true, now);
                }
                Command::Close { relay } => {
                    self.relaying.relays.remove(&relay);
                }
                Command::Ended { .. } => {}
            }
        }
    }

    fn reply(&mut self, to: FiveTuple, bytes: Vec<u8>) {
        if to.transport == Transport::Udp {
            return self.send_to_home(Duration::ZERO, to.server, to.client, bytes);
        }
        let now = self.schedule.now();
        let Some((device, stream)) = self.relaying.stream_of(to) else {
            return;
        };
        if let Some(open) = self.relaying.whole_stream(device, stream) {
            let at = open.leg.down(now, &self.lines[device], &mut self.random);
            let arrival = Event::StreamDown {
                device,
                stream,
                bytes,
            };
            self.schedule.at(at, arrival);
        }
    }

    /// A device connects by TCP: the stream is open when the server's answer is back.
    pub(super) fn dial(&mut self, device: usize, stream: StreamId, to: SocketAddr) {
        let now = self.schedule.now();
        self.relaying.next_port += 1;
        let mut leg = Leg::new(device, now);
        let reached = leg.up(now, &self.lines[device], &mut self.random);
        let at = leg.down(reached, &self.lines[device], &mut self.random);
        let client = FiveTuple {
            transport: Transport::Tcp,
            client: (Ipv4Addr::new(198, 51, 100, 200), self.relaying.next_port).into(),
            server: to,
        };
        let frames = FrameBuffer::new();
        let open = Stream {
            leg,
            client,
            frames,
        };
        self.relaying.streams.insert((device, stream), open);
        self.schedule.at(at, Event::StreamOpen { device, stream });
    }

    pub(super) fn open_stream(&mut self, device: usize, stream: StreamId) {
        let now = self.schedule.now();
        if let Some(open) = self.relaying.whole_stream(device, stream) {
            let local = open.client.client;
            let core = &mut self.devices[device].core;
            core.handle_stream_open(stream, local, now);
        }
    }

    pub(super) fn send_on_stream(&mut self, device: usize, stream: StreamId, bytes: Vec<u8>) {
        let now = self.schedule.now();
        if let Some(open) = self.relaying.whole_stream(device, stream) {
            let at = open.leg.up(now, &self.lines[device], &mut self.random);
            let arrival = Event::StreamUp {
                device,
                stream,
                bytes,
            };
            self.schedule.at(at, arrival);
        }
    }

    pub(super) fn serve_stream(&mut self, device: usize, stream: StreamId, bytes: &[u8]) {
        let now = self.server_now();
        let Some(open) = self.relaying.whole_stream(device, stream) else {
            return;
        };
        open.frames.extend(bytes);
        let client = open.client;
        while let Some(open) = self.relaying.streams.get_mut(&(device, stream)) {
            let frame = open.frames.next_frame(MAX_FRAME_BYTES);
            let Some(span) = frame.expect("a device speaks TURN") else {
                return;
            };
            let frame = open.frames.bytes()[span].to_vec();
            let relay = self.relaying.server.handle_client(client, &frame, now);
            self.pass_on(relay, &frame);
            self.obey_relaying();
        }
    }

    pub(super) fn hang_up(&mut self, device: usize, stream: StreamId) {
        if let Some(stream) = self.relaying.streams.remove(&(device, stream)) {
            self.relaying.server.handle_disconnect(stream.client);
        }
    }
}
