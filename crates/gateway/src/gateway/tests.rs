use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{
    Direction, KeyframeRequestKind, MediaKind, Mid, Rid, Simulcast, SimulcastLayer,
};
use str0m::net::{Receive, TcpType};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Input, Output, Rtc};

use super::*;
use crate::path::{Address, Transport};
use crate::stream::{ORPHAN_LIFETIME, SessionState};

mod counter_offer;
mod simulcast;
mod tcp;

const SERVER: &str = "192.0.2.1:8443";
/// A tunnel ends there.
const EXTERNAL: &str = "203.0.113.7:443";
/// One way.
const DELAY: Duration = Duration::from_millis(10);
const TICK: Duration = Duration::from_millis(5);
/// What a narrow cable lets wait.
const QUEUE: Duration = Duration::from_millis(300);

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// A datagram's way to the server.
fn way(remote: SocketAddr) -> Path {
    Path {
        transport: Transport::Udp,
        local: addr(SERVER),
        remote,
    }
}

/// A client's candidate.
fn candidate(transport: Transport, own: SocketAddr) -> Candidate {
    let candidate = Candidate::builder();
    let built = match transport {
        Transport::Udp => candidate.udp().host(own).build(),
        Transport::Tcp => {
            let candidate = candidate.tcp().host(own);
            candidate.tcptype(TcpType::Active).build()
        }
    };
    built.expect("a candidate")
}

fn cam0() -> StreamName {
    StreamName::parse("cam0").expect("a name")
}

/// A WHIP or WHEP client: str0m, and what it saw.
struct Client {
    id: SessionId,
    role: Role,
    addr: SocketAddr,
    transport: Transport,
    rtc: Rtc,
    pending: Option<SdpPendingOffer>,
    mids: Vec<Mid>,
    packets: Vec<RtpPacket>,
    kept: Vec<(SocketAddr, Vec<u8>)>,
    asked: usize,
    asked_for: Vec<Option<Rid>>,
    seq: u64,
    is_over: bool,
    holders: Vec<String>,
    until: Option<Instant>,
}

/// A gateway and its clients on one clock, each a cable away.
struct World {
    now: Instant,
    gateway: Gateway,
    clients: Vec<Client>,
    /// Arrival, from, to, bytes.
    cable: Vec<(Instant, SocketAddr, SocketAddr, Vec<u8>)>,
    events: Vec<Event>,
    /// The gateway's next DTLS packets get lost, all that are sent at one time.
    lose_first_flight: bool,
    /// Connections come through a tunnel alone, whose end is here.
    tunnel: Option<SocketAddr>,
    /// Cables that carry so many bits a second, and when they are free again.
    narrow: HashMap<SocketAddr, (u64, Instant)>,
    tick: Duration,
}

impl World {
    fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    fn with_limits(limits: Limits) -> Self {
        let server = addr(SERVER);
        let addrs = vec![Address::udp(server), Address::tcp(server)];
        Self {
            now: Instant::now(),
            gateway: Gateway::new(Settings {
                addrs,
                limits,
                ..Settings::default()
            }),
            clients: Vec::new(),
            cable: Vec::new(),
            events: Vec::new(),
            lose_first_flight: false,
            tunnel: None,
            narrow: HashMap::new(),
            tick: TICK,
        }
    }

    /// A client with its offer; its number.
    fn client(&mut self, role: Role) -> (usize, SdpOffer) {
        self.client_with(Transport::Udp, role, &[])
    }

    fn client_by(&mut self, transport: Transport, role: Role) -> (usize, SdpOffer) {
        self.client_with(transport, role, &[])
    }

