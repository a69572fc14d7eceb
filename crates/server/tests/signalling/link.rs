//! `/api/signal`: what two devices of a pair can do, and how their sockets end.

use hyper::Method;
use serde_json::{Value, json};

use crate::paired::Paired;

#[tokio::test]
async fn two_devices_meet_and_their_messages_cross() {
    let stage = Paired::start().await;
    let token = stage.link_token(&stage.ada).await;
    let mut ada = stage.open("/api/signal", &token).await;
    let ready = ada.hear().await;
    let is_lower = stage.ada.id() < stage.bob.id();
    assert_eq!(ready["polite"], is_lower);
    assert_eq!(
        ready["peer"],
        json!({"deviceId": stage.bob.id(), "online": false})
    );
    assert!(
        ready["iceServersExp"]
            .as_u64()
            .is_some_and(|exp| exp > 1_760_000_000)
    );
    ada.say(stage.message("offer", "sdp", "v=0")).await;
    assert_eq!(ada.code().await, "peer-offline");

    let mut bob = stage.link(&stage.bob).await;
    assert_eq!(ada.hear().await["online"], true);
    let mut offer = stage.message("offer", "sdp", "v=0");
    offer["from"] = json!("nobody");
    ada.say(offer.clone()).await;
    offer["from"] = json!(stage.ada.id());
    assert_eq!(bob.hear().await, offer);
    bob.say(stage.message("ice", "candidate", "")).await;
    assert_eq!(ada.hear().await["from"], json!(stage.bob.id()));
    assert_eq!(stage.count_online().await, 2);
    drop(bob);
    assert_eq!(ada.hear().await["online"], false);
    assert_eq!(stage.count_online().await, 1);
}

impl Paired {
    /// How many devices of Ada's account are shown as online.
    async fn count_online(&self) -> usize {
        let token = self.account_token(&self.ada).await;
        let reply = self.get("/api/devices", &token).await.ok();
        let devices = reply["devices"].as_array().expect("devices");
        devices
            .iter()
            .filter(|device| device["online"] == true)
            .count()
    }
}

#[tokio::test]
async fn a_browser_shows_its_token_as_a_subprotocol_and_hears_only_the_other_one() {
    let stage = Paired::start().await;
    let token = stage.link_token(&stage.ada).await;
    let offers = format!("heliograph.v1, base64url.bearer.authorization.heliograph.{token}");
    let headers = [
        ("sec-websocket-protocol", offers.as_str()),
        ("origin", stage.origin.as_str()),
    ];
    let (mut ada, response) = stage
        .try_open("/api/signal", &headers)
        .await
        .expect("a websocket");
    assert_eq!(
        response.headers()["sec-websocket-protocol"],
        "heliograph.v1"
    );
    assert_eq!(ada.hear().await["t"], "ready");
}

#[tokio::test]
async fn a_revoked_device_loses_its_open_socket_and_its_peer_is_told() {
    let stage = Paired::start().await;
    let (mut ada, mut bob) = stage.couple().await;
    let token = stage.account_token(&stage.ada).await;
    let path = format!("/api/devices/{}", stage.bob.id());
    let reply = stage.call(Method::DELETE, &path, &token, Value::Null).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    for client in [&mut ada, &mut bob] {
        assert_eq!(client.code().await, "revoked");
        assert_eq!(client.close_code().await, 4403);
    }
}

#[tokio::test]
async fn a_revoked_pair_closes_both_sockets_and_its_tokens_open_none() {
    let stage = Paired::start().await;
    let (mut ada, mut bob) = stage.couple().await;
    let old_token = stage.link_token(&stage.bob).await;
    let token = stage.account_token(&stage.ada).await;
    let path = format!("/api/pairs/{}", stage.pair);
    let reply = stage.call(Method::DELETE, &path, &token, Value::Null).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    assert_eq!(ada.close_code().await, 4403);
    assert_eq!(bob.close_code().await, 4403);
    let mut late = stage.open("/api/signal", &old_token).await;
    assert_eq!(late.code().await, "revoked");
    assert_eq!(late.close_code().await, 4403);
}

#[tokio::test]
async fn a_newer_pair_of_the_two_closes_the_sockets_of_the_older() {
    let stage = Paired::start().await;
    let (mut ada, mut bob) = stage.couple().await;
    let newer = stage.pair(&stage.ada, &stage.bob).await;
    for client in [&mut ada, &mut bob] {
        assert_eq!(client.code().await, "revoked");
        assert_eq!(client.close_code().await, 4403);
    }
    let assertion = stage.assertion(&stage.ada);
    let refused = stage.ask_token(&assertion, Some(&stage.pair)).await;
    assert_eq!(refused.problem(), "revoked");
    let token = stage.stage.link_token(&stage.ada, &newer).await;
    let mut ada = stage.open("/api/signal", &token).await;
    assert_eq!(ada.hear().await["t"], "ready");
}

#[tokio::test]
async fn a_newer_socket_replaces_the_older_one() {
    let stage = Paired::start().await;
    let (mut ada, mut bob) = stage.couple().await;
    let mut newer = stage.link(&stage.ada).await;
    assert_eq!(ada.code().await, "replaced");
    assert_eq!(ada.close_code().await, 4409);
    assert_eq!(bob.hear().await["online"], true);
    bob.say(stage.message("bye", "reason", "x")).await;
    assert_eq!(newer.hear().await["t"], "bye");
}

#[tokio::test]
async fn a_token_is_renewed_in_band_and_only_by_one_of_the_same_pair() {
    let stage = Paired::start().await;
    let mut ada = stage.link(&stage.ada).await;
    let fresh = stage.link_token(&stage.ada).await;
    ada.say(json!({"t": "auth", "token": fresh})).await;
    let auth_ok = ada.hear().await;
    assert_eq!(auth_ok["t"], "auth-ok");
    assert!(auth_ok["iceServers"].is_array() && auth_ok["exp"].is_u64());
    let of_bob = stage.link_token(&stage.bob).await;
    let of_account = stage.account_token(&stage.ada).await;
    for token in [of_bob, of_account, "x.y.z".to_owned()] {
        ada.say(json!({"t": "auth", "token": token})).await;
        assert_eq!(ada.code().await, "unauthorized");
    }
}

#[tokio::test]
async fn a_server_that_stops_says_so_first() {
    let stage = Paired::start().await;
    let mut ada = stage.link(&stage.ada).await;
    let hearing = async { (ada.code().await, ada.close_code().await) };
    let stopping = stage.stage.running.stop();
    let (heard, ()) = tokio::join!(hearing, stopping);
    assert_eq!(heard, ("draining".to_owned(), 1001));
}
