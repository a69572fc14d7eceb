//! `/ws` with open rooms: one sender, several receivers, and a socket that says nothing.

use serde_json::json;

use crate::paired::Paired;

const OPEN: (&str, &str) = ("signalling.open_rooms", "true");

#[tokio::test]
async fn a_sender_reaches_each_of_its_receivers() {
    let stage = Paired::start_with(&[OPEN]).await;
    let mut sender = stage.open("/ws?room=cam", "").await;
    sender
        .say(json!({"type": "register", "role": "sender"}))
        .await;
    let registered = sender.hear().await;
    assert_eq!(
        (&registered["type"], &registered["role"]),
        (&json!("registered"), &json!("sender"))
    );
    assert!(registered["turnConfig"]["iceServers"].is_array());
    let mut receivers = Vec::new();
    for id in ["1", "2"] {
        let mut receiver = stage.open("/ws?room=cam", "").await;
        receiver
            .say(json!({"type": "register", "role": "receiver"}))
            .await;
        assert_eq!(receiver.hear().await["type"], "registered");
        assert_eq!(receiver.hear().await["type"], "peer-connected");
        assert_eq!(sender.hear().await["id"], id);
        receivers.push(receiver);
    }
    sender
        .say(json!({"type": "offer", "sdp": "v=0", "id": "2"}))
        .await;
    assert_eq!(receivers[1].hear().await["sdp"], "v=0");
    receivers[0]
        .say(json!({"type": "answer", "sdp": {"type": "answer", "sdp": "v=0"}}))
        .await;
    let answer = sender.hear().await;
    assert_eq!(
        (&answer["id"], &answer["sdp"]["type"]),
        (&json!("1"), &json!("answer"))
    );
    drop(receivers);
    assert_eq!(sender.hear().await["type"], "peer-disconnected");
}

#[tokio::test]
async fn rooms_are_apart_and_one_without_a_name_is_the_default() {
    let stage = Paired::start_with(&[OPEN]).await;
    let mut sender = stage.open("/ws", "").await;
    sender
        .say(json!({"type": "register", "role": "sender"}))
        .await;
    assert_eq!(sender.hear().await["type"], "registered");
    let mut other = stage.open("/ws?room=other", "").await;
    other
        .say(json!({"type": "register", "role": "sender"}))
        .await;
    assert_eq!(other.hear().await["type"], "registered");
    let mut second = stage.open("/ws?room=default", "").await;
    second
        .say(json!({"type": "register", "role": "sender"}))
        .await;
    assert_eq!(second.hear().await["type"], "error");
}

#[tokio::test]
async fn a_silent_socket_is_closed() {
    let stage = Paired::start_with(&[OPEN, ("limits.authenticate_timeout_ms", "200")]).await;
    let mut silent = stage.open("/ws", "").await;
    assert_eq!(silent.hear().await["type"], "error");
    assert_eq!(silent.close_code().await, 4400);
}
