//! Shares: codes for people without a device (spec 5, "Publish and watch").

use hyper::Method;
use identity::testing::TestDevice;
use serde_json::{Value, json};

use crate::client::{Connection, Reply, request};
use crate::stage::{Stage, people, secret_of, token_of};

const SHARES: &str = "/api/streams/cam0/shares";

/// Ada, who has the stream `cam0`, and a token of her account.
async fn with_cam0(settings: &[(&str, &str)]) -> (Stage, TestDevice, String) {
    let stage = Stage::start_with(settings).await;
    let [ada, ..] = people();
    stage.set_up(&ada).await;
    let token = stage.account_token(&ada).await;
    let body = json!({"isPublic": false});
    let made = stage.call(Method::PUT, "/api/streams/cam0", &token, body);
    assert_eq!(made.await.status, 200);
    (stage, ada, token)
}

async fn share(stage: &Stage, token: &str, asked: Value) -> Value {
    let reply = stage.post(SHARES, token, asked).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()
}

fn code(share: &Value) -> &str {
    share["code"].as_str().expect("a code")
}

async fn access(stage: &Stage, what: &str, code: &str) -> Reply {
    let (action, stream) = what.split_once(':').expect("action:stream");
    let path = format!("/api/streams/{stream}/access?action={action}");
    stage.get(&path, code).await
}

