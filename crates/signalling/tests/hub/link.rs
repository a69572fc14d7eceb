//! The link of a pair: ready, presence, relay, renewal, replacement.

use std::time::Duration;

use serde_json::json;
use signalling::Denial;

use crate::stage::{Stage, device, pair};

fn offer() -> serde_json::Value {
    json!({"t": "offer", "pairId": pair("pair").as_str(), "sdp": "v=0\r\n"})
}

#[test]
fn ready_comes_after_the_registry_answered_and_says_who_is_polite() {
    let mut stage = Stage::new();
    let ada = stage.open(1, "ada");
    assert_eq!(stage.lookups, [ada]);
    assert!(stage.heard(ada).is_empty());
    stage.admit(ada, "bob");
    let ready = stage.only(ada);
    assert_eq!(ready["t"], "ready");
    assert_eq!(ready["polite"], true, "ada is lower than bob");
    assert_eq!(
        ready["peer"],
        json!({"deviceId": device("bob").as_str(), "online": false})
    );
    assert_eq!(ready["iceServersExp"], 7);

    let bob = stage.link(2, "bob", "ada");
    let ready = stage.only(bob);
    assert_eq!(
        (&ready["polite"], &ready["peer"]["online"]),
        (&json!(false), &json!(true))
    );
    let presence = stage.only(ada);
    assert_eq!(presence["t"], "peer");
    assert_eq!(presence["online"], true);
}

#[test]
fn a_message_reaches_the_other_device_with_its_sender_set() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    let mut message = offer();
    message["from"] = json!("somebody else");
    message["x-future"] = json!({"kept": [1, 2]});
    stage.say(ada, message.clone());
    message["from"] = json!(device("ada").as_str());
    assert_eq!(stage.only(bob), message);
    assert!(stage.heard(ada).is_empty());
}

#[test]
fn a_message_for_another_pair_reaches_nobody() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    for pair_id in [pair("other").as_str(), "x", ""] {
        stage.say(ada, json!({"t": "offer", "pairId": pair_id, "sdp": "v=0"}));
        assert_eq!(stage.code(ada), "wrong-pair");
        assert!(stage.heard(bob).is_empty());
    }
}

#[test]
fn two_pairs_of_one_device_do_not_hear_each_other() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    let mut grant = stage.grant("ada");
    grant.pair = pair("second");
    let second = stage.open_with(3, grant);
    stage.admit(second, "cyd");
    assert_eq!(
        stage.close_code(ada),
        None,
        "another pair's socket replaces nothing"
    );
    stage.heard(second);
    stage.say(second, offer());
    assert_eq!(stage.code(second), "wrong-pair");
    stage.say(
        second,
        json!({"t": "bye", "pairId": pair("second").as_str()}),
    );
    assert_eq!(stage.code(second), "peer-offline");
    assert!(stage.heard(bob).is_empty() && stage.heard(ada).is_empty());
}

#[test]
fn an_absent_peer_is_named_and_nothing_is_kept_for_it() {
    let mut stage = Stage::new();
    let ada = stage.link(1, "ada", "bob");
    stage.heard(ada);
    stage.say(ada, offer());
    assert_eq!(stage.code(ada), "peer-offline");
    let bob = stage.link(2, "bob", "ada");
    assert_eq!(stage.only(bob)["t"], "ready");
}

