//! A publisher with three layers, and viewers whose connections carry this or that.

use super::*;

const LAYERS: [&str; 3] = ["q", "h", "f"];
/// Payload bytes of a frame, and into how many packets it goes: 120, 450 and 1500 kbit/s.
const FRAMES: [(usize, usize); 3] = [(525, 1), (1970, 2), (6560, 6)];
/// The start code of VP8's key frames, and their sizes: 240×135, 480×270 and 960×540.
const KEY_HEADERS: [[u8; 7]; 3] = [
    [0x9d, 0x01, 0x2a, 0xf0, 0x00, 0x87, 0x00],
    [0x9d, 0x01, 0x2a, 0xe0, 0x01, 0x0e, 0x01],
    [0x9d, 0x01, 0x2a, 0xc0, 0x03, 0x1c, 0x02],
];
const FRAME: Duration = Duration::from_millis(35);
/// Probes are told apart by milliseconds.
const FINE_TICK: Duration = Duration::from_millis(1);

/// Publishes three layers for a while.
struct Studio {
    world: World,
    publisher: usize,
    frame: u32,
    seqs: [u64; 3],
    needs_key: [bool; 3],
    is_sent: [bool; 3],
    /// The highest layer's packets come one in each frame's time, those that wait are here.
    is_high_slow: bool,
    waiting: VecDeque<(Vec<u8>, (u64, u32), bool)>,
}

impl Studio {
    fn new() -> Self {
        let mut world = World::new();
        world.tick = FINE_TICK;
        let (number, offer) = world.client_with(Transport::Udp, Role::Publish, &LAYERS);
        let publisher = world.join_with(number, &offer);
        let mut studio = Self {
            world,
            publisher,
            frame: 0,
            seqs: [100, 20_000, 40_000],
            needs_key: [true; 3],
            is_sent: [true; 3],
            is_high_slow: false,
            waiting: VecDeque::new(),
        };
        studio.film(Duration::from_secs(1));
        studio
    }

    fn film(&mut self, span: Duration) {
        let end = self.world.now + span;
        while self.world.now < end {
            self.film_frame();
        }
    }

    fn film_frame(&mut self) {
        let now = self.world.now;
        let client = &mut self.world.clients[self.publisher];
        for rid in std::mem::take(&mut client.asked_for).into_iter().flatten() {
            let layer = LAYERS.iter().position(|layer| *layer == &*rid);
            self.needs_key[layer.expect("one of them")] = true;
        }
        self.frame += 1;
        for (layer, (bytes, packets)) in FRAMES.into_iter().enumerate() {
            let is_slow = self.is_high_slow && layer == 2;
            if !self.is_sent[layer] || is_slow && !self.waiting.is_empty() {
                continue;
            }
            let is_key = std::mem::take(&mut self.needs_key[layer]);
            // Each layer has a clock of its own.
            let time = self.frame * 3150 + layer as u32 * 1_000_000;
            for packet in 0..packets {
                let mut payload = vec![layer as u8; bytes / packets];
                // Each layer counts its pictures by itself, too.
                let picture = self.frame as u16 + layer as u16 * 9000;
                let [high, low] = (picture & 0x7fff).to_be_bytes();
                let start = if packet == 0 { 0x10 } else { 0 };
                let tl0 = picture as u8;
                let head = [0x80 | start, 0xc0, 0x80 | high, low, tl0, u8::from(!is_key)];
                payload[..head.len()].copy_from_slice(&head);
                if is_key && packet == 0 {
                    payload[8..15].copy_from_slice(&KEY_HEADERS[layer]);
                }
                let at = (self.seqs[layer], time);
                let rid = Some(Rid::from(LAYERS[layer]));
                let ends = packet + 1 == packets;
                self.seqs[layer] += 1;
                if is_slow {
                    self.waiting.push_back((payload, at, ends));
                } else {
                    client.write_layer((1, rid), "VP8", &payload, at, ends, now);
                }
            }
        }
        if let Some((payload, at, ends)) = self.waiting.pop_front() {
            let rid = Some(Rid::from(LAYERS[2]));
            client.write_layer((1, rid), "VP8", &payload, at, ends, now);
        }
        self.world.run(FRAME - FINE_TICK);
        self.world.now += FINE_TICK;
    }