#[tokio::test]
async fn a_code_opens_what_its_share_says_and_nothing_else() {
    let (stage, ada, token) = with_cam0(&[]).await;
    let asked = json!({"action": "view", "expiresIn": 60, "label": "Grandma"});
    let made = share(&stage, &token, asked).await;
    let lives_ms = made["expiresAt"].as_u64().zip(made["createdAt"].as_u64());
    let lives_ms = lives_ms.map(|(end, start)| end - start);
    assert_eq!(
        (&made["label"], lives_ms),
        (&json!("Grandma"), Some(60_000))
    );
    let url = made["url"].as_str().expect("a url");
    assert_eq!(url, format!("{}/s/#{}", stage.origin, code(&made)));
    assert_eq!(secret_of(url).len(), 43);
    let opened = stage.get("/api/share", code(&made)).await.ok();
    assert_eq!(
        (&opened["stream"], &opened["action"]),
        (&json!("cam0"), &json!("view"))
    );
    assert_eq!(opened["expiresAt"], made["expiresAt"]);
    access(&stage, "view:cam0", code(&made)).await.ok();
    let wrong = (403, "wrong-scope".to_owned());
    let asked = json!({"assertion": stage.assertion(&ada), "scope": "publish:cam1"});
    token_of(&stage.post("/api/auth/webrtc-token", "", asked).await);
    for what in ["publish:cam0", "view:cam1", "publish:cam1"] {
        let refused = access(&stage, what, code(&made)).await.refusal();
        assert_eq!(refused, wrong, "{what}");
    }
    let publishing = share(&stage, &token, json!({"action": "publish"})).await;
    access(&stage, "publish:cam0", code(&publishing)).await.ok();
    let viewing = access(&stage, "view:cam0", code(&publishing)).await;
    assert_eq!(viewing.refusal(), wrong);
    for path in ["/api/devices", "/api/streams", SHARES] {
        let refused = stage.get(path, code(&made)).await;
        assert_eq!(refused.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_code_is_told_once_and_stored_as_its_hash() {
    let (stage, _, token) = with_cam0(&[]).await;
    let made = share(&stage, &token, json!({"action": "view"})).await;
    let listed = stage.get(SHARES, &token).await.ok();
    let first = listed["shares"][0].as_object().expect("a share");
    assert_eq!(first["id"], made["id"]);
    assert!(!first.contains_key("code") && !first.contains_key("url"));
    let code = code(&made).to_owned();
    let data = stage.data.path().to_owned();
    stage.running.stop().await;
    let files = std::fs::read_dir(&data).expect("a directory");
    for file in files.map(|entry| entry.expect("an entry").path()) {
        let Ok(bytes) = std::fs::read(&file) else {
            continue;
        };
        let holds_code = bytes
            .windows(code.len())
            .any(|text| text == code.as_bytes());
        assert!(!holds_code, "{}", file.display());
    }
}

#[tokio::test]
async fn a_share_ends_when_it_is_revoked_or_its_stream_forgotten() {
    let (stage, _, token) = with_cam0(&[]).await;
    let [first, second] = [
        share(&stage, &token, json!({"action": "view"})).await,
        share(&stage, &token, json!({"action": "view"})).await,
    ];
    let path = format!("{SHARES}/{}", first["id"].as_str().expect("an id"));
    let revoke = async || stage.call(Method::DELETE, &path, &token, Value::Null).await;
    assert_eq!(revoke().await.status, 204);
    for reply in [
        stage.get("/api/share", code(&first)).await,
        access(&stage, "view:cam0", code(&first)).await,
    ] {
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        assert_eq!(reply.refusal(), (401, "share-revoked".into()));
    }
    assert_eq!(revoke().await.refusal(), (404, "not-found".into()));
    stage.get("/api/share", code(&second)).await.ok();
    let gone = stage.call(Method::DELETE, "/api/streams/cam0", &token, Value::Null);
    assert_eq!(gone.await.status, 204);
    let reply = stage.get("/api/share", code(&second)).await;
    assert_eq!(reply.refusal(), (401, "share-unknown".into()));
}

#[tokio::test]
async fn an_expired_share_says_so_and_is_no_longer_listed() {
    let (stage, _, token) = with_cam0(&[]).await;
    let made = share(&stage, &token, json!({"action": "view"})).await;
    stage.age_shares().await;
    let reply = stage.get("/api/share", code(&made)).await;
    assert_eq!(reply.refusal(), (401, "share-expired".into()));
    let reply = access(&stage, "view:cam0", code(&made)).await;
    assert_eq!(reply.refusal(), (401, "share-expired".into()));
    let listed = stage.get(SHARES, &token).await.ok();
    assert_eq!(listed, json!({"shares": []}));
}

#[tokio::test]
async fn only_the_streams_account_shares_it_within_limits() {
    let (stage, ada, token) = with_cam0(&[]).await;
    let [_, bob, ..] = people();
    stage.invite(&ada, &bob).await;
    let bobs = stage.account_token(&bob).await;
    let asked = json!({"action": "view"});
    let foreign = stage.post(SHARES, &bobs, asked.clone()).await;
    assert_eq!(foreign.refusal(), (404, "not-found".into()));
    let foreign = stage.get(SHARES, &bobs).await;
    assert_eq!(foreign.refusal(), (404, "not-found".into()));
    let nowhere = stage.post("/api/streams/cam1/shares", &token, asked).await;
    assert_eq!(nowhere.refusal(), (404, "not-found".into()));
    for (expires_in, status) in [(0, 400), (1, 201), (31_536_000, 201), (31_536_001, 400)] {
        let asked = json!({"action": "view", "expiresIn": expires_in});
        let reply = stage.post(SHARES, &token, asked).await;
        assert_eq!(reply.status, status, "{expires_in}");
    }
    let label = json!({"action": "view", "label": "x".repeat(65)});
    let reply = stage.post(SHARES, &token, label).await;
    assert_eq!(reply.refusal(), (422, "name-invalid".into()));
    let action = json!({"action": "send"});
    let reply = stage.post(SHARES, &token, action).await;
    assert_eq!(reply.refusal(), (400, "bad-message".into()));
}

#[tokio::test]
async fn a_stream_has_100_shares_that_serve_and_not_one_more() {
    let (stage, _, token) = with_cam0(&[]).await;
    let mut connection = stage.connect().await;
    let mut make = async || {
        let request = request(Method::POST, SHARES, &token, &json!({"action": "view"}));
        connection.send(request).await.expect("an answer")
    };
    for _ in 0..registry::MAX_SHARES_PER_STREAM {
        assert_eq!(make().await.status, 201);
    }
    assert_eq!(make().await.refusal(), (409, "limit-reached".into()));
}

fn relay_user(reply: &Value) -> String {
    let list = reply["iceServers"].as_array().expect("a list");
    let user = list.iter().find_map(|server| server["username"].as_str());
    let (_, id) = user.expect("a relay").split_once(':').expect("expiry:id");
    id.to_owned()
}

#[tokio::test]
async fn guests_get_relay_credentials_of_guests_and_devices_those_of_devices() {
    let (stage, ada, token) = with_cam0(&[("turn.listen", "[\"127.0.0.1:0\"]")]).await;
    let made = share(&stage, &token, json!({"action": "view"})).await;
    let opened = stage.get("/api/share", code(&made)).await.ok();
    let id = made["id"].as_str().expect("an id");
    assert_eq!(relay_user(&opened), format!("guest:{id}"));
    let body = json!({"isPublic": true});
    let made = stage.call(Method::PUT, "/api/streams/cam0", &token, body);
    assert_eq!(made.await.status, 200);
    let anyone = relay_user(&access(&stage, "view:cam0", "").await.ok());
    assert!(
        anyone.starts_with("guest:") && anyone.len() == 28,
        "{anyone}"
    );
    let asked = json!({"assertion": stage.assertion(&ada), "scope": "view:cam0"});
    let reply = stage.post("/api/auth/webrtc-token", "", asked).await.ok();
    assert_eq!(relay_user(&reply), ada.id().as_str());
}

/// Guesses count as every unauthenticated call does: their connection stays a stranger's.
#[tokio::test]
async fn a_guessed_code_leaves_the_connection_a_strangers_and_a_right_one_does_not() {
    let (stage, _, token) = with_cam0(&[("limits.unauthenticated_sockets", "2")]).await;
    let made = share(&stage, &token, json!({"action": "view"})).await;
    crate::gates::wait_until_admitted(&stage).await;
    let mut guessing = stage.connect().await;
    let ask = async |connection: &mut Connection, code: &str| {
        let asked = request(Method::GET, "/api/share", code, &Value::Null);
        connection.send(asked).await.expect("an answer").status
    };
    assert_eq!(ask(&mut guessing, &"A".repeat(43)).await, 401);
    let mut second = stage.connect().await;
    assert_eq!(ask(&mut second, &"B".repeat(43)).await, 401);
    let third = stage.get("/healthz", "").await;
    assert_eq!(third.refusal(), (503, "unavailable".into()));
    assert_eq!(ask(&mut second, code(&made)).await, 200);
    crate::gates::wait_until_admitted(&stage).await;
}
