//! Two links on virtual time: they come up, agree, recover, and refuse what is not signed.

use std::time::Duration;

use identity::SigningKey;
use peer::ctl::{CtlEvent, TextId};
use peer::link::{Cause, EndedBy, Event, IcePolicy, Label, PathEnd, Phase, Refusal};
use protocol::id::PairId;
use protocol::signal::{ClientMessage, Presence, ServerMessage};
use two_links::TwoLinks;

mod two_links;

const HOSTS: [&str; 2] = ["10.0.0.1:5000", "10.0.0.2:5000"];
const SOON: Duration = Duration::from_secs(5);

fn open() -> TwoLinks {
    let mut world = TwoLinks::new(IcePolicy::All, HOSTS);
    world.go_online(0);
    world.go_online(1);
    world.run_until(SOON, TwoLinks::is_open);
    world
}

fn texts(events: &[Event]) -> Vec<&str> {
    let mut texts = Vec::new();
    for event in events {
        if let Event::Talk(CtlEvent::Text(text)) = event {
            texts.push(text.as_str());
        }
    }
    texts
}

fn say(world: &mut TwoLinks, at: usize, text: &str) -> TextId {
    let now = world.now;
    let id = world.devices[at].core.say(text, now);
    id.expect("the link is open")
}

#[test]
fn two_devices_that_meet_at_the_server_open_their_channels() {
    let mut world = open();
    let offers = |at: usize| {
        let signals = &world.devices[at].signals;
        let is_offer = |message: &&ClientMessage| matches!(message, ClientMessage::Offer(_));
        signals.iter().filter(is_offer).count()
    };
    assert_eq!(
        (offers(0), offers(1)),
        (1, 0),
        "the impolite side makes the one offer"
    );
    for device in &world.devices {
        let path = device.events.iter().find_map(|event| match event {
            Event::Path(path) => Some(*path),
            _ => None,
        });
        assert_eq!(
            path.map(|path| (path.local, path.remote)),
            Some((PathEnd::Host, PathEnd::Host))
        );
    }
    let sent = say(&mut world, 0, "there");
    say(&mut world, 1, "back");
    world.run(Duration::from_secs(1));
    assert_eq!(texts(&world.devices[1].events), ["there"]);
    assert_eq!(texts(&world.devices[0].events), ["back"]);
    let delivered = Event::Talk(CtlEvent::Delivered(sent));
    assert!(world.devices[0].events.contains(&delivered));
}

#[test]
fn the_order_in_which_devices_come_does_not_matter() {
    for first in [0, 1] {
        let mut world = TwoLinks::new(IcePolicy::All, HOSTS);
        world.go_online(first);
        world.run(Duration::from_secs(1));
        assert_eq!(world.phases()[first], Phase::Waiting);
        world.go_online(1 - first);
        world.run_until(SOON, TwoLinks::is_open);
    }
}

#[test]
fn a_peer_that_leaves_before_it_offered_is_waited_for() {
    let mut world = TwoLinks::new(IcePolicy::All, HOSTS);
    let presence = |online| {
        ServerMessage::Peer(Presence {
            pair_id: PairId::from_bytes(&[7; 32]),
            device_id: SigningKey::from_seed([1; 32]).thumbprint(),
            online,
        })
    };
    world.go_online(1);
    world.run(Duration::from_secs(1));
    for (online, phase) in [(true, Phase::Connecting), (false, Phase::Waiting)] {
        let now = world.now;
        world.devices[1].core.handle_signal(presence(online), now);
        assert_eq!(world.phases()[1], phase);
    }
    world.go_online(0);
    world.run_until(SOON, TwoLinks::is_open);
}

#[test]
fn a_description_that_the_server_changed_is_refused() {
    let mut world = TwoLinks::new(IcePolicy::All, HOSTS);
    world.tamper = |message| {
        if let ClientMessage::Offer(offer) = message {
            offer.sdp = offer.sdp.replace("a=setup:actpass", "a=setup:active");
        }
    };
    world.go_online(0);
    world.go_online(1);
    world.run(Duration::from_secs(3));
    let refused = Event::Refused(Refusal::Signature);
    assert!(
        world.devices[1].events.contains(&refused),
        "{:?}",
        world.devices[1].events
    );
    assert!(
        world.devices[1].sent_to.is_empty(),
        "nothing of it was used"
    );
}

#[test]
fn a_description_without_a_signature_is_refused() {
    let mut world = TwoLinks::new(IcePolicy::All, HOSTS);
    world.tamper = |message| {
        if let ClientMessage::Offer(offer) = message {
            offer.sig = None;
        }
    };
    world.go_online(0);
    world.go_online(1);
    world.run(Duration::from_secs(3));
    assert!(
        world.devices[1]
            .events
            .contains(&Event::Refused(Refusal::Unsigned))
    );
}

#[test]
fn a_clock_that_is_far_off_is_named() {
    let mut world = TwoLinks::new(IcePolicy::All, HOSTS);
    let (now, ahead_ms) = (world.now, 11 * 60_000);
    world.devices[1]
        .core
        .handle_clock(two_links::START_MS + ahead_ms, now);
    world.go_online(0);
    world.go_online(1);
    world.run(Duration::from_secs(3));
    let is_skew =
        |event: &Event| matches!(event, Event::Refused(refusal) if refusal.code() == "clock-skew");
    assert!(world.devices[1].events.iter().any(is_skew));
}