    /// A client whose picture has these layers.
    fn client_with(
        &mut self,
        transport: Transport,
        role: Role,
        layers: &[&str],
    ) -> (usize, SdpOffer) {
        let number = self.clients.len();
        let own = addr(&format!("198.51.100.{}:5000", number + 1));
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(self.now);
        rtc.add_local_candidate(candidate(transport, own));
        let direction = match role {
            Role::Publish => Direction::SendOnly,
            Role::Watch => Direction::RecvOnly,
        };
        let mut changes = rtc.sdp_api();
        let mut simulcast = Simulcast::new();
        for layer in layers {
            simulcast.add_send_layer(SimulcastLayer::new(layer));
        }
        let simulcast = (!layers.is_empty()).then_some(simulcast);
        let mids = [(MediaKind::Audio, None), (MediaKind::Video, simulcast)]
            .map(|(kind, simulcast)| changes.add_media(kind, direction, None, None, simulcast))
            .to_vec();
        let (offer, pending) = changes.apply().expect("changes");
        self.clients.push(Client {
            id: SessionId([number as u8; 16]),
            role,
            addr: own,
            transport,
            rtc,
            pending: Some(pending),
            mids,
            packets: Vec::new(),
            kept: Vec::new(),
            asked: 0,
            asked_for: Vec::new(),
            seq: 100,
            is_over: false,
            holders: vec![format!("holder {number}"), "key".to_owned()],
            until: None,
        });
        (number, offer)
    }

    fn offer(&mut self, number: usize, offer: &SdpOffer) -> Result<Answer, OfferError> {
        self.offer_text(number, &offer.to_sdp_string())
    }

    fn offer_text(&mut self, number: usize, sdp: &str) -> Result<Answer, OfferError> {
        let client = &self.clients[number];
        let new = NewSession {
            id: client.id,
            stream: cam0(),
            role: client.role,
            holders: self.clients[number].holders.clone(),
            until: self.clients[number].until,
            external: vec![Address::tcp(addr(EXTERNAL))],
        };
        self.gateway.handle_offer(new, sdp, self.now)
    }

    /// A client that is connected.
    fn join(&mut self, role: Role) -> usize {
        let (number, offer) = self.client(role);
        self.join_with(number, &offer)
    }