    fn limit(&mut self, viewer: usize, bps: Option<u64>) {
        let addr = self.world.clients[viewer].addr;
        let now = self.world.now;
        self.world.narrow.remove(&addr);
        bps.map(|bps| self.world.narrow.insert(addr, (bps, now)));
    }

    fn layers(&self, viewer: usize) -> TrackLayers {
        let id = self.world.clients[viewer].id;
        let layers = self.world.gateway.layers(id, &cam0(), self.world.now);
        layers.expect("it watches a picture")
    }

    fn layer(&self, viewer: usize) -> String {
        self.layers(viewer).current.unwrap_or_default()
    }

    /// How long until a viewer gets this layer.
    fn until(&mut self, viewer: usize, layer: &str, limit: Duration) -> Duration {
        let start = self.world.now;
        while self.layer(viewer) != layer {
            assert!(
                self.world.now < start + limit,
                "{} still",
                self.layer(viewer)
            );
            self.film_frame();
        }
        self.world.now - start
    }
}

/// The payload's last byte says the layer.
fn layers_seen(client: &Client) -> Vec<u8> {
    let payloads = client.packets.iter().map(|packet| &packet.payload);
    payloads
        .filter_map(|payload| payload.last().copied())
        .collect()
}

#[test]
fn the_answer_takes_each_layer_that_is_offered() {
    let mut world = World::new();
    let (publisher, offer) = world.client_with(Transport::Udp, Role::Publish, &LAYERS);
    let answer = world.offer(publisher, &offer).expect("an answer").sdp;
    assert!(answer.contains("a=simulcast:recv q;h;f\r\n"), "{answer}");
    for layer in LAYERS {
        assert!(
            answer.contains(&format!("a=rid:{layer} recv\r\n")),
            "{answer}"
        );
    }
}

