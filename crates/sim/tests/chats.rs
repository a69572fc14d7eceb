//! An answer of a language model comes whole, each token once and in order, however often the link
//! breaks meanwhile, at any moment.
//!
//! A hundred breaks in ordinary runs; `CHAT_BREAKS=1000` for all of them (`make soak`).

#![allow(
    clippy::disallowed_methods,
    reason = "how often is the environment's to say"
)]

use std::env;
use std::time::Duration;

use sim::{Home, Line, LinkWorld, Random, Scenario, Trouble};

const ROUND_TRIP: Duration = Duration::from_millis(50);
const UP_WITHIN: Duration = Duration::from_secs(90);
const CHATS: usize = 3;
const TOKENS: usize = 400;
const BREAKS: usize = 10;
/// The model says for 8 s.
const MEANWHILE_MS: u64 = 8000;

/// Two devices, three answers and ten breaks; how often the channel opened at the client.
fn chat_through_breaks(seed: u64) -> usize {
    let mut random = Random::new(seed);
    let line = Line {
        delay: ROUND_TRIP / 8..ROUND_TRIP / 4,
        lost_per_mille: random.below(21),
    };
    let scenario = Scenario {
        lines: [line.clone(), line],
        ..Scenario::steady(seed, [Home::Public; 2], ROUND_TRIP)
    };
    let mut world = LinkWorld::new(&scenario);
    assert!(
        world.run_until(UP_WITHIN, LinkWorld::is_open),
        "seed {seed}"
    );
    for _ in 0..CHATS {
        world.ask(0, TOKENS);
    }
    for _ in 0..BREAKS {
        let after = Duration::from_millis(random.below(MEANWHILE_MS));
        let device = usize::from(random.chance(50));
        let trouble = if random.chance(50) {
            Trouble::Bye
        } else {
            Trouble::Move(Home::Public)
        };
        world.trouble_after(after, device, trouble);
    }
    let is_over = |world: &LinkWorld| world.devices()[0].answers_over() == CHATS;
    let is_whole = world.run_until(UP_WITHIN * 4, is_over);
    assert!(is_whole, "seed {seed}: {:?}", world.phases());
    assert_eq!(
        world.devices()[0].whole_answers(TOKENS),
        CHATS,
        "seed {seed}"
    );
    world.devices()[0].llm_openings()
}

#[test]
fn no_token_is_lost_doubled_or_reordered_however_often_the_link_breaks() {
    let breaks: Option<usize> = env::var("CHAT_BREAKS").ok().and_then(|it| it.parse().ok());
    let worlds = breaks.unwrap_or(100).div_ceil(BREAKS);
    let openings: usize = (0..worlds)
        .map(|seed| chat_through_breaks(seed as u64))
        .sum();
    assert!(
        openings > 2 * worlds,
        "{openings} openings in {worlds} worlds are no breaks"
    );
}
