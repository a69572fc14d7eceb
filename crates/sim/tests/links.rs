//! Two native peers, a hub and a relay on virtual time.

use std::time::Duration;

use peer::link::{Path, PathEnd};
use sim::{Device, Home, Line, LinkWorld, NatKind, Scenario, Trouble};

const ROUND_TRIP: Duration = Duration::from_millis(50);
const SOON: Duration = Duration::from_secs(5);

fn open(scenario: &Scenario) -> LinkWorld {
    let mut world = LinkWorld::new(scenario);
    let is_open = world.run_until(SOON, LinkWorld::is_open);
    assert!(is_open, "{scenario:?}: {:?}", world.phases());
    world
}

fn paths(world: &LinkWorld) -> [Path; 2] {
    [0, 1].map(|at| world.devices()[at].path().expect("it told its path"))
}

/// Each side may send through the other's relay: then both of them see a relay as their remote end.
fn is_relayed(world: &LinkWorld) -> bool {
    let is_relayed = |path: &Path| [path.local, path.remote].contains(&PathEnd::Relayed);
    paths(world).iter().all(is_relayed)
}

#[test]
fn two_devices_link_directly_and_a_text_is_acknowledged() {
    let homes = [Home::Behind(NatKind::PORT_RESTRICTED); 2];
    let mut world = open(&Scenario::steady(1, homes, ROUND_TRIP));
    assert_eq!(
        paths(&world).map(|path| path.local),
        [PathEnd::ServerReflexive; 2]
    );
    assert!(world.say(0, "there"));
    assert!(world.say(1, "back"));
    world.run(ROUND_TRIP * 2);
    assert_eq!(world.devices()[1].heard(), ["there"]);
    assert_eq!(world.devices()[0].delivered(), ["there"]);
    assert_eq!(world.devices()[0].heard(), ["back"]);
    assert_eq!(world.devices()[1].delivered(), ["back"]);
}

#[test]
fn two_devices_of_one_network_link_without_leaving_it() {
    let homes = [Home::Behind(NatKind::SYMMETRIC), Home::Shared];
    let world = open(&Scenario::steady(2, homes, ROUND_TRIP));
    assert_eq!(paths(&world).map(|path| path.local), [PathEnd::Host; 2]);
}

#[test]
fn a_link_is_direct_wherever_the_two_nats_let_it_be_and_relayed_elsewhere() {
    let kinds = [
        NatKind::OPEN,
        NatKind::ADDRESS_RESTRICTED,
        NatKind::PORT_RESTRICTED,
        NatKind::SYMMETRIC,
    ];
    for one in kinds {
        for other in kinds {
            let homes = [Home::Behind(one), Home::Behind(other)];
            let mut world = open(&Scenario::steady(3, homes, ROUND_TRIP));
            // A better path may be found a little later than the first one.
            world.run(Duration::from_secs(2));
            assert_eq!(!is_relayed(&world), one.lets_through(other), "{homes:?}");
        }
    }
}

/// A check that went through a relay may be there before the signalling message that names the
/// relayed address, and seems to come from nearer than it does.
#[test]
fn a_link_is_direct_also_where_checks_overtake_the_candidates_that_they_come_from() {
    let line = Line {
        delay: Duration::from_millis(1)..Duration::from_millis(40),
        lost_per_mille: 50,
    };
    let homes = [
        Home::Behind(NatKind::ADDRESS_RESTRICTED),
        Home::Behind(NatKind::PORT_RESTRICTED),
    ];
    for seed in 0..20 {
        let scenario = Scenario {
            lines: [line.clone(), line.clone()],
            ..Scenario::steady(seed, homes, ROUND_TRIP)
        };
        let mut world = LinkWorld::new(&scenario);
        assert!(world.run_until(SOON * 6, LinkWorld::is_open), "seed {seed}");
        world.run(SOON);
        let are_direct = paths(&world)
            .iter()
            .all(|path| ![path.local, path.remote].contains(&PathEnd::Relayed));
        assert!(are_direct, "seed {seed}: {:?}", paths(&world));
    }
}