#[test]
fn every_malformed_message_has_its_code_and_the_socket_is_kept() {
    let mut stage = Stage::new();
    let (ada, _) = stage.couple();
    let deep = format!(
        "{{\"t\":\"bye\",\"x\":{}{}}}",
        "[".repeat(99),
        "]".repeat(99)
    );
    for (text, code) in [
        ("{", "bad-json"),
        ("", "bad-json"),
        (deep.as_str(), "bad-json"),
        ("[]", "bad-message"),
        ("{}", "bad-message"),
        (r#"{"t":5}"#, "bad-message"),
        (r#"{"t":"offer","sdp":"v=0"}"#, "bad-message"),
        (
            r#"{"t":"offer","pairId":"a","pairId":"b","sdp":""}"#,
            "bad-message",
        ),
        (r#"{"t":"auth"}"#, "bad-message"),
        (r#"{"t":"dance","sdp":5}"#, "unknown-type"),
    ] {
        stage.say_text(ada, text);
        assert_eq!(stage.code(ada), code, "{text}");
    }
    stage.act(|hub| hub.handle_binary(ada, 9, stage_now(hub)));
    assert_eq!(stage.code(ada), "bad-json");
    assert_eq!(stage.close_code(ada), None);
}

/// A binary message costs like a text; any instant that the hub knows will do.
fn stage_now(hub: &signalling::Hub) -> std::time::Instant {
    hub.poll_timeout().expect("somebody is there")
}

#[test]
fn leaving_is_seen_by_the_other_device() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    stage.vanish(ada);
    let presence = stage.only(bob);
    assert_eq!(
        (&presence["t"], &presence["online"]),
        (&json!("peer"), &json!(false))
    );
    assert_eq!(
        stage.hub.online(&[device("ada"), device("bob")]),
        [false, true]
    );
}

#[test]
fn a_newer_socket_replaces_the_older_one() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    let newer = stage.link(3, "ada", "bob");
    assert_eq!(stage.code(ada), "replaced");
    assert_eq!(stage.close_code(ada), Some(4409));
    assert_eq!(
        stage.only(bob)["online"],
        true,
        "told to offer again, never that ada left"
    );
    stage.heard(newer);
    stage.say(bob, offer());
    assert_eq!(stage.only(newer)["t"], "offer");
}

#[test]
fn an_older_socket_that_is_admitted_late_does_not_replace_a_newer_one() {
    let mut stage = Stage::new();
    let older = stage.open(1, "ada");
    let newer = stage.link(2, "ada", "bob");
    stage.admit(older, "bob");
    assert_eq!(stage.close_code(older), Some(4409));
    assert_eq!(stage.close_code(newer), None);
}

#[test]
fn a_token_is_renewed_in_band() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    stage.pass(Duration::from_secs(290), &[ada, bob]);
    stage.say(ada, json!({"t": "auth", "token": "fresh"}));
    assert_eq!(stage.tokens, [(ada, "fresh".to_owned())]);
    stage.say(ada, json!({"t": "auth", "token": "impatient"}));
    assert_eq!(stage.code(ada), "rate-limited", "one at a time");
    let grant = stage.grant("ada");
    stage.verified(ada, Some(grant));
    let auth_ok = stage.only(ada);
    assert_eq!(
        (&auth_ok["t"], &auth_ok["exp"]),
        (&json!("auth-ok"), &json!(99))
    );
    stage.pass(Duration::from_secs(300), &[ada, bob]);
    assert_eq!(stage.close_code(ada), None);
    assert_eq!(stage.close_code(bob), Some(4401), "bob did not renew");
}

#[test]
fn a_renewal_for_somebody_else_is_refused_and_the_old_token_stays() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    let (mut other_pair, mut other_account) = (stage.grant("ada"), stage.grant("ada"));
    other_pair.pair = pair("other");
    other_account.account = crate::stage::account("other");
    for grant in [
        Some(stage.grant("bob")),
        Some(other_pair),
        Some(other_account),
        None,
    ] {
        stage.say(ada, json!({"t": "auth", "token": "t"}));
        stage.verified(ada, grant);
        assert_eq!(stage.code(ada), "unauthorized");
    }
    stage.pass(Duration::from_secs(329), &[ada, bob]);
    assert_eq!(stage.close_code(ada), None, "exp + 29 s");
    stage.pass(Duration::from_secs(1), &[ada, bob]);
    assert_eq!(stage.close_code(ada), Some(4401), "exp + 30 s");
}

#[test]
fn a_registry_that_cannot_say_is_the_servers_fault() {
    let mut stage = Stage::new();
    let ada = stage.open(1, "ada");
    stage.deny(ada, Denial::Unavailable);
    assert_eq!(stage.code(ada), "internal");
    assert_eq!(stage.close_code(ada), Some(1011));
}

#[test]
fn the_time_from_offer_to_answer_is_measured() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    stage.say(ada, offer());
    stage.pass(Duration::from_millis(250), &[]);
    let mut answer = offer();
    answer["t"] = json!("answer");
    stage.say(bob, answer.clone());
    stage.say(bob, answer);
    assert_eq!(stage.answered, [Duration::from_millis(250)]);
}
