//! A whole link inside this device: two cores with sockets of their own, every handshake, and
//! texts over it. Their signalling is this function; a relay is the real one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use identity::{NoiseKey, SigningKey};
use protocol::http::IceServer;
use protocol::id::{DeviceId, PairId};
use protocol::signal::{ClientMessage, Peer, Ready, Relayed, ServerMessage};
use rustls::ClientConfig;

use crate::ctl::{CtlEvent, TextId};
use crate::device::random;
use crate::doctor::trial::Trial;
use crate::doctor::{LINK_LIMIT, PINGS};
use crate::driver::{Network, NetworkEvent};
use crate::link::{Event, IcePolicy, LinkCore, LinkKeys, LinkSettings, Output, Phase};
use crate::server_api::unix_ms;

/// How long the two may take to part.
const PARTING_LIMIT: Duration = Duration::from_secs(1);

/// One of the two.
struct End {
    id: DeviceId,
    core: LinkCore,
    network: Network,
}

/// What the near end told of the link.
#[derive(Default)]
struct Course {
    opened: Option<Instant>,
    pinged: Option<(TextId, Instant)>,
    trips: Vec<Duration>,
}

/// Links two ends over this relay alone, or directly.
pub(super) async fn link(tls: &ClientConfig, relay: Option<&IceServer>) -> Trial {
    let started = Instant::now();
    let mut ends = couple(tls, relay, started);
    let mut course = Course::default();
    let until = started + LINK_LIMIT;
    while course.trips.len() < PINGS && Instant::now() < until {
        carry(&mut ends, &mut course).await;
        course.ping(&mut ends[0].core);
        carry(&mut ends, &mut course).await;
        wait(&mut ends, until).await;
    }
    let ice = match ends[0].core.phase() {
        Phase::Securing | Phase::Open | Phase::Reconnecting => "connected",
        _ => "checking",
    };
    part(&mut ends, &mut course).await;
    course.trips.sort();
    let median = course.trips.get(PINGS / 2);
    let opened = course.opened.filter(|_| median.is_some());
    Trial {
        opened_ms: opened.map(|at| ms(at - started)),
        round_trip_ms: median.map_or(0.0, |trip| ms(*trip)),
        ice: ice.to_owned(),
    }
}

/// Two ends that know each other as paired devices do, each told that the other is there.
fn couple(tls: &ClientConfig, relay: Option<&IceServer>, now: Instant) -> [End; 2] {
    let signing: [SigningKey; 2] = [random(), random()].map(SigningKey::from_seed);
    let noise: [NoiseKey; 2] = [random(), random()].map(NoiseKey::from_secret);
    let (ids, keys) = (
        [0, 1].map(|at| signing[at].thumbprint()),
        [0, 1].map(|at| *signing[at].public()),
    );
    let noise_keys = [0, 1].map(|at| *noise[at].public());
    let (pair, secret) = (PairId::from_bytes(&random()), random());
    let (signing, noise) = (signing.map(Arc::new), noise.map(Arc::new));
    [0, 1].map(|at| {
        let other = 1 - at;
        let settings = LinkSettings {
            pair_id: pair.clone(),
            own: Arc::clone(&signing[at]),
            peer_id: ids[other].clone(),
            peer_key: keys[other],
            is_verified: true,
            own_time_ms: unix_ms(),
            peer_time_ms: 0,
            policy: if relay.is_some() {
                IcePolicy::Relay
            } else {
                IcePolicy::All
            },
            ice_servers: Vec::new(),
            keys: Some(LinkKeys {
                own: Arc::clone(&noise[at]),
                peer: noise_keys[other],
                secret,
            }),
            has_files: false,
            has_llm: false,
            seed: random(),
        };
        let mut core = LinkCore::new(settings, now);
        let network = Network::new(tls);
        core.handle_clock(unix_ms(), now);
        core.handle_sockets(network.addresses(), now);
        let ready = Ready {
            pair_id: pair.clone(),
            device_id: ids[at].clone(),
            polite: ids[at].as_str() < ids[other].as_str(),
            peer: Peer {
                device_id: ids[other].clone(),
                online: true,
            },
            ice_servers: relay.cloned().into_iter().collect(),
            ice_servers_exp: 0,
        };
        core.handle_signal(ServerMessage::Ready(ready), now);
        let id = ids[at].clone();
        End { id, core, network }
    })
}