    fn join_with(&mut self, number: usize, offer: &SdpOffer) -> usize {
        let answer = self.offer(number, offer).expect("an answer");
        let client = &mut self.clients[number];
        let pending = client.pending.take().expect("offered");
        let sdp = SdpAnswer::from_sdp_string(&answer.sdp).expect("SDP");
        let accepted = client.rtc.sdp_api().accept_answer(pending, sdp);
        accepted.expect("the client takes it");
        self.run(Duration::from_secs(1));
        assert!(self.clients[number].rtc.is_connected(), "{number}");
        number
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.step();
            self.now += self.tick;
        }
        self.step();
    }

    fn step(&mut self) {
        let now = self.now;
        let (mut due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.cable)
            .into_iter()
            .partition(|(at, ..)| *at <= now);
        self.cable = later;
        due.sort_by_key(|(at, ..)| *at);
        for (at, from, to, bytes) in due {
            if to == addr(SERVER) && self.tunnel.is_none() || to == addr(EXTERNAL) {
                let path = self.path(from);
                self.gateway.handle_packet(path, &bytes, now);
            } else if let Some(client) = self.clients.iter_mut().find(|each| each.addr == to) {
                client.receive(from, &bytes, at);
            }
        }
        if self.gateway.poll_timeout().is_some_and(|at| at <= now) {
            self.gateway.handle_timeout(now);
        }
        for client in &mut self.clients {
            for (to, bytes) in client.turn(now) {
                self.cable.push((now + DELAY, client.addr, to, bytes));
            }
        }
        let loses = self.lose_first_flight;
        while let Some(sent) = self.gateway.poll_transmit() {
            if loses && matches!(sent.contents.first(), Some(20..=63)) {
                self.lose_first_flight = false;
                continue;
            }
            let path = Path::of(&sent);
            let is_known = self.clients.iter().any(|client| client.addr == path.remote);
            assert!(!is_known || path == self.path(path.remote), "{path:?}");
            let (to, bytes): (_, Vec<u8>) = (path.remote, sent.contents.into());
            let seen = self.tunnel.map_or(SERVER, |_| EXTERNAL);
            if let Some(at) = self.carried(to, bytes.len()) {
                self.cable.push((at + DELAY, addr(seen), to, bytes));
            }
        }
        self.events
            .extend(std::iter::from_fn(|| self.gateway.poll_event()));
    }

    /// The way that a client's packets come.
    fn path(&self, from: SocketAddr) -> Path {
        let mut clients = self.clients.iter();
        let client = clients.find(|client| client.addr == from);
        let transport = client.map_or(Transport::Udp, |client| client.transport);
        let tunnel = self.tunnel.filter(|_| transport == Transport::Tcp);
        Path {
            transport,
            local: tunnel.unwrap_or(addr(SERVER)),
            remote: from,
        }
    }

    /// When the cable to a client has taken this many bytes; none where too much waits before it.
    fn carried(&mut self, to: SocketAddr, bytes: usize) -> Option<Instant> {
        let Some((bps, free_at)) = self.narrow.get_mut(&to) else {
            return Some(self.now);
        };
        let begin = self.now.max(*free_at);
        if begin > self.now + QUEUE {
            return None;
        }
        *free_at = begin + Duration::from_secs_f64(bytes as f64 * 8.0 / *bps as f64);
        Some(*free_at)
    }

    fn connected_at(&self, number: usize) -> Option<Instant> {
        let id = self.clients[number].id;
        let paths = self.gateway.paths();
        let readers = paths.iter().flat_map(|path| &path.readers);
        let mut own = readers.filter(|reader| reader.id == id);
        own.next().and_then(|reader| reader.connected_at)
    }

    /// A frame of one packet in VP8, and some sound.
    fn film(&mut self, publisher: usize, is_key: bool) {
        let now = self.now;
        let client = &mut self.clients[publisher];
        let vp8 = [0x10, u8::from(!is_key), 0x9d, 0x01, 0x2a];
        client.write(1, "VP8", &vp8, now);
        client.write(0, "opus", &[0xfc, 1, 2], now);
        client.seq += 1;
        self.run(Duration::from_millis(40));
    }

    fn pictures(&self, viewer: usize) -> Vec<u64> {
        let seen = self.clients[viewer].packets.iter();
        let is_picture = |packet: &&RtpPacket| packet.payload.len() == 5;
        seen.filter(is_picture)
            .map(|packet| *packet.seq_no)
            .collect()
    }
}

impl Client {
    fn receive(&mut self, from: SocketAddr, bytes: &[u8], now: Instant) {
        let protocol = self.transport.protocol();
        if let Ok(receive) = Receive::new(protocol, from, self.addr, bytes) {
            // A client that is over is told of late packets.
            let _ = self.rtc.handle_input(Input::Receive(now, receive));
            self.drain();
        }
    }

    fn drain(&mut self) {
        while let Ok(output) = self.rtc.poll_output() {
            match output {
                Output::Timeout(_) => break,
                Output::Transmit(each) => {
                    self.kept.push((each.destination, each.contents.into()));
                }
                Output::Event(str0m::Event::RtpPacket(packet)) => self.packets.push(packet),
                Output::Event(str0m::Event::KeyframeRequest(request)) => {
                    self.asked += 1;
                    self.asked_for.push(request.rid);
                }
                Output::Event(str0m::Event::Closed) => self.is_over = true,
                Output::Event(_) => {}
            }
        }
    }

    fn turn(&mut self, now: Instant) -> Vec<(SocketAddr, Vec<u8>)> {
        // As above.
        let _ = self.rtc.handle_input(Input::Timeout(now));
        self.drain();
        std::mem::take(&mut self.kept)
    }

    fn write(&mut self, track: usize, codec: &str, payload: &[u8], now: Instant) {
        let at = (self.seq, self.seq as u32 * 3600);
        self.write_layer((track, None), codec, payload, at, true, now);
    }

