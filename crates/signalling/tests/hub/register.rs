//! The register dialect: one sender, many receivers.

use std::time::Duration;

use serde_json::json;

use crate::stage::Stage;

#[test]
fn a_sender_and_one_receiver_need_no_ids() {
    let mut stage = Stage::new();
    let sender = stage.register(1, "room", "sender");
    assert_eq!(
        stage.only(sender),
        json!({"type": "registered", "role": "sender", "turnConfig": {"iceServers": []}})
    );
    let receiver = stage.register(2, "room", "receiver");
    let connected = json!({"type": "peer-connected", "peer": "receiver", "id": "1"});
    assert_eq!(stage.only(sender), connected);
    let heard = stage.heard(receiver);
    assert_eq!(heard[0]["type"], "registered");
    assert_eq!(
        heard[1],
        json!({"type": "peer-connected", "peer": "sender"})
    );

    stage.say(
        sender,
        json!({"type": "offer", "sdp": {"type": "offer", "sdp": "v=0"}}),
    );
    let offer = stage.only(receiver);
    assert_eq!(
        offer["sdp"],
        json!({"type": "offer", "sdp": "v=0"}),
        "as it came"
    );
    stage.say(
        receiver,
        json!({"type": "answer", "sdp": "v=0", "id": "forged"}),
    );
    assert_eq!(
        stage.only(sender),
        json!({"type": "answer", "sdp": "v=0", "id": "1"})
    );
    let candidate = json!({"candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0});
    stage.say(
        sender,
        json!({"type": "ice-candidate", "candidate": candidate}),
    );
    assert_eq!(stage.only(receiver)["candidate"], candidate);
    stage.vanish(receiver);
    let gone = json!({"type": "peer-disconnected", "peer": "receiver", "id": "1"});
    assert_eq!(stage.only(sender), gone);
}

#[test]
fn with_several_receivers_the_sender_names_the_one_it_means() {
    let mut stage = Stage::new();
    let (first, second) = (
        stage.register(1, "room", "receiver"),
        stage.register(2, "room", "receiver"),
    );
    let sender = stage.register(3, "room", "sender");
    let heard = stage.heard(sender);
    assert_eq!(
        (&heard[1]["id"], &heard[2]["id"]),
        (&json!("1"), &json!("2"))
    );
    stage.heard(first);
    stage.heard(second);
    stage.say(sender, json!({"type": "offer", "sdp": "v=0"}));
    assert_eq!(stage.only(sender)["type"], "error", "whom?");
    stage.say(sender, json!({"type": "offer", "sdp": "v=0", "id": "2"}));
    assert!(stage.heard(first).is_empty());
    assert_eq!(stage.only(second)["id"], "2");
    stage.say(sender, json!({"type": "offer", "sdp": "v=0", "id": "3"}));
    assert_eq!(stage.only(sender)["type"], "error");
    stage.say(first, json!({"type": "answer", "sdp": "v=0"}));
    assert_eq!(stage.only(sender)["id"], "1");
}

#[test]
fn rooms_do_not_hear_each_other() {
    let mut stage = Stage::new();
    let sender = stage.register(1, "one", "sender");
    let receiver = stage.register(2, "two", "receiver");
    assert_eq!(stage.only(sender)["type"], "registered");
    assert_eq!(stage.only(receiver)["type"], "registered");
    stage.say(receiver, json!({"type": "answer", "sdp": "v=0"}));
    assert_eq!(stage.only(receiver)["type"], "error");
    assert!(stage.heard(sender).is_empty());
}

#[test]
fn a_second_sender_is_refused_and_the_first_is_asked_whether_it_lives() {
    let mut stage = Stage::new();
    let first = stage.register(1, "room", "sender");
    let second = stage.register(2, "room", "sender");
    assert_eq!(stage.only(second)["type"], "error");
    assert_eq!(stage.pings, [first]);
    stage.hub.handle_pong(first);
    stage.pass(Duration::from_secs(5), &[first, second]);
    stage.say(second, json!({"type": "register", "role": "sender"}));
    assert_eq!(stage.only(second)["type"], "error", "the first one lives");
    assert_eq!(stage.close_code(first), None);
}

#[test]
fn a_sender_that_missed_its_pong_is_replaced() {
    let mut stage = Stage::new();
    let first = stage.register(1, "room", "sender");
    let receiver = stage.register(2, "room", "receiver");
    let second = stage.register(3, "room", "sender");
    stage.pass(Duration::from_secs(5), &[receiver, second]);
    stage.heard(receiver);
    stage.heard(second);
    stage.say(second, json!({"type": "register", "role": "sender"}));
    assert_eq!(stage.heard(second)[0]["type"], "registered");
    assert_eq!(stage.close_code(first), Some(4409));
    assert_eq!(
        stage.only(receiver),
        json!({"type": "peer-connected", "peer": "sender"})
    );
}

#[test]
fn the_same_participant_replaces_its_own_socket_at_once() {
    let mut stage = Stage::new();
    let register = |who: &str| json!({"type": "register", "role": "sender", "participant": who});
    let first = stage.enter(1, "room");
    stage.say(first, register("me"));
    let other = stage.enter(2, "room");
    stage.say(other, register("you"));
    assert_eq!(stage.only(other)["type"], "error");
    let second = stage.enter(3, "room");
    stage.say(second, register("me"));
    assert_eq!(stage.only(second)["type"], "registered");
    assert_eq!(stage.close_code(first), Some(4409));
}

#[test]
fn what_a_grant_does_not_allow_is_refused() {
    let mut stage = Stage::new();
    let grant = signalling::RegisterGrant {
        room: "room".into(),
        may_send: false,
        may_receive: true,
        ice_servers: Vec::new(),
    };
    let (socket, now) = (signalling::SocketId(1), stage.now);
    stage.act(|hub| hub.handle_register_opened(socket, grant, now));
    stage.say(socket, json!({"type": "register", "role": "sender"}));
    assert_eq!(stage.only(socket)["type"], "error");
    stage.say(socket, json!({"type": "register", "role": "receiver"}));
    assert_eq!(stage.only(socket)["type"], "registered");
}

#[test]
fn nonsense_and_impatience_are_errors() {
    let mut stage = Stage::new();
    let socket = stage.enter(1, "room");
    for text in [
        "{",
        r#"{"type":"dance"}"#,
        r#"{"type":"register","role":"king"}"#,
        r#"{"type":"offer","sdp":5}"#,
        r#"{"type":"offer","sdp":"v=0"}"#,
    ] {
        stage.say_text(socket, text);
        assert_eq!(stage.only(socket)["type"], "error", "{text}");
    }
    stage.pass(Duration::from_secs(10), &[socket]);
    assert_eq!(stage.close_code(socket), Some(4400), "no role in time");
}
