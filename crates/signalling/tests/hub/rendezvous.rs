//! The pairing rendezvous: opaque, short, once.

use std::time::Duration;

use serde_json::json;

use crate::stage::Stage;

fn noise(data: &str) -> serde_json::Value {
    json!({"t": "noise", "data": data})
}

#[test]
fn both_are_told_and_their_messages_pass_unread() {
    let mut stage = Stage::new();
    let inviter = stage.invite(1, "id", "ada");
    assert_eq!(stage.lookups, [inviter]);
    let joiner = stage.join(2, "id");
    assert_eq!(stage.only(inviter), json!({"t": "joined"}));
    assert_eq!(stage.only(joiner), json!({"t": "joined"}));
    stage.say(joiner, noise("aGVsbG8"));
    assert_eq!(stage.only(inviter), noise("aGVsbG8"));
    stage.say(inviter, noise("Zm9v"));
    assert_eq!(stage.only(joiner), noise("Zm9v"));
    stage.vanish(joiner);
    assert_eq!(stage.only(inviter), json!({"t": "left"}));
    stage.say(inviter, noise("Zm9v"));
    assert_eq!(stage.code(inviter), "peer-offline");
}

#[test]
fn nobody_joins_what_was_never_opened_or_is_being_joined() {
    let mut stage = Stage::new();
    let early = stage.join(1, "id");
    assert_eq!(stage.code(early), "unknown-invite");
    assert_eq!(stage.close_code(early), Some(4404));
    stage.invite(2, "id", "ada");
    stage.join(3, "id");
    let second = stage.join(4, "id");
    assert_eq!(stage.code(second), "busy");
    assert_eq!(stage.close_code(second), Some(4404));
}

#[test]
fn an_id_is_never_accepted_again_within_its_time() {
    let mut stage = Stage::new();
    let inviter = stage.invite(1, "id", "ada");
    let joiner = stage.join(2, "id");
    stage.vanish(inviter);
    assert_eq!(stage.close_code(joiner), Some(4404));
    let joiner = stage.join(3, "id");
    assert_eq!(stage.close_code(joiner), Some(4404));
    let again = stage.invite(4, "id", "ada");
    assert_eq!(stage.close_code(again), Some(4404));
}

#[test]
fn an_invite_ends_after_120_seconds() {
    let mut stage = Stage::new();
    let inviter = stage.invite(1, "id", "ada");
    let joiner = stage.join(2, "id");
    stage.heard(inviter);
    stage.pass(Duration::from_secs(119), &[inviter, joiner]);
    assert_eq!(stage.close_code(inviter), None);
    stage.pass(Duration::from_secs(1), &[inviter, joiner]);
    assert_eq!(stage.code(inviter), "expired");
    assert_eq!(stage.close_code(inviter), Some(4404));
    assert_eq!(stage.close_code(joiner), Some(4404));
}

#[test]
fn the_third_failure_burns_the_invite() {
    let mut stage = Stage::new();
    let inviter = stage.invite(1, "id", "ada");
    for attempt in 1..=3 {
        let joiner = stage.join(1 + attempt, "id");
        assert_eq!(stage.close_code(inviter), None);
        stage.say(inviter, json!({"t": "failed"}));
        assert_eq!(stage.close_code(joiner), Some(4404));
    }
    let heard = stage.heard(inviter);
    assert_eq!(heard.last().expect("an error")["code"], "burnt");
    assert_eq!(stage.close_code(inviter), Some(4404));
}

#[test]
fn a_burnt_invite_closes_both_and_only_the_inviter_may_burn_it() {
    let mut stage = Stage::new();
    let inviter = stage.invite(1, "id", "ada");
    let joiner = stage.join(2, "id");
    stage.heard(joiner);
    stage.say(joiner, json!({"t": "burn"}));
    assert_eq!(stage.code(joiner), "unknown-type");
    stage.say(inviter, json!({"t": "burn"}));
    assert_eq!(stage.close_code(inviter), Some(4404));
    assert_eq!(stage.close_code(joiner), Some(4404));
}

#[test]
fn sixteen_messages_pass_and_the_next_ends_the_attempt() {
    let mut stage = Stage::new();
    let inviter = stage.invite(1, "id", "ada");
    let joiner = stage.join(2, "id");
    for _ in 0..8 {
        stage.say(joiner, noise("eA"));
        stage.say(inviter, noise("eA"));
    }
    assert_eq!(stage.heard(joiner).len(), 1 + 8);
    stage.say(joiner, noise("eA"));
    assert_eq!(stage.close_code(joiner), Some(4404));
    stage.heard(inviter);
    let next = stage.join(3, "id");
    stage.say(next, noise("eA"));
    assert_eq!(
        stage.heard(inviter).len(),
        2,
        "the next joiner has its own sixteen"
    );
}

#[test]
fn a_message_has_four_kibibytes() {
    let mut stage = Stage::new();
    let inviter = stage.invite(1, "id", "ada");
    let joiner = stage.join(2, "id");
    let room = 4096 - noise("").to_string().len();
    stage.say(joiner, noise(&"x".repeat(room)));
    assert_eq!(stage.heard(inviter).len(), 2);
    stage.heard(joiner);
    stage.say(joiner, noise(&"x".repeat(room + 1)));
    assert_eq!(stage.code(joiner), "too-large");
    assert_eq!(stage.close_code(joiner), Some(1009));
}
