//! `/api/devices`: list, rename, describe, revoke.

use hyper::Method;
use identity::testing::{CREATED_MS, TestDevice};
use serde_json::{Value, json};

use crate::stage::{Stage, now_s, people};

#[tokio::test]
async fn an_account_lists_its_own_devices_and_no_others() {
    let stage = Stage::start().await;
    let [ada, bob, cyd, _] = people();
    stage.set_up(&ada).await;
    stage.invite(&ada, &bob).await;
    stage.pair(&ada, &cyd).await;
    let token = stage.account_token(&ada).await;
    let list = stage.get("/api/devices", &token).await.ok();
    let list = list["devices"].as_array().expect("a list");
    let mut names: Vec<_> = list.iter().map(|device| device["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, [Some("Ada"), Some("Cyd")]);
    let own = list.iter().find(|device| device["self"] == true);
    assert_eq!(own.expect("the asking one")["deviceId"], json!(ada.id()));
    assert!(list.iter().all(|device| device["online"] == false));
    let token = stage.account_token(&bob).await;
    let list = stage.get("/api/devices", &token).await.ok();
    assert_eq!(list["devices"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_device_was_last_seen_when_it_showed_an_assertion() {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    let began_ms = now_s() * 1000;
    stage.set_up(&ada).await;
    stage.pair(&ada, &bob).await;
    let token = stage.account_token(&ada).await;
    let seen = async |of: &TestDevice| {
        let list = stage.get("/api/devices", &token).await.ok();
        let list = list["devices"].as_array().expect("a list").clone();
        let mut devices = list.into_iter();
        let device = devices.find(|device| device["deviceId"] == json!(of.id()));
        device.expect("it is listed")["lastSeen"].as_u64()
    };
    assert!(seen(&ada).await >= Some(began_ms));
    assert_eq!(seen(&bob).await, None);
    stage.account_token(&bob).await;
    assert!(seen(&bob).await >= seen(&ada).await);
}

#[tokio::test]
async fn another_accounts_device_does_not_exist() {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    stage.set_up(&ada).await;
    stage.invite(&ada, &bob).await;
    let token = stage.account_token(&bob).await;
    let path = format!("/api/devices/{}", ada.id());
    for (method, body) in [
        (Method::PATCH, json!({"label": "mine"})),
        (Method::DELETE, Value::Null),
    ] {
        let refused = stage.call(method, &path, &token, body).await;
        assert_eq!(refused.refusal(), (404, "not-found".into()));
    }
    let record = serde_json::to_value(ada.record()).expect("json");
    let path = format!("{path}/record");
    let refused = stage.call(Method::PUT, &path, &token, record).await;
    assert_eq!(refused.refusal(), (403, "forbidden".into()));
}

#[tokio::test]
async fn a_text_that_is_no_id_is_a_path_that_does_not_exist() {
    let stage = Stage::start().await;
    let [ada, ..] = people();
    stage.set_up(&ada).await;
    let token = stage.account_token(&ada).await;
    for id in ["x", "..%2f..%2fetc", "%00", "%ff", &"A".repeat(44)] {
        for kind in ["devices", "pairs"] {
            let path = format!("/api/{kind}/{id}");
            let refused = stage.call(Method::DELETE, &path, &token, Value::Null).await;
            assert_eq!(refused.refusal(), (404, "not-found".into()), "{path}");
        }
    }
}

#[tokio::test]
async fn a_label_stays_the_text_it_is() {
    let stage = Stage::start().await;
    let [ada, ..] = people();
    stage.set_up(&ada).await;
    let token = stage.account_token(&ada).await;
    let path = format!("/api/devices/{}", ada.id());
    let html = "<img src=x onerror=alert(1)>\"'&";
    for label in [html, &"ü".repeat(64), "'; DROP TABLE devices; --"] {
        let body = json!({"label": label});
        let device = stage.call(Method::PATCH, &path, &token, body).await;
        assert_eq!(device.header("content-type"), "application/json");
        assert_eq!(device.header("x-content-type-options"), "nosniff");
        assert_eq!(device.ok()["label"], label);
        let list = stage.get("/api/devices", &token).await.ok();
        assert_eq!(list["devices"][0]["label"], label);
    }
    let body = json!({"label": ""});
    let device = stage.call(Method::PATCH, &path, &token, body).await.ok();
    assert_eq!(
        (&device["label"], &device["name"]),
        (&Value::Null, &json!("Ada"))
    );
}

#[tokio::test]
async fn a_label_of_65_characters_or_with_a_control_character_is_refused() {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    stage.set_up(&ada).await;
    let pair = stage.pair(&ada, &bob).await;
    let token = stage.account_token(&ada).await;
    for path in [
        format!("/api/devices/{}", ada.id()),
        format!("/api/pairs/{pair}"),
    ] {
        for label in ["x".repeat(65).as_str(), "a\nb", "\u{1b}[2J", "\0", "\u{7f}"] {
            let body = json!({ "label": label });
            let refused = stage.call(Method::PATCH, &path, &token, body).await;
            assert_eq!(refused.refusal(), (422, "name-invalid".into()), "{label:?}");
        }
    }
}

#[tokio::test]
async fn a_device_describes_itself_with_a_newer_record_only() {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    stage.set_up(&ada).await;
    stage.pair(&ada, &bob).await;
    let token = stage.account_token(&ada).await;
    let path = format!("/api/devices/{}/record", ada.id());
    let put = async |record: &Value| {
        let body = record.clone();
        stage.call(Method::PUT, &path, &token, body).await
    };
    let newer = ada.renamed("Ada's new phone", CREATED_MS + 1_000);
    let newer = serde_json::to_value(newer.as_record()).expect("json");
    assert_eq!(put(&newer).await.ok()["name"], "Ada's new phone");
    let older = serde_json::to_value(ada.record()).expect("json");
    assert_eq!(put(&older).await.refusal(), (409, "conflict".into()));
    let bobs = serde_json::to_value(bob.record()).expect("json");
    assert_eq!(put(&bobs).await.refusal(), (403, "forbidden".into()));
    let mut forged = newer.clone();
    forged["name"] = json!("Mallory");
    assert_eq!(put(&forged).await.refusal(), (422, "record-invalid".into()));
}

#[tokio::test]
async fn a_revoked_device_leaves_the_lists_and_never_comes_back() {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    stage.set_up(&ada).await;
    let pair = stage.pair(&ada, &bob).await;
    let token = stage.account_token(&ada).await;
    let path = format!("/api/devices/{}", bob.id());
    let revoked = stage.call(Method::DELETE, &path, &token, Value::Null).await;
    assert_eq!(revoked.status, 204);
    let again = stage.call(Method::DELETE, &path, &token, Value::Null).await;
    assert_eq!(again.refusal(), (404, "not-found".into()));
    let list = stage.get("/api/devices", &token).await.ok();
    assert_eq!(list["devices"].as_array().map(Vec::len), Some(1));
    let list = stage.get("/api/pairs", &token).await.ok();
    assert_eq!(list["pairs"], json!([]), "{pair}");
    let body = stage.setup_body(&stage.setup_secret().await, &bob);
    let refused = stage.post("/api/setup", "", body).await;
    assert_eq!(refused.refusal(), (403, "revoked".into()));
}
