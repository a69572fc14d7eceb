//! Pings, pongs and terms, on a virtual clock.

use std::time::Duration;

use crate::stage::Stage;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_socket_is_pinged_every_twenty_seconds() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    stage.pass(19 * SECOND, &[ada, bob]);
    assert!(stage.pings.is_empty());
    stage.pass(SECOND, &[ada, bob]);
    assert_eq!(stage.pings, [ada, bob]);
    stage.pass(20 * SECOND, &[ada, bob]);
    assert_eq!(stage.pings.len(), 4);
}

#[test]
fn a_silent_socket_is_closed_after_two_missed_pongs_and_its_peer_is_told() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    stage.pass(59 * SECOND, &[bob]);
    assert_eq!(stage.close_code(ada), None);
    stage.pass(SECOND, &[bob]);
    assert_eq!(stage.close_code(ada), Some(1001));
    assert_eq!(stage.only(bob)["online"], false);
    assert_eq!(stage.close_code(bob), None);
}

#[test]
fn a_registry_that_never_answers_leaves_no_socket_hanging() {
    let mut stage = Stage::new();
    let ada = stage.open(1, "ada");
    stage.pass(10 * SECOND, &[ada]);
    assert_eq!(stage.close_code(ada), Some(1011));
    stage.admit(ada, "bob");
    assert!(
        stage
            .heard(ada)
            .iter()
            .all(|message| message["t"] != "ready")
    );
}

#[test]
fn an_empty_hub_waits_for_nothing() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    stage.vanish(ada);
    stage.vanish(bob);
    assert_eq!(stage.hub.poll_timeout(), None);
    assert!(stage.hub.stats().sockets.values().all(|open| *open == 0));
}
