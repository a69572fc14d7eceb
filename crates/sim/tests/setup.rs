//! How long a link takes to come up: in round trips on lines that lose nothing, in milliseconds on
//! lines that do. From the token in both hands to frames that flow: signalling, ICE, DTLS, SCTP and
//! the proof of the keys included.
//!
//! `SETUP_SEEDS=1000 cargo test -p sim --test setup -- --nocapture` prints the table that
//! `docs/benchmarks.md` has.

use std::env;
use std::time::Duration;

use sim::{Home, Line, LinkWorld, NatKind, Scenario};

/// Between the devices; a server is half as far.
const ROUND_TRIP: Duration = Duration::from_millis(50);
const DIRECT: [Home; 2] = [Home::Behind(NatKind::PORT_RESTRICTED); 2];
const RELAYED: [Home; 2] = [Home::Behind(NatKind::SYMMETRIC); 2];
/// Of the way between the devices: each of the two lines loses half of it.
const LOSS_PER_MILLE: u64 = 50;

/// When frames flowed both ways, counted from the later token.
fn set_up(scenario: &Scenario) -> Duration {
    let mut world = LinkWorld::new(scenario);
    let is_open = world.run_until(Duration::from_secs(60), LinkWorld::is_open);
    assert!(is_open, "{scenario:?}: {:?}", world.phases());
    let [first, second] = scenario.token_after;
    world.elapsed() - first.max(second)
}

/// Whoever comes first waits for the other at the server.
fn orders() -> [[Duration; 2]; 3] {
    let wait = Duration::from_secs(3);
    let none = Duration::ZERO;
    [[none, none], [none, wait], [wait, none]]
}

fn round_trips(homes: [Home; 2]) -> f64 {
    let took = orders().map(|token_after| {
        let steady = Scenario::steady(1, homes, ROUND_TRIP);
        set_up(&Scenario {
            token_after,
            ..steady
        })
    });
    let longest = took.into_iter().max().expect("three orders");
    longest.as_secs_f64() / ROUND_TRIP.as_secs_f64()
}

/// Every set-up on lines that lose packets, the shortest first.
fn lossy(homes: [Home; 2], seeds: u64) -> Vec<Duration> {
    let line = Line {
        lost_per_mille: LOSS_PER_MILLE / 2,
        ..Line::steady(ROUND_TRIP / 4)
    };
    let scenario = |seed| Scenario {
        lines: [line.clone(), line.clone()],
        ..Scenario::steady(seed, homes, ROUND_TRIP)
    };
    let mut took: Vec<_> = (0..seeds).map(|seed| set_up(&scenario(seed))).collect();
    took.sort();
    took
}

#[test]
fn a_link_is_up_after_five_round_trips_directly_and_after_six_through_a_relay() {
    let (direct, relayed) = (round_trips(DIRECT), round_trips(RELAYED));
    println!("direct {direct:.2} round trips, relayed {relayed:.2}");
    assert!(direct <= 5.0, "{direct}");
    assert!(relayed <= 6.0, "{relayed}");
}

#[test]
fn nine_links_of_ten_are_up_within_a_second_where_five_packets_of_a_hundred_are_lost() {
    let seeds = env::var("SETUP_SEEDS").map_or(100, |seeds| seeds.parse().expect("a number"));
    for (path, homes) in [("direct", DIRECT), ("relayed", RELAYED)] {
        let took = lossy(homes, seeds);
        let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_millis();
        let (p50, p90, p99) = (at(50), at(90), at(99));
        println!("{path}: p50 {p50} ms, p90 {p90} ms, p99 {p99} ms of {seeds}");
        assert!(p90 < 1000, "{path}: {took:?}");
    }
}
