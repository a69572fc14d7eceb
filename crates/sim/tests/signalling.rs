//! Whatever the network does, peers that follow the protocol meet, and only with their own.

use std::time::Duration;

use sim::{Weather, World};

const SEEDS: u64 = 1000;

#[test]
fn peers_always_converge_to_an_answered_offer_once_the_trouble_is_over() {
    let mut refused = 0;
    for seed in 0..SEEDS {
        let mut world = World::new(seed, Weather::default(), 2);
        world.trouble(40, Duration::from_secs(60));
        world.run(Duration::from_secs(60));
        // Two missed pongs, the longest backoff and a few round trips.
        world.run(Duration::from_secs(90));
        assert!(world.is_converged(), "seed {seed}: {:#?}", world.peers());
        refused += world.errors("wrong-pair");
    }
    assert!(refused > 0, "the strays were said and refused");
}

#[test]
fn a_revoked_pair_never_stays_open_whatever_it_races_with() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed, Weather::default(), 2);
        world.revoke(0, Duration::from_millis(seed * 7 % 2000));
        world.trouble(20, Duration::from_secs(10));
        world.run(Duration::from_secs(100));
        let online = |pair: usize| {
            let peers = &world.peers()[2 * pair..2 * pair + 2];
            world.hub.online(
                &peers
                    .iter()
                    .map(|peer| peer.device.clone())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(online(0), [false, false], "seed {seed}");
        assert_eq!(
            online(1),
            [true, true],
            "seed {seed}: the other pair goes on"
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let history = |seed| {
        let mut world = World::new(seed, Weather::default(), 2);
        world.trouble(40, Duration::from_secs(30));
        world.run(Duration::from_secs(60));
        (format!("{:?}", world.peers()), world.hub.stats())
    };
    assert_eq!(history(7), history(7));
    assert_ne!(history(7), history(8));
}