#[test]
fn where_only_tcp_passes_the_link_is_relayed_over_a_stream() {
    for homes in [
        [Home::TcpOnly, Home::Public],
        [Home::Public, Home::TcpOnly],
        [Home::TcpOnly; 2],
    ] {
        let mut world = open(&Scenario::steady(4, homes, ROUND_TRIP));
        assert!(is_relayed(&world), "{homes:?}");
        assert!(world.say(0, "through a stream"));
        world.run(ROUND_TRIP * 3);
        assert_eq!(world.devices()[0].delivered(), ["through a stream"]);
    }
}

/// Where the message that opens the channel is lost, the offer behind it comes in one with it.
#[test]
fn files_that_wait_for_the_link_arrive_though_their_channel_opens_late() {
    let line = Line {
        lost_per_mille: 150,
        ..Line::steady(ROUND_TRIP / 4)
    };
    for seed in 0..20 {
        let scenario = Scenario {
            lines: [line.clone(), line.clone()],
            ..Scenario::steady(seed, [Home::Public; 2], ROUND_TRIP)
        };
        let mut world = LinkWorld::new(&scenario);
        for device in [0, 1] {
            world.send_file(device, "waiting", vec![0; 1000]);
        }
        let is_done = |world: &LinkWorld| world.devices().iter().all(Device::is_idle);
        assert!(
            world.run_until(SOON * 24, is_done),
            "{seed}: {:?}",
            world.phases()
        );
    }
}

/// What was said is shown once, also where an ack went down with the connection.
#[test]
fn texts_outlive_the_connection_that_they_were_said_on() {
    let line = Line {
        delay: Duration::from_millis(5)..Duration::from_millis(30),
        lost_per_mille: 50,
    };
    for seed in 0..20 {
        let scenario = Scenario {
            lines: [line.clone(), line.clone()],
            ..Scenario::steady(seed, [Home::Public; 2], ROUND_TRIP)
        };
        let mut world = LinkWorld::new(&scenario);
        assert!(world.run_until(SOON * 6, LinkWorld::is_open), "seed {seed}");
        // The impolite one begins anew by itself.
        world.trouble_after(Duration::from_millis(65), 0, Trouble::Bye);
        let texts: Vec<String> = (0..10).map(|number| format!("text {number}")).collect();
        for text in &texts {
            assert!(world.say(0, text) && world.say(1, text), "seed {seed}");
            world.run(Duration::from_millis(6));
        }
        let has_all = |device: &Device| device.delivered().len() == texts.len();
        let is_done = |world: &LinkWorld| world.devices().iter().all(has_all);
        assert!(
            world.run_until(SOON, is_done),
            "seed {seed}: {:?}",
            world.phases()
        );
        for device in world.devices() {
            let mut heard = device.heard().to_vec();
            heard.sort();
            assert_eq!(heard, texts, "seed {seed}");
        }
    }
}

#[test]
fn loss_delays_a_link_and_its_texts_but_stops_neither() {
    let line = Line {
        delay: Duration::from_millis(5)..Duration::from_millis(30),
        lost_per_mille: 50,
    };
    let homes = [Home::Behind(NatKind::PORT_RESTRICTED); 2];
    let scenario = Scenario {
        lines: [line.clone(), line],
        ..Scenario::steady(5, homes, ROUND_TRIP)
    };
    let mut world = LinkWorld::new(&scenario);
    assert!(world.run_until(SOON * 24, LinkWorld::is_open));
    let texts: Vec<String> = (0..50).map(|number| format!("text {number}")).collect();
    for text in &texts {
        assert!(world.say(0, text));
        world.run(Duration::from_millis(20));
    }
    world.run(SOON);
    let mut heard = world.devices()[1].heard().to_vec();
    heard.sort();
    let mut expected = texts;
    expected.sort();
    assert_eq!(heard, expected, "each arrived, once");
    assert_eq!(world.devices()[0].delivered().len(), 50);
}
