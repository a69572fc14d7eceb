use std::net::SocketAddr;

use gateway::{Address, Gateway, NewSession, Path, SessionId, Settings, Tag, Transport};
use http::{Method, StatusCode};
use protocol::stream::StreamName;
use str0m::media::{Frequency, MediaKind};

use super::*;
use crate::options::Carriage;
use crate::refusal::Refusal;

const SERVER: &str = "192.0.2.1:8443";
const TICK: Duration = Duration::from_millis(5);
/// A key frame of H.264, and one that builds on it, in Annex B.
const KEY: &[u8] = &[
    0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 1, 0x65, 0x88, 7, 7,
];
const DELTA: &[u8] = &[0, 0, 0, 1, 0x41, 0x9a, 8, 8];

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A client, and what it told.
struct End {
    client: Client,
    role: gateway::Role,
    addr: SocketAddr,
    session: Option<SessionId>,
    events: Vec<Event>,
    asked: Vec<Method>,
}

/// A gateway and its clients on one clock, joined by a cable and by HTTP.
struct World {
    now: Instant,
    gateway: Gateway,
    ends: Vec<End>,
    /// From, to, bytes.
    cable: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
    /// Neither datagrams nor requests arrive.
    is_cut: bool,
    /// No datagrams arrive.
    is_silent: bool,
    /// What the server says instead of its own answers.
    instead: Option<(StatusCode, u64)>,
    sessions: u8,
}

impl World {
    fn new() -> Self {
        Self {
            now: Instant::now(),
            gateway: Gateway::new(Settings {
                addrs: vec![Address::udp(addr(SERVER))],
                ..Settings::default()
            }),
            ends: Vec::new(),
            cable: Vec::new(),
            is_cut: false,
            is_silent: false,
            instead: None,
            sessions: 0,
        }
    }

    fn add(&mut self, role: gateway::Role, carriage: Carriage) -> usize {
        self.add_with(role, carriage, |options| options)
    }

    fn add_with(
        &mut self,
        role: gateway::Role,
        carriage: Carriage,
        change: impl FnOnce(Options) -> Options,
    ) -> usize {
        let own = addr(&format!("198.51.100.{}:5000", self.ends.len() + 1));
        let publish = "https://h/cam0/whip".parse().unwrap();
        let watch = "https://h/cam0/whep".parse().unwrap();
        let options = match role {
            gateway::Role::Publish => Options {
                carriage,
                ..Options::publish(publish, vec![Codec::H264, Codec::Opus])
            },
            gateway::Role::Watch => Options::watch(watch, carriage),
        };
        self.ends.push(End {
            client: Client::new(change(options), &[own], 7, self.now),
            role,
            addr: own,
            session: None,
            events: Vec::new(),
            asked: Vec::new(),
        });
        self.ends.len() - 1
    }

    fn reply(&mut self, number: usize, request: &Request<String>) -> Response<String> {
        let mut reply = Response::new(String::new());
        if let Some((status, seconds)) = self.instead {
            *reply.status_mut() = status;
            reply.headers_mut().insert("retry-after", seconds.into());
            return reply;
        }
        let end = &mut self.ends[number];
        let (stream, role) = (StreamName::parse("cam0").unwrap(), end.role);
        match *request.method() {
            Method::POST => {
                self.sessions += 1;
                let id = SessionId([self.sessions; 16]);
                let new = NewSession {
                    id,
                    stream,
                    role,
                    holders: Vec::new(),
                    until: None,
                    external: Vec::new(),
                };
                match self.gateway.handle_offer(new, request.body(), self.now) {
                    Ok(answer) => {
                        end.session = Some(id);
                        *reply.status_mut() = match answer.is_counter_offer {
                            false => StatusCode::CREATED,
                            true => StatusCode::NOT_ACCEPTABLE,
                        };
                        let sdp = "application/sdp; valid-until=\"later\"";
                        let head = reply.headers_mut();
                        head.insert("content-type", sdp.parse().unwrap());
                        let tag = format!("\"{}\"", answer.tag).parse().unwrap();
                        reply.headers_mut().insert("etag", tag);
                        reply
                            .headers_mut()
                            .insert("location", "session".parse().unwrap());
                        *reply.body_mut() = answer.sdp;
                    }
                    Err(error) => {
                        *reply.status_mut() = StatusCode::CONFLICT;
                        *reply.body_mut() = error.to_string();
                    }
                }
            }
            Method::PATCH => {
                let id = end.session.expect("it has one");
                let about = (id, &stream, role);
                let fragment = request.body();
                if request.headers()["content-type"] == "application/sdp" {
                    let taken = self.gateway.handle_answer(about, fragment, self.now);
                    *reply.status_mut() = match taken {
                        Ok(()) => StatusCode::NO_CONTENT,
                        Err(error) => panic!("{error}\n{fragment}"),
                    };
                    return reply;
                }
                let patched = self
                    .gateway
                    .handle_patch(about, Some(Tag::Any), fragment, self.now);
                match patched.expect("it is one of its own") {
                    gateway::Patched::Restarted { fragment, .. } => *reply.body_mut() = fragment,
                    gateway::Patched::Trickled => *reply.status_mut() = StatusCode::NO_CONTENT,
                }
            }
            _ => {
                let id = end.session.take().expect("it has one");
                assert!(self.gateway.handle_delete(id, &stream, role, self.now));
            }
        }
        reply
    }

