//! Nothing that was revoked stays open, whenever the revocation comes.

use signalling::{Denial, SocketId};

use crate::stage::{Stage, device, pair};

fn assert_revoked(stage: &mut Stage, socket: SocketId) {
    let heard = stage.heard(socket);
    let last = heard.last().expect("an error");
    assert_eq!(last["code"], "revoked", "{heard:?}");
    assert_eq!(stage.close_code(socket), Some(4403));
}

#[test]
fn a_revoked_pair_closes_both_sides_at_once() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    stage.act(|hub| hub.revoke_pair(&pair("pair")));
    assert_revoked(&mut stage, ada);
    assert_revoked(&mut stage, bob);
}

#[test]
fn a_revoked_device_takes_its_peers_with_it_even_while_it_is_away() {
    let mut stage = Stage::new();
    let bob = stage.link(1, "bob", "ada");
    let mut grant = stage.grant("bob");
    grant.pair = pair("other");
    let other = stage.open_with(2, grant);
    stage.admit(other, "cyd");
    stage.act(|hub| hub.revoke_device(&device("ada")));
    assert_revoked(&mut stage, bob);
    assert_eq!(
        stage.close_code(other),
        None,
        "bob and cyd are still a pair"
    );
}

#[test]
fn a_revocation_between_lookup_and_answer_is_not_missed() {
    for revoke in [
        |hub: &mut signalling::Hub| hub.revoke_pair(&pair("pair")),
        |hub: &mut signalling::Hub| hub.revoke_device(&device("ada")),
        |hub: &mut signalling::Hub| hub.revoke_device(&device("bob")),
    ] {
        let mut stage = Stage::new();
        let ada = stage.open(1, "ada");
        stage.act(revoke);
        stage.admit(ada, "bob");
        assert_revoked(&mut stage, ada);
        assert_eq!(stage.hub.online(&[device("ada")]), [false]);
    }
}

#[test]
fn a_registry_that_knows_of_the_revocation_admits_nobody() {
    let mut stage = Stage::new();
    let ada = stage.open(1, "ada");
    stage.deny(ada, Denial::Revoked);
    assert_revoked(&mut stage, ada);
}

#[test]
fn a_revoked_device_loses_its_invites() {
    let mut stage = Stage::new();
    let ada = stage.invite(1, "id", "ada");
    let joiner = stage.join(2, "id");
    stage.act(|hub| hub.revoke_device(&device("ada")));
    assert_revoked(&mut stage, ada);
    assert_eq!(stage.close_code(joiner), Some(4404));
}

#[test]
fn a_killed_key_closes_what_it_opened_and_opens_nothing_more() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    let mut grant = stage.grant("ada");
    grant.kid = "kid-2".into();
    stage.say(ada, serde_json::json!({"t": "auth", "token": "t"}));
    stage.verified(ada, Some(grant));
    let inviter = stage.invite(3, "id", "ada");
    stage.act(|hub| hub.drop_key("kid-1"));
    assert_eq!(stage.close_code(ada), None, "ada renewed with another key");
    assert_eq!(stage.close_code(bob), Some(4401));
    assert_eq!(stage.close_code(inviter), Some(4401));

    let late = stage.open(4, "bob");
    assert_eq!(
        stage.close_code(late),
        Some(4401),
        "its token was checked before the kill"
    );
    stage.say(ada, serde_json::json!({"t": "auth", "token": "t"}));
    let grant = stage.grant("ada");
    stage.heard(ada);
    stage.verified(ada, Some(grant));
    assert_eq!(stage.code(ada), "unauthorized", "so was this one");
}

#[test]
fn a_drain_tells_and_closes_everybody_and_lets_nobody_in() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    let sender = stage.register(3, "room", "sender");
    stage.heard(sender);
    stage.act(signalling::Hub::drain);
    for socket in [ada, bob] {
        assert_eq!(stage.code(socket), "draining");
        assert_eq!(stage.close_code(socket), Some(1001));
    }
    assert_eq!(stage.only(sender)["type"], "error");
    assert_eq!(stage.close_code(sender), Some(1001));
    let late = stage.open(4, "ada");
    assert_eq!(stage.close_code(late), Some(1001));
    assert!(!stage.lookups.contains(&late));
}