/// Carries out what both order, until neither orders anything.
async fn carry(ends: &mut [End; 2], course: &mut Course) {
    let mut is_quiet = false;
    while !is_quiet {
        is_quiet = true;
        for at in [0, 1] {
            while let Some(output) = ends[at].core.poll_output() {
                is_quiet = false;
                match ends[at].network.execute(output).await {
                    Some(Output::Signal(message)) => {
                        let from = ends[at].id.clone();
                        if let Some(message) = relayed(from, message) {
                            ends[1 - at].core.handle_signal(message, Instant::now());
                        }
                    }
                    Some(Output::Event(event)) if at == 0 => course.hear(&event),
                    _ => {}
                }
            }
        }
    }
}

fn relayed(from: DeviceId, message: ClientMessage) -> Option<ServerMessage> {
    Some(match message {
        ClientMessage::Offer(message) => ServerMessage::Offer(Relayed { from, message }),
        ClientMessage::Answer(message) => ServerMessage::Answer(Relayed { from, message }),
        ClientMessage::Ice(message) => ServerMessage::Ice(Relayed { from, message }),
        ClientMessage::Bye(message) => ServerMessage::Bye(Relayed { from, message }),
        ClientMessage::Auth(_) => return None,
    })
}

/// Hands the ends what comes next, at the latest the time.
async fn wait([near, far]: &mut [End; 2], until: Instant) {
    let wake_at = |end: &End| end.core.poll_timeout().map_or(until, |at| at.min(until));
    let (near_at, far_at) = (wake_at(near), wake_at(far));
    tokio::select! {
        event = near.network.next(near_at) => near.handle(event),
        event = far.network.next(far_at) => far.handle(event),
    }
}

/// Ends both, so that the relay has its addresses back.
async fn part(ends: &mut [End; 2], course: &mut Course) {
    let until = Instant::now() + PARTING_LIMIT;
    for end in ends.iter_mut() {
        end.core.close("done", Instant::now());
    }
    loop {
        carry(ends, course).await;
        let is_over = |end: &End| matches!(end.core.phase(), Phase::Ended(_));
        if ends.iter().all(is_over) || Instant::now() >= until {
            return;
        }
        wait(ends, until).await;
    }
}

impl End {
    fn handle(&mut self, event: NetworkEvent) {
        let (core, now) = (&mut self.core, Instant::now());
        match event {
            NetworkEvent::Datagram { local, from, bytes } => {
                core.handle_datagram(local, from, &bytes, now);
            }
            NetworkEvent::StreamOpen(stream, local) => core.handle_stream_open(stream, local, now),
            NetworkEvent::StreamData(stream, bytes) => {
                core.handle_stream_data(stream, &bytes, now);
            }
            NetworkEvent::StreamClosed(stream, _) => core.handle_stream_closed(stream, now),
            NetworkEvent::Found(host, addrs) => core.handle_found(&host, &addrs, now),
            NetworkEvent::Timeout => core.handle_timeout(now),
        }
    }
}

impl Course {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Phase(Phase::Open) => {
                self.opened.get_or_insert_with(Instant::now);
            }
            Event::Talk(CtlEvent::Delivered(id)) => {
                if let Some((_, said)) = self.pinged.take_if(|(pinged, _)| pinged == id) {
                    self.trips.push(said.elapsed());
                }
            }
            Event::Talk(CtlEvent::Undelivered(_)) => self.pinged = None,
            _ => {}
        }
    }

    /// Says the next text, once the one before has arrived.
    fn ping(&mut self, core: &mut LinkCore) {
        if self.opened.is_some() && self.pinged.is_none() && self.trips.len() < PINGS {
            let now = Instant::now();
            // Not open at this moment: it is tried again.
            self.pinged = core.say("doctor", now).ok().map(|id| (id, now));
        }
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
