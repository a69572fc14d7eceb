//! Whatever two networks do, the link comes up, and what is acknowledged arrived once.
//!
//! A few dozen worlds in ordinary runs; `SIM_SEEDS=1000` for all of them (`make soak`).

use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

use sim::{Home, Line, LinkWorld, NatKind, Random, Scenario};

/// A path is tried for 15 s, and tried again after a pause of 15 s at most.
const UP_WITHIN: Duration = Duration::from_secs(90);
/// After which every text is acknowledged or given up.
const SETTLED: Duration = Duration::from_secs(5);
const TEXTS: usize = 20;

fn home(random: &mut Random) -> Home {
    match random.below(6) {
        0 => Home::Public,
        1 => Home::TcpOnly,
        2 => Home::Behind(NatKind::OPEN),
        3 => Home::Behind(NatKind::ADDRESS_RESTRICTED),
        4 => Home::Behind(NatKind::PORT_RESTRICTED),
        _ => Home::Behind(NatKind::SYMMETRIC),
    }
}

/// Up to 80 ms and 6 % of loss on each line, and delays that vary by half: datagrams overtake.
fn line(random: &mut Random) -> Line {
    let slowest = Duration::from_millis(2 + random.below(79));
    Line {
        delay: slowest / 2..slowest,
        lost_per_mille: random.below(61),
    }
}

fn scenario(seed: u64) -> Scenario {
    let mut random = Random::new(seed);
    let first = home(&mut random);
    let second = if random.chance(15) {
        Home::Shared
    } else {
        home(&mut random)
    };
    let lines = [line(&mut random), line(&mut random)];
    let token = |random: &mut Random| random.span(&(Duration::ZERO..Duration::from_secs(2)));
    Scenario {
        lines,
        token_after: [token(&mut random), token(&mut random)],
        ..Scenario::steady(seed, [first, second], Duration::ZERO)
    }
}

fn counts(texts: &[String]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for text in texts {
        *counts.entry(text.as_str()).or_default() += 1;
    }
    counts
}

/// Runs one world; how long the link took after the later token.
fn check(seed: u64) -> Duration {
    let scenario = scenario(seed);
    let mut world = LinkWorld::new(&scenario);
    let is_open = world.run_until(UP_WITHIN, LinkWorld::is_open);
    assert!(is_open, "seed {seed}, {scenario:?}: {:?}", world.phases());
    let [first, second] = scenario.token_after;
    let took = world.elapsed() - first.max(second);
    for number in 0..TEXTS {
        for device in [0, 1] {
            world.say(device, &format!("{device}/{number}"));
        }
        world.run(Duration::from_millis(50));
    }
    world.run(SETTLED);
    for device in [0, 1] {
        let heard = counts(world.devices()[1 - device].heard());
        let delivered = world.devices()[device].delivered();
        assert!(
            heard.values().all(|times| *times == 1),
            "seed {seed}: {heard:?}"
        );
        for text in delivered {
            assert_eq!(heard.get(text.as_str()), Some(&1), "seed {seed}: {text}");
        }
        assert!(!delivered.is_empty(), "seed {seed}: nothing arrived");
    }
    took
}

#[test]
fn every_link_comes_up_and_every_acknowledged_text_arrives_once() {
    let seeds = env::var("SIM_SEEDS").map_or(30, |seeds| seeds.parse().expect("a number"));
    let mut took: Vec<_> = (0..seeds).map(check).collect();
    took.sort();
    let at = |percent: usize| took[(took.len() - 1) * percent / 100].as_millis();
    println!(
        "{seeds} worlds: up after {} ms (p50), {} ms (p90), {} ms (p99), {} ms at most",
        at(50),
        at(90),
        at(99),
        at(100)
    );
}
