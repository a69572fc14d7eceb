//! `PATCH` with an answer to the gateway's own offer: whatever it is, it is taken or refused, and
//! taken once.

#![no_main]

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use gateway::{Address, Gateway, NewSession, Path, Role, SessionId, Settings, Transmit};
use libfuzzer_sys::fuzz_target;
use protocol::stream::StreamName;
use str0m::change::SdpAnswer;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Input, Output, Rtc};

const SERVER: &str = "192.0.2.1:8443";
const CAMERA: &str = "198.51.100.1:5000";
const TICK: Duration = Duration::from_millis(5);
/// What the answer calls the two sections of the offer, whose names differ each time.
const MIDS: [&str; 2] = ["MID0", "MID1"];

thread_local! {
    /// A gateway with a stream in VP8 and Opus, made once.
    static PUBLISHED: RefCell<(Gateway, Instant)> = RefCell::new(published());
}

fuzz_target!(|text: &str| {
    PUBLISHED.with_borrow_mut(|(gateway, now)| answer(gateway, *now, text));
});

fn answer(gateway: &mut Gateway, now: Instant, text: &str) {
    let new = session(2, Role::Watch);
    let (id, stream) = (new.id, new.stream.clone());
    let mut viewer = Rtc::builder().set_rtp_mode(true).build(now);
    let mut changes = viewer.sdp_api();
    for kind in [MediaKind::Audio, MediaKind::Video] {
        changes.add_media(kind, Direction::RecvOnly, None, None, None);
    }
    let (offer, _) = changes.apply().expect("tracks are a change");
    let lacking = offer.to_sdp_string().replace("VP8/", "VP7/");
    let offered = gateway.handle_offer(new, &lacking, now).expect("a session");
    assert!(offered.is_counter_offer);
    let mids = offered
        .sdp
        .lines()
        .filter_map(|line| line.strip_prefix("a=mid:"));
    let text = MIDS
        .iter()
        .zip(mids)
        .fold(text.to_owned(), |text, (word, mid)| text.replace(word, mid));
    if gateway
        .handle_answer((id, &stream, Role::Watch), &text, now)
        .is_ok()
    {
        let again = gateway.handle_answer((id, &stream, Role::Watch), &text, now);
        assert!(again.is_err());
    }
    gateway.handle_delete(id, &stream, Role::Watch, now);
    while gateway.poll_transmit().is_some() {}
    while gateway.poll_event().is_some() {}
}

fn session(number: u8, role: Role) -> NewSession {
    NewSession {
        id: SessionId([number; 16]),
        stream: StreamName::parse("cam0").expect("a name"),
        role,
        holders: Vec::new(),
        until: None,
        external: Vec::new(),
    }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// A gateway to which a camera has sent its first packets, and the time by then.
fn published() -> (Gateway, Instant) {
    let mut now = Instant::now();
    let addrs = vec![Address::udp(addr(SERVER))];
    let mut gateway = Gateway::new(Settings {
        addrs,
        ..Settings::default()
    });
    let mut camera = Rtc::builder().set_rtp_mode(true).build(now);
    camera.add_local_candidate(Candidate::host(addr(CAMERA), Protocol::Udp).expect("a candidate"));
    let mut changes = camera.sdp_api();
    let mids = [MediaKind::Audio, MediaKind::Video]
        .map(|kind| changes.add_media(kind, Direction::SendOnly, None, None, None));
    let (offer, pending) = changes.apply().expect("tracks are a change");
    let answer = gateway
        .handle_offer(session(1, Role::Publish), &offer.to_sdp_string(), now)
        .expect("a session");
    let answer = SdpAnswer::from_sdp_string(&answer.sdp).expect("SDP");
    camera
        .sdp_api()
        .accept_answer(pending, answer)
        .expect("it fits");
    let mut seq = 1;
    while gateway
        .paths()
        .iter()
        .all(|path| path.codecs.len() < mids.len())
    {
        if camera.is_connected() {
            write(&mut camera, mids, seq, now);
            seq += 1;
        }
        exchange(&mut camera, &mut gateway, now);
        now += TICK;
    }
    (gateway, now)
}

fn write(camera: &mut Rtc, mids: [Mid; 2], seq: u64, now: Instant) {
    for (mid, codec) in mids.into_iter().zip(["opus", "VP8"]) {
        let known = camera
            .codec_config()
            .find(|params| params.spec().codec.to_string() == codec);
        let pt = known.expect("it is enabled").pt();
        if let Some(stream) = camera.direct_api().stream_tx_by_mid(mid, None) {
            stream.write_rtp(RtpWrite::new(
                pt,
                seq.into(),
                0,
                now,
                vec![0x10, 0, 0x9d, 0x01, 0x2a],
            ));
        }
    }
}

fn exchange(camera: &mut Rtc, gateway: &mut Gateway, now: Instant) {
    camera.handle_input(Input::Timeout(now)).expect("it lives");
    drain(camera, gateway, now);
    gateway.handle_timeout(now);
    while let Some(Transmit { contents, .. }) = gateway.poll_transmit() {
        let receive = Receive::new(Protocol::Udp, addr(SERVER), addr(CAMERA), &contents);
        let input = Input::Receive(now, receive.expect("WebRTC"));
        camera.handle_input(input).expect("it is taken");
        drain(camera, gateway, now);
    }
}

fn drain(camera: &mut Rtc, gateway: &mut Gateway, now: Instant) {
    let path = Path::udp(addr(SERVER), addr(CAMERA));
    while let Ok(output) = camera.poll_output() {
        match output {
            Output::Timeout(_) => break,
            Output::Transmit(sent) => drop(gateway.handle_packet(path, &sent.contents, now)),
            Output::Event(_) => {}
        }
    }
}