#[test]
fn a_viewer_gets_one_layer_as_one_unbroken_track() {
    let mut studio = Studio::new();
    let viewer = studio.world.join(Role::Watch);
    studio.film(Duration::from_secs(4));
    assert_eq!(studio.layer(viewer), "f");
    let packets = &studio.world.clients[viewer].packets;
    let ssrcs: std::collections::BTreeSet<_> =
        packets.iter().map(|each| each.header.ssrc).collect();
    assert_eq!(ssrcs.len(), 1);
    let numbers: Vec<_> = packets.iter().map(|packet| *packet.seq_no).collect();
    assert_eq!(numbers, (1..=packets.len() as u64).collect::<Vec<_>>());
    let times: Vec<_> = packets
        .iter()
        .map(|packet| packet.header.timestamp)
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_layer_begins_with_its_key_frame() {
    let mut studio = Studio::new();
    let viewer = studio.world.join(Role::Watch);
    studio.film(Duration::from_secs(2));
    let id = studio.world.clients[viewer].id;
    let mid = studio.layers(viewer).mid;
    for layer in ["q", "h", "f"] {
        let asked = studio
            .world
            .gateway
            .handle_layer((id, &cam0()), &mid, Some(layer));
        assert_eq!(asked, Ok(()));
        studio.until(viewer, layer, Duration::from_secs(1));
    }
    let packets = &studio.world.clients[viewer].packets;
    let layer = |packet: &RtpPacket| packet.payload.last().copied();
    for pair in packets.windows(2) {
        if layer(&pair[0]) != layer(&pair[1]) {
            let [first, .., inter] = pair[1].payload[..6] else {
                panic!("its head")
            };
            assert_eq!((first, inter), (0x90, 0), "a key frame's first packet");
        }
    }
    let numbers = packets.iter().map(|packet| {
        let id = u16::from_be_bytes([packet.payload[2] & 0x7f, packet.payload[3]]);
        (id, packet.payload[4])
    });
    let mut numbers: Vec<_> = numbers.collect();
    numbers.dedup();
    let goes_on =
        |pair: &[(u16, u8)]| pair[1].0 == pair[0].0 + 1 && pair[1].1 == pair[0].1.wrapping_add(1);
    // Before the second picture stands the key frame of the past.
    assert!(numbers[1..].windows(2).all(goes_on), "{numbers:?}");
}

#[test]
fn a_narrow_connection_gets_the_low_layer_and_the_others_what_they_had() {
    let mut studio = Studio::new();
    let [narrow, other] = [(); 2].map(|()| studio.world.join(Role::Watch));
    studio.film(Duration::from_secs(6));
    assert_eq!([narrow, other].map(|each| studio.layer(each)), ["f", "f"]);
    for viewer in [narrow, other] {
        studio.world.clients[viewer].packets.clear();
    }
    studio.limit(narrow, Some(300_000));
    let down = studio.until(narrow, "q", Duration::from_secs(3));
    studio.film(Duration::from_secs(5));
    assert_eq!(studio.layer(narrow), "q", "it stays there");
    studio.limit(narrow, None);
    let up = studio.until(narrow, "f", Duration::from_secs(5));
    let still = longest_standstill(&studio.world.clients[narrow]);
    println!("down after {down:?}, up after {up:?}, longest standstill {still:?}");
    assert!(still <= Duration::from_secs(2), "{still:?}");
    let seen = layers_seen(&studio.world.clients[other]);
    assert!(
        seen.iter().all(|layer| *layer == 2),
        "the other one is untouched"
    );
}

#[test]
fn a_viewer_may_ask_for_a_layer_and_for_none_in_particular() {
    let mut studio = Studio::new();
    let viewer = studio.world.join(Role::Watch);
    studio.film(Duration::from_secs(4));
    let layers = studio.layers(viewer);
    let names: Vec<_> = layers
        .layers
        .iter()
        .map(|layer| layer.id.as_str())
        .collect();
    assert_eq!(names, LAYERS);
    let rates: Vec<_> = layers
        .layers
        .iter()
        .map(|layer| layer.bitrate_bps)
        .collect();
    assert!(rates.is_sorted() && rates[0].is_some(), "{rates:?}");
    let about = (studio.world.clients[viewer].id, &cam0());
    let mut ask = |mid: &str, layer| studio.world.gateway.handle_layer(about, mid, layer);
    let no_layer = LayerError::NoLayer("x".to_owned());
    assert_eq!(ask(&layers.mid, Some("x")), Err(no_layer));
    let no_track = LayerError::NoTrack("zzz".to_owned());
    assert_eq!(ask("zzz", Some("q")), Err(no_track));
    assert_eq!(ask(&layers.mid, Some("q")), Ok(()));
    studio.until(viewer, "q", Duration::from_secs(1));
    studio.film(Duration::from_secs(3));
    assert_eq!(studio.layer(viewer), "q");
    let ask = studio.world.gateway.handle_layer(about, &layers.mid, None);
    assert_eq!(ask, Ok(()));
    studio.until(viewer, "f", Duration::from_secs(3));
    let elsewhere = (SessionId([9; 16]), &cam0());
    let gone = studio
        .world
        .gateway
        .handle_layer(elsewhere, &layers.mid, None);
    assert_eq!(gone, Err(LayerError::NoSession));
}

#[test]
fn viewers_are_told_which_layers_come_and_how_large_they_are() {
    let mut studio = Studio::new();
    let viewer = studio.world.join(Role::Watch);
    studio.film(Duration::from_secs(1));
    let changes = |studio: &Studio| {
        let is_it = |event: &&Event| matches!(event, Event::Layers { .. });
        studio.world.events.iter().filter(is_it).count()
    };
    let told = changes(&studio);
    assert!(told > 0, "they have come");
    studio.film(Duration::from_secs(2));
    assert_eq!(changes(&studio), told, "nothing has changed");
    assert_eq!(studio.layers(viewer).layers[2].size, Some((960, 540)));
    studio.is_sent[2] = false;
    studio.film(Duration::from_secs(3));
    assert_eq!(changes(&studio), told + 1, "one has gone");
    assert_eq!(studio.layers(viewer).layers[2].bitrate_bps, None);
    assert_eq!(studio.layer(viewer), "h", "the best of the others");
    studio.is_sent[2] = true;
    studio.film(Duration::from_secs(1));
    assert_eq!(changes(&studio), told + 2, "it is back");
}

#[test]
fn a_viewer_is_told_its_first_layer_and_each_other_one() {
    let mut studio = Studio::new();
    let viewer = studio.world.join(Role::Watch);
    studio.film(Duration::from_secs(2));
    let id = studio.world.clients[viewer].id;
    let told: Vec<_> = studio
        .world
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Layer {
                id: whose, layer, ..
            } if *whose == id => Some(layer.as_str()),
            _ => None,
        })
        .collect();
    assert!(!told.is_empty());
    assert_eq!(told.last().copied(), Some("f"));
    assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "{told:?}");
}

