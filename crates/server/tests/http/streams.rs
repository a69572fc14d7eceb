//! Whose a stream is, who may do what with it, and what `authorize` answers (spec 5, "Publish
//! and watch"). `GET /api/streams/{name}/access` asks what WHIP and WHEP will ask.

use hyper::Method;
use identity::testing::TestDevice;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::stage::{Stage, people, token_of};

/// Ada, the admin, and Bob, of another account.
async fn two_accounts() -> (Stage, TestDevice, TestDevice) {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    stage.set_up(&ada).await;
    stage.invite(&ada, &bob).await;
    (stage, ada, bob)
}

async fn ask(stage: &Stage, device: &TestDevice, scope: &str) -> Reply {
    let body = json!({"assertion": stage.assertion(device), "scope": scope});
    stage.post("/api/auth/webrtc-token", "", body).await
}

async fn stream_token(stage: &Stage, device: &TestDevice, scope: &str) -> String {
    token_of(&ask(stage, device, scope).await)
}

async fn access(stage: &Stage, what: &str, token: &str) -> Reply {
    let (action, stream) = what.split_once(':').expect("action:stream");
    let path = format!("/api/streams/{stream}/access?action={action}");
    stage.get(&path, token).await
}

async fn refused(stage: &Stage, what: &str, token: &str) -> (u16, String) {
    access(stage, what, token).await.refusal()
}

async fn put(stage: &Stage, device: &TestDevice, name: &str, is_public: bool) -> Reply {
    let token = stage.account_token(device).await;
    let path = format!("/api/streams/{name}");
    let body = json!({"isPublic": is_public});
    stage.call(Method::PUT, &path, &token, body).await
}

#[tokio::test]
async fn a_stream_token_opens_one_action_of_one_stream() {
    let (stage, ada, _) = two_accounts().await;
    let publish = stream_token(&stage, &ada, "publish:cam0").await;
    stream_token(&stage, &ada, "publish:cam1").await;
    let opened = access(&stage, "publish:cam0", &publish).await.ok();
    assert_eq!(
        (&opened["stream"], &opened["action"]),
        (&json!("cam0"), &json!("publish"))
    );
    let wrong = (403, "wrong-scope".to_owned());
    assert_eq!(refused(&stage, "view:cam0", &publish).await, wrong);
    assert_eq!(refused(&stage, "publish:cam1", &publish).await, wrong);
    let view = stream_token(&stage, &ada, "view:cam0").await;
    access(&stage, "view:cam0", &view).await.ok();
    assert_eq!(refused(&stage, "publish:cam0", &view).await, wrong);
    let account = stage.account_token(&ada).await;
    assert_eq!(refused(&stage, "view:cam0", &account).await, wrong);
    let devices = stage.get("/api/devices", &view).await;
    assert_eq!(devices.refusal(), wrong);
    let reports = stage.post("/api/telemetry", &view, json!({})).await;
    assert_eq!(reports.refusal(), wrong);
}

#[tokio::test]
async fn a_name_belongs_to_the_account_that_published_to_it_first() {
    let (stage, ada, bob) = two_accounts().await;
    let unknown = ask(&stage, &ada, "view:cam0").await;
    assert_eq!(unknown.refusal(), (404, "not-found".into()));
    stream_token(&stage, &ada, "publish:cam0").await;
    let taken = ask(&stage, &bob, "publish:cam0").await;
    assert_eq!(taken.refusal(), (403, "forbidden".into()));
    let hidden = ask(&stage, &bob, "view:cam0").await;
    assert_eq!(hidden.refusal(), (404, "not-found".into()));
    assert_eq!(put(&stage, &bob, "cam0", true).await.problem(), "forbidden");
    let bobs = stage.account_token(&bob).await;
    let path = "/api/streams/cam0";
    let forgotten = stage.call(Method::DELETE, path, &bobs, Value::Null).await;
    assert_eq!(forgotten.refusal(), (404, "not-found".into()));
    let list = stage.get("/api/streams", &bobs).await.ok();
    assert_eq!(list, json!({"streams": []}));
    let adas = stage.account_token(&ada).await;
    let list = stage.get("/api/streams", &adas).await.ok();
    let stream = &list["streams"][0];
    assert_eq!(
        (&stream["name"], &stream["isPublic"]),
        (&json!("cam0"), &json!(false))
    );
    assert!(stream["createdAt"].as_u64() > Some(1_700_000_000_000));
}

#[tokio::test]
async fn a_token_of_an_account_that_gave_the_name_up_serves_no_longer() {
    let (stage, ada, bob) = two_accounts().await;
    let [publish, view] = ["publish:cam0", "view:cam0"];
    let tokens = [
        stream_token(&stage, &ada, publish).await,
        stream_token(&stage, &ada, view).await,
    ];
    let account = stage.account_token(&ada).await;
    let path = "/api/streams/cam0";
    let forgotten = stage
        .call(Method::DELETE, path, &account, Value::Null)
        .await;
    assert_eq!(forgotten.status, 204);
    let gone = (404, "not-found".to_owned());
    assert_eq!(refused(&stage, publish, &tokens[0]).await.0, 404);
    assert_eq!(refused(&stage, view, &tokens[1]).await, gone);
    stream_token(&stage, &bob, publish).await;
    let foreign = (403, "forbidden".to_owned());
    assert_eq!(refused(&stage, publish, &tokens[0]).await, foreign);
    assert_eq!(refused(&stage, view, &tokens[1]).await, gone);
}