    /// One packet, of a layer where the track has any.
    fn write_layer(
        &mut self,
        (track, rid): (usize, Option<Rid>),
        codec: &str,
        payload: &[u8],
        (seq, time): (u64, u32),
        ends_frame: bool,
        now: Instant,
    ) {
        let is_it = |params: &str0m::format::PayloadParams| {
            params.spec().codec.to_string().eq_ignore_ascii_case(codec)
        };
        let pt = self
            .rtc
            .codec_config()
            .find(|params| is_it(params))
            .expect("known")
            .pt();
        let mid = self.mids[track];
        let mut api = self.rtc.direct_api();
        let stream = api.stream_tx_by_mid(mid, rid).expect("negotiated");
        let write = RtpWrite::new(pt, seq.into(), time, now, payload.to_vec());
        stream.write_rtp(write.marker(ends_frame));
        self.drain();
    }

    fn lacks_a_picture(&mut self) {
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx_by_mid(self.mids[1], None).expect("received");
        stream.request_keyframe(KeyframeRequestKind::Pli);
        self.drain();
    }
}

fn is_ended(event: &Event, why: &str) -> bool {
    matches!(event, Event::Ended(ended) if ended.why == why)
}

#[test]
fn what_is_published_reaches_everybody_who_watches() {
    let mut world = World::new();
    let publisher = world.join(Role::Publish);
    let viewers = [world.join(Role::Watch), world.join(Role::Watch)];
    for frame in 0..10 {
        world.film(publisher, frame == 0);
    }
    for viewer in viewers {
        assert_eq!(world.pictures(viewer), (1..=10).collect::<Vec<_>>());
        let sounds = world.clients[viewer].packets.len() - 10;
        assert_eq!(sounds, 10);
    }
    let [path] = &world.gateway.paths()[..] else {
        panic!("one stream")
    };
    assert_eq!(path.readers.len(), 2);
    let sent = |state: &SessionState| state.sent_bytes;
    assert_eq!(path.readers.iter().map(sent).collect::<Vec<_>>(), [80, 80]);
    assert_eq!(path.source.as_ref().map(|it| it.received_bytes), Some(80));
}

#[test]
fn what_came_together_leaves_viewer_by_viewer() {
    let mut world = World::new();
    let publisher = world.join(Role::Publish);
    let viewers = [world.join(Role::Watch), world.join(Role::Watch)];
    world.film(publisher, true);
    let now = world.now;
    for _ in 0..3 {
        world.clients[publisher].write(1, "VP8", &[0x10, 1, 0x9d, 0x01, 0x2a], now);
        world.clients[publisher].seq += 1;
    }
    let own = world.clients[publisher].addr;
    for (to, bytes) in world.clients[publisher].turn(now) {
        world.gateway.handle_packet(Path::udp(to, own), &bytes, now);
    }
    let sent = std::iter::from_fn(|| world.gateway.poll_transmit());
    let is_media = |bytes: &[u8]| bytes[0] & 0xc0 == 0x80 && !(200..=206).contains(&bytes[1]);
    let places: Vec<_> = sent
        .filter(|sent| is_media(&sent.contents))
        .map(|sent| sent.destination)
        .collect();
    let [first, second] = viewers.map(|viewer| [world.clients[viewer].addr; 3]);
    assert_eq!(places, [first, second].concat());
}

#[test]
fn a_viewer_who_joins_sees_the_last_key_frame_at_once_and_moves_on_with_the_next() {
    let mut world = World::new();
    let publisher = world.join(Role::Publish);
    world.film(publisher, true);
    world.film(publisher, false);
    let viewer = world.join(Role::Watch);
    assert_eq!(world.pictures(viewer), [1], "without the publisher's doing");
    assert_eq!(
        world.clients[publisher].asked, 2,
        "and once more after the first"
    );
    world.film(publisher, false);
    assert_eq!(world.pictures(viewer), [1], "nothing to predict from");
    world.film(publisher, true);
    world.film(publisher, false);
    assert_eq!(world.pictures(viewer), [1, 2, 3]);
}

#[test]
fn what_many_viewers_miss_is_asked_for_once() {
    let mut world = World::new();
    let publisher = world.join(Role::Publish);
    let viewers: Vec<_> = (0..5).map(|_| world.join(Role::Watch)).collect();
    world.film(publisher, true);
    let before = world.clients[publisher].asked;
    world.run(Duration::from_secs(1));
    for viewer in viewers {
        world.clients[viewer].lacks_a_picture();
    }
    world.run(Duration::from_millis(100));
    assert_eq!(world.clients[publisher].asked, before + 1);
}