    fn obey(&mut self, number: usize) {
        while let Some(output) = self.ends[number].client.poll_output() {
            match output {
                Output::Request(request) => {
                    self.ends[number].asked.push(request.method().clone());
                    let reply = if self.is_cut {
                        Err("no route".to_owned())
                    } else {
                        Ok(self.reply(number, &request))
                    };
                    self.ends[number].client.handle_reply(reply, self.now);
                }
                Output::Transmit(sent) if !(self.is_cut || self.is_silent) => {
                    let bytes = sent.contents.to_vec();
                    self.cable.push((sent.source, sent.destination, bytes));
                }
                Output::Transmit(_) | Output::Reach(_) => {}
                Output::Event(event) => self.ends[number].events.push(event),
            }
        }
    }

    fn step(&mut self) {
        for (from, to, bytes) in std::mem::take(&mut self.cable) {
            if to == addr(SERVER) {
                let path = Path {
                    transport: Transport::Udp,
                    local: to,
                    remote: from,
                };
                self.gateway.handle_packet(path, &bytes, self.now);
            } else if let Some(end) = self.ends.iter_mut().find(|end| end.addr == to) {
                end.client.handle_packet(to, from, &bytes, self.now);
            }
        }
        self.now += TICK;
        if self
            .gateway
            .poll_timeout()
            .is_some_and(|due| due <= self.now)
        {
            self.gateway.handle_timeout(self.now);
        }
        for number in 0..self.ends.len() {
            let due = self.ends[number].client.poll_timeout();
            if due.is_some_and(|due| due <= self.now) {
                self.ends[number].client.handle_timeout(self.now);
            }
            self.obey(number);
        }
        while let Some(sent) = self.gateway.poll_transmit() {
            if !(self.is_cut || self.is_silent) {
                let bytes = sent.contents.to_vec();
                self.cable.push((sent.source, sent.destination, bytes));
            }
        }
        while self.gateway.poll_event().is_some() {}
    }

    /// Steps until it is so; how long that took.
    fn until(
        &mut self,
        what: &str,
        limit: Duration,
        mut is_it: impl FnMut(&mut Self) -> bool,
    ) -> Duration {
        let start = self.now;
        while !is_it(self) {
            assert!(
                self.now - start < limit,
                "no {what} within {limit:?}: {:?}",
                self.ends.iter().map(|end| &end.events).collect::<Vec<_>>()
            );
            self.step();
        }
        self.now - start
    }

    fn open(&mut self, number: usize) {
        self.until("connection", Duration::from_secs(5), |world| {
            world.ends[number].client.is_open()
        });
    }

    fn speak(&mut self, number: usize, ms: u64) -> bool {
        let time = MediaTime::new(ms * 48, Frequency::FORTY_EIGHT_KHZ);
        let now = self.now;
        self.ends[number]
            .client
            .write_frame(Codec::Opus, time, SOUND.to_vec(), now)
    }

    fn publish(&mut self, frame: &[u8], ms: u64) -> bool {
        let time = MediaTime::from_millis(ms);
        let now = self.now;
        self.ends[0]
            .client
            .write_frame(Codec::H264, time, frame.to_vec(), now)
    }
}

/// 20 ms of silence in Opus (RFC 6716 §3.1).
const SOUND: &[u8] = &[0xf8, 0xff, 0xfe];

fn has(events: &[Event], is_it: impl Fn(&Event) -> bool) -> bool {
    events.iter().any(is_it)
}