#[test]
fn a_peer_without_the_pair_secret_is_refused_for_good() {
    let secrets = [[9; 32], [8; 32]];
    let mut world = TwoLinks::with_secrets(IcePolicy::All, HOSTS, secrets);
    world.go_online(0);
    world.go_online(1);
    let refused = Phase::Ended(EndedBy::Refused);
    world.run_until(SOON, |world| world.phases().contains(&refused));
    let now = world.now;
    for device in &mut world.devices {
        // The side that answered the handshake learns only from the other's farewell.
        let _ = device.core.say("secret", now);
    }
    world.run(SOON);
    let heard = |at: usize| texts(&world.devices[at].events).len();
    assert_eq!((heard(0), heard(1)), (0, 0));
}

#[test]
fn a_dead_path_is_noticed_within_three_seconds_and_a_new_one_found() {
    let mut world = open();
    world.is_cut = true;
    let cut_at = world.now;
    world.run_until(SOON, |world| world.phases() == [Phase::Reconnecting; 2]);
    assert!(
        world.now - cut_at < Duration::from_millis(2600),
        "{:?}",
        world.now - cut_at
    );
    world.is_cut = false;
    let healed_at = world.now;
    world.run_until(SOON, TwoLinks::is_open);
    assert!(
        world.now - healed_at < Duration::from_secs(1),
        "{:?}",
        world.now - healed_at
    );
}

#[test]
fn a_device_that_changes_its_network_is_back_within_a_second() {
    let mut world = open();
    say(&mut world, 0, "before");
    world.run(Duration::from_millis(100));
    world.move_to(1, "192.168.7.9:6000");
    let moved_at = world.now;
    world.run_until(SOON, |world| {
        let is_new =
            |event: &Event| matches!(event, Event::Path(path) if path.remote_addr.port() == 6000);
        world.devices[0].events.iter().any(is_new) && world.is_open()
    });
    assert!(
        world.now - moved_at < Duration::from_secs(1),
        "{:?}",
        world.now - moved_at
    );
    say(&mut world, 0, "after");
    world.run(Duration::from_millis(100));
    assert_eq!(texts(&world.devices[1].events), ["before", "after"]);
}

#[test]
fn a_device_that_is_unplugged_on_its_way_is_back_within_a_second_of_its_new_network() {
    for (at, away_ms) in [50, 400, 1500, 2500, 6000]
        .into_iter()
        .flat_map(|ms| [(0, ms), (1, ms)])
    {
        let mut world = open();
        say(&mut world, 1 - at, "before");
        world.run(Duration::from_millis(100));
        world.unplug(at);
        world.run(Duration::from_millis(away_ms));
        world.move_to(at, "192.168.7.9:6000");
        let moved_at = world.now;
        world.run(Duration::from_millis(50));
        world.go_online(at);
        world.run_until(SOON * 3, |world| {
            let is_new = |event: &Event| matches!(event, Event::Path(path) if path.remote_addr.port() == 6000);
            world.devices[1 - at].events.iter().any(is_new) && world.is_open()
        });
        let took = world.now - moved_at;
        assert!(
            took < Duration::from_secs(1),
            "{at} after {away_ms} ms: {took:?}"
        );
        say(&mut world, 1 - at, "after");
        world.run(Duration::from_millis(100));
        assert_eq!(texts(&world.devices[at].events), ["before", "after"]);
    }
}

#[test]
fn a_peer_that_begins_anew_is_taken_back() {
    let mut world = open();
    let fresh = TwoLinks::new(IcePolicy::All, HOSTS);
    let [_, device] = fresh.devices;
    world.devices[1] = device;
    let (now, since) = (world.now, world.now - world.start);
    let unix_ms = two_links::START_MS + u64::try_from(since.as_millis()).expect("short");
    world.devices[1].core.handle_clock(unix_ms, now);
    world.go_online(1);
    world.run_until(SOON * 2, TwoLinks::is_open);
}

#[test]
fn local_mode_sends_nothing_to_other_networks() {
    let local = IcePolicy::Local {
        includes_cgnat: false,
    };
    let mut world = TwoLinks::new(local, ["10.0.0.1:5000", "203.0.113.7:5000"]);
    world.go_online(0);
    world.go_online(1);
    world.run(Duration::from_secs(20));
    assert!(world.devices.iter().all(|device| device.sent_to.is_empty()));
    let failed = Event::Failed(Cause::ChecksFailed);
    assert!(
        world.devices[0].events.contains(&failed),
        "{:?}",
        world.devices[0].events
    );
    let mut world = TwoLinks::new(IcePolicy::All, ["10.0.0.1:5000", "203.0.113.7:5000"]);
    world.go_online(0);
    world.go_online(1);
    world.run_until(SOON, TwoLinks::is_open);
    assert!(
        !world.devices[0].sent_to.is_empty(),
        "the same without local mode"
    );
}

#[test]
fn what_a_channel_does_not_take_is_the_senders_to_keep() {
    let mut world = open();
    let now = world.now;
    let mut taken = 0;
    while taken < 10_000
        && world.devices[0]
            .core
            .send(Label::Ctl, vec![0; 1000], now)
            .is_ok()
    {
        taken += 1;
    }
    assert!(taken < 10_000, "a full channel says so");
    world.run_until(SOON, |world| {
        world.devices[0]
            .events
            .contains(&Event::Writable(Label::Ctl))
    });
}