#[test]
fn nobody_watches_what_is_not_published() {
    let mut world = World::new();
    let (viewer, offer) = world.client(Role::Watch);
    assert_eq!(
        world.offer(viewer, &offer),
        Err(OfferError::NothingPublished)
    );
}

#[test]
fn another_publisher_takes_the_place_of_the_first_and_viewers_go_on() {
    let mut world = World::new();
    let first = world.join(Role::Publish);
    let viewer = world.join(Role::Watch);
    world.film(first, true);
    let second = world.join(Role::Publish);
    assert!(world.events.iter().any(|event| is_ended(event, "replaced")));
    world.film(second, false);
    world.film(second, true);
    world.film(second, false);
    assert_eq!(world.pictures(viewer), [1, 2, 3]);
    let times: Vec<u32> = world.clients[viewer]
        .packets
        .iter()
        .filter(|packet| packet.payload.len() == 5)
        .map(|packet| packet.header.timestamp)
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn viewers_wait_for_a_publisher_but_not_for_ever() {
    let mut world = World::new();
    let publisher = world.join(Role::Publish);
    let viewer = world.join(Role::Watch);
    let id = world.clients[publisher].id;
    assert!(
        world
            .gateway
            .handle_delete(id, &cam0(), Role::Publish, world.now)
    );
    assert!(
        !world
            .gateway
            .handle_delete(id, &cam0(), Role::Publish, world.now)
    );
    world.run(ORPHAN_LIFETIME - Duration::from_secs(1));
    assert!(!world.clients[viewer].is_over);
    world.run(Duration::from_secs(2));
    assert!(world.clients[viewer].is_over, "it was told");
    assert!(
        world
            .events
            .iter()
            .any(|event| is_ended(event, "not published"))
    );
    assert_eq!(world.gateway.paths(), []);
}

#[test]
fn a_client_that_never_comes_or_falls_silent_is_forgotten() {
    let mut world = World::new();
    let publisher = world.join(Role::Publish);
    let (late, offer) = world.client(Role::Watch);
    world.offer(late, &offer).expect("an answer");
    world.clients.truncate(1);
    world.run(Duration::from_secs(31));
    assert!(
        world
            .events
            .iter()
            .any(|event| is_ended(event, "not connected"))
    );
    assert!(world.gateway.is_published(&cam0()), "{publisher}");
    world.clients.clear();
    world.run(Duration::from_secs(31));
    assert!(world.events.iter().any(|event| is_ended(event, "silent")));
    assert!(!world.gateway.is_published(&cam0()));
}

#[test]
fn a_patch_is_for_the_ice_session_that_it_names() {
    let mut world = World::new();
    let (publisher, offer) = world.client(Role::Publish);
    let answer = world.offer(publisher, &offer).expect("an answer");
    let text = offer.to_sdp_string();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.expect("in the offer").to_owned()
    };
    let same = format!(
        "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n",
        value("a=ice-ufrag:"),
        value("a=ice-pwd:")
    );
    let other = "a=ice-ufrag:other\r\na=ice-pwd:0123456789012345678901\r\n";
    let id = world.clients[publisher].id;
    let (now, stream) = (world.now, cam0());
    let about = (id, &stream, Role::Publish);
    let mut patch =
        |tag: Tag<'_>, fragment: &str| world.gateway.handle_patch(about, Some(tag), fragment, now);
    assert_eq!(patch(Tag::Exact(&answer.tag), &same), Ok(Patched::Trickled));
    assert_eq!(patch(Tag::Exact("before"), &same), Err(PatchError::Stale));
    let foreign = patch(Tag::Exact(&answer.tag), other);
    assert!(matches!(foreign, Err(PatchError::Malformed(_))));
    let restarted = patch(Tag::Any, other).expect("a restart");
    let Patched::Restarted { fragment, tag } = restarted else {
        panic!("{restarted:?}")
    };
    assert_ne!(tag, answer.tag);
    assert!(
        fragment.contains(&format!("a=ice-ufrag:{tag}\r\n")),
        "{fragment}"
    );
    assert!(fragment.contains("a=ice-options:"), "{fragment}");
    assert_eq!(
        patch(Tag::Exact(&answer.tag), other),
        Err(PatchError::Stale)
    );
    let elsewhere = (SessionId([9; 16]), &stream, Role::Publish);
    let gone = world
        .gateway
        .handle_patch(elsewhere, Some(Tag::Any), other, now);
    assert_eq!(gone, Err(PatchError::NoSession));
    let untagged = world.gateway.handle_patch(about, None, other, now);
    assert_eq!(untagged, Err(PatchError::Untagged));
}