#[test]
fn frames_that_are_published_are_watched_as_they_were() {
    let mut world = World::new();
    let camera = world.add(gateway::Role::Publish, Carriage::Frames);
    world.open(camera);
    let viewer = world.add(gateway::Role::Watch, Carriage::Frames);
    world.open(viewer);
    for number in 0..20 {
        let frame = if number == 0 { KEY } else { DELTA };
        assert!(world.publish(frame, number * 40));
        for _ in 0..8 {
            world.step();
        }
    }
    let is_frame = |event: &&Event| matches!(event, Event::Frame(_));
    let frames: Vec<_> = world.ends[viewer].events.iter().filter(is_frame).collect();
    assert!(frames.len() >= 18, "{}", frames.len());
    let Event::Frame(first) = frames[0] else {
        unreachable!()
    };
    assert!(first.is_key && first.codec == Codec::H264);
    assert!(first.data.ends_with(&KEY[KEY.len() - 4..]));
    let key_frame_wanted = |event: &Event| matches!(event, Event::KeyFrameWanted);
    assert!(has(&world.ends[camera].events, key_frame_wanted));
}

#[test]
fn packets_go_on_to_another_server_as_they_came() {
    let mut world = World::new();
    let camera = world.add(gateway::Role::Publish, Carriage::Frames);
    world.open(camera);
    let viewer = world.add(gateway::Role::Watch, Carriage::Packets);
    world.open(viewer);
    assert!(world.publish(KEY, 0));
    let came = |world: &World| {
        let mut events = world.ends[viewer].events.iter();
        events.find_map(|event| match event {
            Event::Packet(packet) => Some(packet.clone()),
            _ => None,
        })
    };
    world.until("packet", Duration::from_secs(2), |world| {
        came(world).is_some()
    });
    let packet = came(&world).expect("it came");
    assert_eq!(
        (packet.kind, packet.codec),
        (MediaKind::Video, Some(Codec::H264))
    );
    let second = world.add(gateway::Role::Publish, Carriage::Packets);
    world.open(second);
    let packet = Packet {
        number: 1,
        ..packet
    };
    let now = world.now;
    assert!(world.ends[second].client.write_packets(&[packet], now));
    let refused = Packet {
        codec: Some(Codec::Vp8),
        ..came(&world).expect("it came")
    };
    assert!(!world.ends[second].client.write_packets(&[refused], now));
}

/// A camera whose sound and picture have come.
fn open_full_camera(world: &mut World) -> usize {
    let camera = world.add(gateway::Role::Publish, Carriage::Frames);
    world.open(camera);
    assert!(world.publish(KEY, 0));
    assert!(world.speak(camera, 0));
    let (now, both) = (world.now, Duration::from_millis(200));
    world.until("sound and picture", Duration::from_secs(1), |world| {
        world.now - now > both
    });
    camera
}

#[test]
fn a_viewer_that_lacks_the_codec_of_the_picture_gets_the_sound() {
    let mut world = World::new();
    let camera = open_full_camera(&mut world);
    let viewer = world.add_with(gateway::Role::Watch, Carriage::Frames, |options| Options {
        codecs: vec![Codec::Opus, Codec::Vp8],
        ..options
    });
    world.open(viewer);
    assert_eq!(world.ends[viewer].client.codecs(), [Codec::Opus]);
    assert_eq!(world.ends[viewer].asked, [Method::POST, Method::PATCH]);
    assert!(world.speak(camera, 20));
    assert!(world.publish(KEY, 40));
    let is_sound = |event: &Event| match event {
        Event::Frame(frame) => frame.codec == Codec::Opus && *frame.data == *SOUND,
        _ => false,
    };
    world.until("sound", Duration::from_secs(2), |world| {
        has(&world.ends[viewer].events, is_sound)
    });
    let is_picture = |event: &Event| match event {
        Event::Frame(frame) => frame.codec != Codec::Opus,
        _ => false,
    };
    assert!(!has(&world.ends[viewer].events, is_picture));
    // ICE of it is the server's to restart: another session is asked for at once.
    world.is_silent = true;
    world.until("loss", Duration::from_secs(10), |world| {
        has(&world.ends[viewer].events, |event| {
            matches!(event, Event::Waiting(Loss::PathDied, _))
        })
    });
    world.is_silent = false;
    world.open(viewer);
}

#[test]
fn an_offer_of_nothing_that_is_understood_is_said() {
    let mut world = World::new();
    let camera = world.add(gateway::Role::Publish, Carriage::Frames);
    world.open(camera);
    assert!(world.publish(KEY, 0));
    let now = world.now;
    world.until("the picture", Duration::from_secs(1), |world| {
        world.now - now > Duration::from_millis(200)
    });
    let viewer = world.add_with(gateway::Role::Watch, Carriage::Frames, |options| Options {
        codecs: vec![Codec::Vp8],
        ..options
    });
    world.until("loss", Duration::from_secs(1), |world| {
        has(&world.ends[viewer].events, |event| {
            matches!(event, Event::Waiting(Loss::Answer(why), _) if why.contains("no codec"))
        })
    });
    assert!(world.ends[viewer].session.is_none(), "the server was told");
}