#[test]
fn who_came_before_the_layers_is_known_not_to_adapt() {
    let mut world = World::new();
    let plain = world.join(Role::Publish);
    let viewer = world.join(Role::Watch);
    world.film(plain, true);
    let id = world.clients[viewer].id;
    let adapts = |world: &World, id| {
        let layers = world.gateway.layers(id, &cam0(), world.now);
        layers.expect("it watches").adapts
    };
    assert!(!adapts(&world, id));
    let (number, offer) = world.client_with(Transport::Udp, Role::Publish, &LAYERS);
    world.join_with(number, &offer);
    let late = world.join(Role::Watch);
    let late = world.clients[late].id;
    assert_eq!([id, late].map(|each| adapts(&world, each)), [false, true]);
}

/// Frames of these layers that a viewer saw, each with how many of its packets came.
fn frames_seen(client: &Client) -> Vec<(u8, usize)> {
    let mut frames: Vec<(u32, u8, usize)> = Vec::new();
    for packet in &client.packets {
        let (time, layer) = (packet.header.timestamp, packet.payload.last().copied());
        match frames.last_mut() {
            Some(last) if last.0 == time => last.2 += 1,
            _ => frames.push((time, layer.unwrap_or_default(), 1)),
        }
    }
    frames
        .iter()
        .map(|(_, layer, packets)| (*layer, *packets))
        .collect()
}

#[test]
fn a_layer_goes_on_until_the_key_frame_of_the_next_one_is_whole() {
    let mut studio = Studio::new();
    let viewer = studio.world.join(Role::Watch);
    studio.film(Duration::from_secs(2));
    let id = studio.world.clients[viewer].id;
    let mid = studio.layers(viewer).mid;
    let pin = |studio: &mut Studio, layer| {
        let about = (id, &cam0());
        let asked = studio.world.gateway.handle_layer(about, &mid, Some(layer));
        assert_eq!(asked, Ok(()));
        studio.until(viewer, layer, Duration::from_secs(2));
    };
    pin(&mut studio, "q");
    studio.film(Duration::from_secs(1));
    studio.world.clients[viewer].packets.clear();
    studio.is_high_slow = true;
    pin(&mut studio, "f");
    studio.film(Duration::from_secs(1));
    let mut frames = frames_seen(&studio.world.clients[viewer]);
    // The last one is on its way.
    frames.pop();
    let switch = frames
        .iter()
        .position(|(layer, _)| *layer == 2)
        .expect("it came");
    assert!(
        frames[..switch].iter().all(|frame| *frame == (0, 1)),
        "{frames:?}"
    );
    assert!(
        frames[switch..].iter().all(|frame| *frame == (2, 6)),
        "{frames:?}"
    );
}

/// The longest time between two frames that came whole.
fn longest_standstill(client: &Client) -> Duration {
    let mut packets: HashMap<u32, usize> = HashMap::new();
    let mut whole = Vec::new();
    for packet in &client.packets {
        let layer = packet.payload.last().map_or(0, |layer| usize::from(*layer));
        let came = packets.entry(packet.header.timestamp).or_default();
        *came += 1;
        if FRAMES.get(layer).is_some_and(|(_, all)| came == all) {
            whole.push(packet.timestamp);
        }
    }
    let spans = whole
        .windows(2)
        .map(|pair| pair[1].saturating_duration_since(pair[0]));
    spans.max().unwrap_or_default()
}