#[tokio::test]
async fn a_revoked_device_neither_publishes_nor_views() {
    let (stage, ada, bob) = two_accounts().await;
    let tokens = [
        stream_token(&stage, &bob, "publish:cam0").await,
        stream_token(&stage, &bob, "view:cam0").await,
    ];
    let bobs = stage.account_token(&bob).await;
    let path = format!("/api/devices/{}", bob.id());
    let revoked = stage.call(Method::DELETE, &path, &bobs, Value::Null).await;
    assert_eq!(revoked.status, 204);
    let expected = (403, "revoked".to_owned());
    assert_eq!(refused(&stage, "publish:cam0", &tokens[0]).await, expected);
    assert_eq!(refused(&stage, "view:cam0", &tokens[1]).await, expected);
    let asked = ask(&stage, &bob, "publish:cam0").await;
    assert_eq!(asked.refusal(), expected);
    assert_eq!(put(&stage, &ada, "cam1", false).await.status, 200);
}

#[tokio::test]
async fn anybody_views_a_public_stream_and_nobody_publishes_to_it() {
    let (stage, ada, bob) = two_accounts().await;
    let unauthorized = (401, "unauthorized".to_owned());
    assert_eq!(refused(&stage, "view:cam0", "").await, unauthorized);
    let made = put(&stage, &ada, "cam0", false).await.ok();
    assert_eq!(made["isPublic"], false);
    let private = access(&stage, "view:cam0", "").await;
    assert_eq!(private.header("www-authenticate"), "Bearer");
    assert_eq!(
        private.refusal(),
        unauthorized,
        "as one that does not exist"
    );
    assert_eq!(put(&stage, &ada, "cam0", true).await.ok()["isPublic"], true);
    access(&stage, "view:cam0", "").await.ok();
    assert_eq!(refused(&stage, "publish:cam0", "").await, unauthorized);
    let bobs = stream_token(&stage, &bob, "view:cam0").await;
    access(&stage, "view:cam0", &bobs).await.ok();
    let publishing = ask(&stage, &bob, "publish:cam0").await;
    assert_eq!(publishing.refusal(), (403, "forbidden".into()));
    assert_eq!(put(&stage, &ada, "cam0", false).await.status, 200);
    assert_eq!(refused(&stage, "view:cam0", "").await, unauthorized);
    let foreign = refused(&stage, "view:cam0", &bobs).await;
    assert_eq!(foreign, (404, "not-found".into()));
}

#[tokio::test]
async fn a_wrong_credential_is_refused_even_where_none_is_needed() {
    let (stage, ada, _) = two_accounts().await;
    put(&stage, &ada, "cam0", true).await.ok();
    let malformed = refused(&stage, "view:cam0", "a.b.c").await;
    assert_eq!(malformed, (401, "token-malformed".into()));
    let guess = refused(&stage, "view:cam0", &"A".repeat(43)).await;
    assert_eq!(guess, (401, "share-unknown".into()));
    let path = "/api/streams/cam0/access?action=view&token=x";
    let in_query = stage.get(path, "").await;
    assert_eq!(in_query.refusal(), (400, "token-in-query".into()));
}

#[tokio::test]
async fn a_name_that_is_none_is_refused_with_what_is_wrong_with_it() {
    let (stage, ada, _) = two_accounts().await;
    for name in ["api", "STREAMS", "-cam", "cam.0", &"x".repeat(65)] {
        let asked = ask(&stage, &ada, &format!("publish:{name}")).await;
        assert_eq!(asked.refusal(), (400, "bad-message".into()), "{name}");
        let made = put(&stage, &ada, name, false).await;
        assert_eq!(made.refusal(), (422, "name-invalid".into()), "{name}");
        assert!(
            made.json()["detail"]
                .as_str()
                .is_some_and(|why| why.contains("stream name"))
        );
        let asked = refused(&stage, &format!("view:{name}"), "").await;
        assert_eq!(asked, (404, "not-found".into()), "{name}");
    }
    let both = json!({
        "assertion": stage.assertion(&ada), "scope": "view:cam0", "pairId": "A".repeat(43),
    });
    let both = stage.post("/api/auth/webrtc-token", "", both).await;
    assert_eq!(both.refusal(), (400, "bad-message".into()));
    let nothing = stage.get("/api/streams/cam0/access", "").await;
    assert_eq!(nothing.refusal(), (400, "bad-message".into()));
}

#[tokio::test]
async fn an_account_has_100_streams_and_not_one_more() {
    let (stage, ada, _) = two_accounts().await;
    let token = stage.account_token(&ada).await;
    let mut connection = stage.connect().await;
    let mut put = async |number: usize| {
        let path = format!("/api/streams/cam{number}");
        let body = json!({"isPublic": false});
        let request = crate::client::request(Method::PUT, &path, &token, &body);
        connection.send(request).await.expect("an answer")
    };
    for number in 0..registry::MAX_STREAMS_PER_ACCOUNT {
        assert_eq!(put(number).await.status, 200);
    }
    let more = put(registry::MAX_STREAMS_PER_ACCOUNT).await;
    assert_eq!(more.refusal(), (409, "limit-reached".into()));
    let asked = ask(&stage, &ada, "publish:more").await;
    assert_eq!(asked.refusal(), (409, "limit-reached".into()));
}
