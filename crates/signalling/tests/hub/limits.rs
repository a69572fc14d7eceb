//! Everything a stranger could make grow, at its limit and at limit + 1.

use std::time::Duration;

use protocol::signal::{
    MAX_CANDIDATE_BYTES, MAX_CANDIDATES_PER_OFFER, MAX_MESSAGE_BYTES, MAX_SDP_BYTES,
};
use serde_json::{Value, json};
use signalling::Limits;

use crate::stage::{Stage, pair};

fn offer(sdp: &str) -> Value {
    json!({"t": "offer", "pairId": pair("pair").as_str(), "sdp": sdp})
}

fn ice(candidate: &str) -> Value {
    json!({"t": "ice", "pairId": pair("pair").as_str(), "candidate": candidate, "mid": "0"})
}

#[test]
fn sdp_and_candidate_may_be_as_large_as_their_limit() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    stage.say(ada, offer(&"x".repeat(MAX_SDP_BYTES)));
    stage.say(ada, ice(&"x".repeat(MAX_CANDIDATE_BYTES)));
    assert_eq!(stage.heard(bob).len(), 2);
    assert!(stage.heard(ada).is_empty());
}

#[test]
fn one_byte_more_is_too_large_and_closes_with_1009() {
    let pair = pair("pair");
    let empty = json!({"t": "bye", "pairId": pair.as_str(), "reason": ""})
        .to_string()
        .len();
    let bye = |size: usize| json!({"t": "bye", "pairId": pair.as_str(), "reason": "x".repeat(size - empty)});
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    stage.say(ada, bye(MAX_MESSAGE_BYTES));
    assert_eq!(stage.heard(bob).len(), 1);
    for (message, limit) in [
        (bye(MAX_MESSAGE_BYTES + 1), "65536"),
        (offer(&"x".repeat(MAX_SDP_BYTES + 1)), "32768"),
        (ice(&"x".repeat(MAX_CANDIDATE_BYTES + 1)), "1024"),
    ] {
        let mut stage = Stage::new();
        let (ada, bob) = stage.couple();
        stage.say(ada, message);
        let error = stage.only(ada);
        assert_eq!(error["code"], "too-large");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.contains(limit)),
            "{error}"
        );
        assert_eq!(stage.close_code(ada), Some(1009));
        assert_eq!(stage.only(bob)["t"], "peer");
    }
}

#[test]
fn one_candidate_more_than_the_limit_is_too_large() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    stage.say(ada, offer("v=0\r\na=candidate:1\r\na=candidate:2\r\n"));
    for _ in 2..MAX_CANDIDATES_PER_OFFER {
        stage.say(ada, ice("candidate:3"));
    }
    stage.say(ada, ice(""));
    assert_eq!(stage.heard(bob).len(), MAX_CANDIDATES_PER_OFFER);
    stage.say(bob, ice("candidate:1"));
    assert_eq!(stage.heard(ada).len(), 1, "bob has his own count");
    stage.say(ada, ice("candidate:4"));
    assert_eq!(stage.code(ada), "too-large");
    assert_eq!(stage.close_code(ada), Some(1009));
}

#[test]
fn an_offer_starts_both_counts_anew() {
    let mut stage = Stage::with(Limits {
        messages_burst: 1000,
        ..Limits::default()
    });
    let (ada, bob) = stage.couple();
    for offerer in [ada, bob, ada] {
        stage.say(offerer, offer("v=0"));
        for _ in 0..MAX_CANDIDATES_PER_OFFER {
            stage.say(ada, ice("candidate:1"));
            stage.say(bob, ice("candidate:1"));
        }
    }
    assert_eq!((stage.close_code(ada), stage.close_code(bob)), (None, None));
}

#[test]
fn messages_beyond_the_burst_are_refused_and_say_when_to_come_back() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    for _ in 0..160 {
        stage.say(ada, json!({"t": "bye", "pairId": pair("pair").as_str()}));
    }
    assert_eq!(stage.heard(bob).len(), 160);
    stage.say(ada, json!({"t": "bye", "pairId": pair("pair").as_str()}));
    let error = stage.only(ada);
    assert_eq!(
        (&error["code"], &error["retryAfterMs"]),
        (&json!("rate-limited"), &json!(50))
    );
    assert!(stage.heard(bob).is_empty());
    stage.pass(Duration::from_millis(50), &[]);
    stage.say(ada, json!({"t": "bye", "pairId": pair("pair").as_str()}));
    assert_eq!(stage.heard(bob).len(), 1);
}