fn open_camera(world: &mut World) -> usize {
    let camera = world.add(gateway::Role::Publish, Carriage::Frames);
    world.open(camera);
    world.ends[camera].asked.clear();
    camera
}

fn notice(world: &mut World, camera: usize) {
    let limit = Duration::from_secs(12);
    let noticed = world.until("loss", limit, |world| !world.ends[camera].client.is_open());
    println!("noticed after {noticed:?}");
    assert!(!world.publish(DELTA, 0), "nothing can be written");
    let lost = |event: &Event| matches!(event, Event::Lost(Loss::PathDied));
    assert!(has(&world.ends[camera].events, lost));
}

#[test]
fn a_path_that_died_is_replaced_by_another_ice_session_of_the_same_one() {
    let mut world = World::new();
    let camera = open_camera(&mut world);
    world.is_silent = true;
    notice(&mut world, camera);
    world.is_silent = false;
    world.open(camera);
    assert_eq!(world.ends[camera].asked, [Method::PATCH]);
    assert!(world.publish(KEY, 0));
}

#[test]
fn where_a_restart_leads_nowhere_another_session_is_asked_for() {
    let mut world = World::new();
    let camera = open_camera(&mut world);
    world.is_cut = true;
    notice(&mut world, camera);
    world.is_cut = false;
    world.open(camera);
    let asked = &world.ends[camera].asked;
    assert_eq!(
        (asked.first(), asked.last()),
        (Some(&Method::PATCH), Some(&Method::POST))
    );
    assert!(world.publish(KEY, 0));
}

#[test]
fn nothing_published_is_waited_for_as_long_as_there_is_patience() {
    let mut world = World::new();
    let viewer = world.add(gateway::Role::Watch, Carriage::Frames);
    let waiting = |event: &Event| matches!(event, Event::Waiting(Loss::Refused(_), _));
    world.until("refusal", Duration::from_secs(1), |world| {
        has(&world.ends[viewer].events, waiting)
    });
    world.ends.swap_remove(viewer);
    let camera = world.add(gateway::Role::Publish, Carriage::Frames);
    world.open(camera);
    let viewer = world.add(gateway::Role::Watch, Carriage::Frames);
    world.open(viewer);

    let mut world = World::new();
    let viewer = world.add(gateway::Role::Watch, Carriage::Frames);
    let over = |event: &Event| {
        matches!(
            event,
            Event::Over(Over::OutOfPatience(Loss::Refused(Refusal::Status {
                status: 409,
                ..
            })))
        )
    };
    let took = world.until("end", Duration::from_secs(40), |world| {
        has(&world.ends[viewer].events, over)
    });
    assert!(took >= Duration::from_secs(30), "{took:?}");
    assert_eq!(world.ends[viewer].client.poll_timeout(), None);
}

#[test]
fn a_final_refusal_ends_it_at_once_and_a_busy_server_is_asked_when_it_wants() {
    let mut world = World::new();
    world.instead = Some((StatusCode::UNAUTHORIZED, 0));
    let stranger = world.add(gateway::Role::Watch, Carriage::Frames);
    world.step();
    let refused = |event: &Event| {
        matches!(
            event,
            Event::Over(Over::Refused(Refusal::Status { status: 401, .. }))
        )
    };
    assert!(has(&world.ends[stranger].events, refused));

    world.instead = Some((StatusCode::SERVICE_UNAVAILABLE, 9));
    let camera = world.add(gateway::Role::Publish, Carriage::Frames);
    world.step();
    world.instead = None;
    let took = world.until("connection", Duration::from_secs(12), |world| {
        world.ends[camera].client.is_open()
    });
    assert!(took >= Duration::from_secs(9), "{took:?}");
}

#[test]
fn a_client_that_is_closed_tells_the_server_and_ends() {
    let mut world = World::new();
    let camera = world.add(gateway::Role::Publish, Carriage::Frames);
    world.open(camera);
    let now = world.now;
    world.ends[camera].client.close(now);
    let over = |event: &Event| matches!(event, Event::Over(Over::Closed));
    world.until("end", Duration::from_secs(1), |world| {
        has(&world.ends[camera].events, over)
    });
    assert_eq!(world.ends[camera].asked, [Method::POST, Method::DELETE]);
    assert!(world.ends[camera].session.is_none());
    assert!(world.ends[camera].client.poll_output().is_none());
}
