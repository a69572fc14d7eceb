//! Video between two links on virtual time: whole frames, loss repaired, key frames asked for.

use std::time::Duration;

use peer::link::{Event, IcePolicy, Section, VideoEvent, VideoFrame};
use two_links::TwoLinks;

mod two_links;

const HOSTS: [&str; 2] = ["10.0.0.1:5000", "10.0.0.2:5000"];
const SOON: Duration = Duration::from_secs(5);
/// What a datagram takes there and back in `two_links`.
const ROUND_TRIP: Duration = Duration::from_millis(20);
/// The largest still.
const LARGE: usize = 100_000;

fn open(senders: &[usize]) -> TwoLinks {
    let mut world = TwoLinks::new(IcePolicy::All, HOSTS);
    for at in senders {
        let now = world.now;
        world.devices[*at].core.open_video(now);
    }
    world.go_online(0);
    world.go_online(1);
    let senders = senders.to_vec();
    world.run_until(SOON, |world| {
        world.is_open() && senders.iter().all(|at| sendable(world, *at).is_some())
    });
    world
}

fn video(world: &TwoLinks, at: usize) -> impl DoubleEndedIterator<Item = &VideoEvent> {
    let events = world.devices[at].events.iter();
    events.filter_map(|event| match event {
        Event::Video(event) => Some(event),
        _ => None,
    })
}

fn sendable(world: &TwoLinks, at: usize) -> Option<Section> {
    video(world, at).rev().find_map(|event| match event {
        VideoEvent::Sendable(section) => Some(*section),
        _ => None,
    })
}

fn frames(world: &TwoLinks, at: usize) -> Vec<&VideoFrame> {
    let events = video(world, at);
    events
        .filter_map(|event| match event {
            VideoEvent::Frame(frame) => Some(frame),
            _ => None,
        })
        .collect()
}

/// An access unit with the parameter sets and one IDR slice, of bytes that hold no start code.
fn access_unit(bytes: usize, shade: u8) -> Vec<u8> {
    let mut unit = vec![
        0, 0, 0, 1, 0x67, 66, 0xC0, 30, 0, 0, 0, 1, 0x68, 0xCE, 0, 0, 0, 1, 0x65,
    ];
    unit.resize(bytes, shade | 1);
    unit
}

fn send(world: &mut TwoLinks, at: usize, unit: Vec<u8>) -> bool {
    let now = world.now;
    let is_taken = world.devices[at].core.send_video(unit.into(), now);
    world.drain();
    is_taken
}

/// Runs until so many frames came; how long it took.
fn await_frames(world: &mut TwoLinks, at: usize, count: usize) -> Duration {
    let begin = world.now;
    world.run_until(SOON, |world| frames(world, at).len() >= count);
    world.now - begin
}

fn is_rtp(bytes: &[u8]) -> bool {
    matches!(bytes, [128..=191, kind, ..] if !(64..=95).contains(&(kind & 0x7F)))
}

#[test]
fn frames_of_any_size_arrive_whole_both_ways() {
    let mut world = open(&[0, 1]);
    for at in [0, 1] {
        for (count, bytes) in [20, 1200, 5000, LARGE].into_iter().enumerate() {
            let unit = access_unit(bytes, at as u8 * 2);
            assert!(send(&mut world, at, unit.clone()));
            await_frames(&mut world, 1 - at, count + 1);
            let frame = frames(&world, 1 - at)[count];
            assert_eq!(frame.access_unit[..], unit[..], "{bytes} bytes");
            assert!(frame.is_key && frame.is_contiguous);
            let offered = VideoEvent::Offered(frame.section);
            assert!(video(&world, 1 - at).any(|event| *event == offered));
        }
    }
}

#[test]
fn a_section_is_offered_later_as_well_by_either_side() {
    for at in [0, 1] {
        let mut world = open(&[]);
        assert!(
            !send(&mut world, at, access_unit(100, 0)),
            "nothing takes it yet"
        );
        let now = world.now;
        world.devices[at].core.open_video(now);
        world.run_until(SOON, |world| sendable(world, at).is_some());
        assert!(send(&mut world, at, access_unit(100, 0)));
        await_frames(&mut world, 1 - at, 1);
    }
}

#[test]
fn both_may_offer_at_once() {
    let mut world = open(&[]);
    let now = world.now;
    for device in &mut world.devices {
        device.core.open_video(now);
    }
    world.run_until(SOON, |world| {
        [0, 1].iter().all(|at| sendable(world, *at).is_some())
    });
    for at in [0, 1] {
        assert!(send(&mut world, at, access_unit(LARGE, 0)));
        await_frames(&mut world, 1 - at, 1);
    }
}

#[test]
fn lost_packets_are_sent_again_within_two_round_trips() {
    let mut world = open(&[0]);
    send(&mut world, 0, access_unit(2000, 0));
    await_frames(&mut world, 1, 1);
    let mut rtp = 0;
    world.loses = Box::new(move |from, bytes| {
        rtp += usize::from(from == 0 && is_rtp(bytes));
        from == 0 && is_rtp(bytes) && [3, 4, 5, 20, 40, 41].contains(&rtp)
    });
    let unit = access_unit(LARGE, 4);
    send(&mut world, 0, unit.clone());
    let took = await_frames(&mut world, 1, 2);
    println!("whole after {took:?}");
    assert_eq!(frames(&world, 1)[1].access_unit[..], unit[..]);
    // One way, up to 33 ms until str0m asks, there and back.
    assert!(
        took <= ROUND_TRIP * 2 + Duration::from_millis(33),
        "{took:?}"
    );
}

#[test]
fn a_key_frame_is_asked_for_within_half_a_round_trip() {
    let mut world = open(&[0]);
    send(&mut world, 0, access_unit(2000, 0));
    await_frames(&mut world, 1, 1);
    let section = frames(&world, 1)[0].section;
    let asked_at = world.now;
    world.devices[1].core.ask_key_frame(section, asked_at);
    world.run_until(SOON, |world| {
        video(world, 0).any(|event| *event == VideoEvent::KeyFrameWanted)
    });
    assert!(
        world.now - asked_at <= ROUND_TRIP,
        "{:?}",
        world.now - asked_at
    );
}

#[test]
fn packets_of_a_frame_that_is_not_whole_are_told_but_not_each() {
    let mut world = open(&[0]);
    let mut rtp = 0;
    world.loses = Box::new(move |from, bytes| {
        rtp += usize::from(from == 0 && is_rtp(bytes));
        from == 0 && is_rtp(bytes) && rtp > 30
    });
    send(&mut world, 0, access_unit(LARGE, 0));
    world.run(Duration::from_millis(100));
    let arriving = video(&world, 1).filter(|event| **event == VideoEvent::Arriving);
    assert_eq!(arriving.count(), 1);
    assert!(frames(&world, 1).is_empty());
}

#[test]
fn no_buffer_is_to_hold_a_still_back() {
    use protocol::signal::ClientMessage;
    let world = open(&[0]);
    let offer = world.devices[0]
        .signals
        .iter()
        .find_map(|message| match message {
            ClientMessage::Offer(offer) => Some(&offer.sdp),
            _ => None,
        });
    let offer = offer.expect("there was an offer");
    assert!(offer.contains("rtp-hdrext/playout-delay"), "{offer}");
    assert!(offer.contains("packetization-mode=1") && !offer.contains("VP8"));
}