#[test]
fn who_does_not_stop_is_closed_with_4429() {
    let mut stage = Stage::new();
    let (ada, bob) = stage.couple();
    for _ in 0..160 + 160 {
        stage.say(ada, json!({"t": "nonsense"}));
    }
    assert_eq!(stage.close_code(ada), None);
    stage.say(ada, json!({"t": "nonsense"}));
    assert_eq!(stage.close_code(ada), Some(4429));
    assert_eq!(stage.only(bob)["online"], false);
}

#[test]
fn bytes_are_limited_too() {
    let limits = Limits {
        bytes_burst: 1000,
        bytes_per_second: 1,
        ..Limits::default()
    };
    let mut stage = Stage::with(limits);
    let (ada, bob) = stage.couple();
    stage.say(ada, offer(&"x".repeat(800)));
    stage.say(ada, offer(&"x".repeat(800)));
    assert_eq!(stage.code(ada), "rate-limited");
    assert_eq!(stage.heard(bob).len(), 1);
}

#[test]
fn malformed_messages_beyond_patience_close_with_4400() {
    let mut stage = Stage::new();
    let (ada, _) = stage.couple();
    for _ in 0..64 {
        stage.say_text(ada, "{");
    }
    assert_eq!(stage.close_code(ada), None);
    stage.say_text(ada, "{");
    assert_eq!(stage.close_code(ada), Some(4400));
}

#[test]
fn an_account_has_so_many_sockets_and_gets_them_back() {
    let mut stage = Stage::with(Limits {
        sockets_per_account: 2,
        ..Limits::default()
    });
    let (ada, _) = stage.couple();
    let third = stage.open(3, "cyd");
    assert_eq!(stage.code(third), "rate-limited");
    assert_eq!(stage.close_code(third), Some(4429));
    stage.vanish(ada);
    let fourth = stage.open(4, "cyd");
    assert_eq!(stage.close_code(fourth), None);
}

#[test]
fn rooms_and_receivers_are_limited() {
    let limits = Limits {
        register_rooms: 1,
        receivers_per_room: 2,
        ..Limits::default()
    };
    let mut stage = Stage::with(limits);
    let receivers: Vec<_> = (1..=3)
        .map(|n| stage.register(n, "room", "receiver"))
        .collect();
    assert_eq!(stage.only(receivers[1])["type"], "registered");
    assert_eq!(stage.only(receivers[2])["type"], "error");
    let other = stage.register(4, "other", "sender");
    assert_eq!(stage.only(other)["type"], "error");
    stage.vanish(receivers[0]);
    stage.vanish(receivers[1]);
    stage.say(other, json!({"type": "register", "role": "sender"}));
    assert_eq!(
        stage.only(other)["type"],
        "registered",
        "the empty room is gone"
    );
}

#[test]
fn invites_are_limited_per_account_and_in_all_and_spent_ones_count() {
    let limits = Limits {
        invites_per_account: 2,
        invites: 3,
        ..Limits::default()
    };
    let mut stage = Stage::with(limits);
    for (socket, id) in [(1, "a"), (2, "b")] {
        let ada = stage.invite(socket, id, "ada");
        stage.vanish(ada);
    }
    let third = stage.invite(3, "c", "ada");
    assert_eq!(stage.close_code(third), Some(4429));
    stage.invite(4, "d", "bob");
    let full = stage.invite(5, "e", "cyd");
    assert_eq!(stage.close_code(full), Some(4429));
    stage.pass(Duration::from_secs(120), &[]);
    let later = stage.invite(6, "a", "ada");
    assert_eq!(
        stage.close_code(later),
        None,
        "what is spent is forgotten after its time"
    );
}

#[test]
fn killed_keys_are_forgotten_oldest_first() {
    let mut stage = Stage::with(Limits {
        dead_keys: 1,
        ..Limits::default()
    });
    stage.act(|hub| hub.drop_key("kid-1"));
    stage.act(|hub| hub.drop_key("kid-2"));
    let ada = stage.open(1, "ada");
    assert_eq!(stage.close_code(ada), None);
}