#[test]
fn who_is_revoked_is_cut_off_at_once_and_nobody_else() {
    let mut world = World::new();
    world.join(Role::Publish);
    let [revoked, other] = [world.join(Role::Watch), world.join(Role::Watch)];
    world
        .gateway
        .revoke(&format!("holder {revoked}"), world.now);
    world.run(Duration::from_millis(100));
    assert!(world.clients[revoked].is_over);
    assert!(!world.clients[other].is_over);
    let is_there = |world: &World, number: usize| {
        let id = world.clients[number].id;
        world.gateway.has_session(id, &cam0(), Role::Watch)
    };
    assert_eq!(
        [revoked, other].map(|each| is_there(&world, each)),
        [false, true]
    );
}

#[test]
fn a_right_that_ends_or_a_stream_that_is_closed_ends_its_sessions() {
    let mut world = World::new();
    world.join(Role::Publish);
    let (guest, offer) = world.client(Role::Watch);
    let end = world.now + Duration::from_secs(5);
    world.clients[guest].until = Some(end);
    let guest = world.join_with(guest, &offer);
    let (stranger, offer) = world.client(Role::Watch);
    world.clients[stranger].holders.clear();
    let stranger = world.join_with(stranger, &offer);
    world.run(Duration::from_secs(5));
    assert!(world.clients[guest].is_over, "its share has ended");
    assert!(!world.clients[stranger].is_over);
    world.gateway.close_to_strangers(&cam0(), world.now);
    world.run(Duration::from_millis(100));
    assert!(world.clients[stranger].is_over, "it is not public any more");
    assert!(world.gateway.is_published(&cam0()));
    world.gateway.forget(&cam0(), world.now);
    assert!(!world.gateway.is_published(&cam0()));
}

#[test]
fn a_lost_flight_costs_a_viewer_less_than_a_second() {
    let mut world = World::new();
    world.join(Role::Publish);
    let (viewer, offer) = world.client(Role::Watch);
    let start = world.now;
    world.lose_first_flight = true;
    let viewer = world.join_with(viewer, &offer);
    assert!(!world.lose_first_flight, "it was lost");
    let connected = world.connected_at(viewer).expect("connected");
    assert!(
        connected - start < Duration::from_millis(300),
        "{:?}",
        connected - start
    );
}

#[test]
fn there_are_no_more_sessions_than_the_limit() {
    let mut world = World::with_limits(Limits { sessions: 2 });
    world.join(Role::Publish);
    world.join(Role::Watch);
    let (third, offer) = world.client(Role::Watch);
    let limit = 2;
    assert_eq!(
        world.offer(third, &offer),
        Err(OfferError::TooManySessions { limit })
    );
}

#[test]
fn a_stranger_who_shows_no_credentials_is_not_answered() {
    let mut world = World::new();
    world.join(Role::Publish);
    let stranger = addr("203.0.113.9:9");
    let dtls = [22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0];
    let rtp = [0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1];
    for bytes in [&dtls[..], &rtp, &[], &[0, 1, 0, 0]] {
        let is_ours = world.gateway.handle_packet(way(stranger), bytes, world.now);
        assert!(!is_ours, "{bytes:?}");
    }
}
