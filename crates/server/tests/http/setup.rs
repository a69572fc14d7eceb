//! `POST /api/setup`: an invite becomes an account, once.

use identity::testing::TestDevice;
use serde_json::{Value, json};

use crate::stage::{Stage, people};

#[tokio::test]
async fn an_invite_is_used_up_by_the_first() {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    let secret = stage.setup_secret().await;
    let info = stage.get("/api/server", "").await.ok();
    assert_eq!(info["setUp"], false);
    let body = stage.setup_body(&secret, &ada);
    let reply = stage.post("/api/setup", "", body).await;
    assert_eq!(reply.status, 201);
    let reply = reply.json();
    assert_eq!(
        (&reply["role"], &reply["deviceId"]),
        (&json!("admin"), &json!(ada.id()))
    );
    let body = stage.setup_body(&secret, &bob);
    let again = stage.post("/api/setup", "", body).await;
    assert_eq!(again.refusal(), (410, "invite-used".into()));
    let info = stage.get("/api/server", "").await.ok();
    assert_eq!(info["setUp"], true);
    let refused = stage.ask_token(&stage.assertion(&bob), None).await;
    assert_eq!(refused.problem(), "unknown-device");
}

#[tokio::test]
async fn of_eight_who_redeem_at_once_one_wins() {
    let stage = Stage::start().await;
    let secret = stage.setup_secret().await;
    let devices: Vec<_> = (10..18).map(|n| TestDevice::new(n, "Racer")).collect();
    let posts = devices.iter().map(|device| {
        let body = stage.setup_body(&secret, device);
        stage.post("/api/setup", "", body)
    });
    let replies = futures_util::future::join_all(posts).await;
    let won = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(won, 1, "{replies:?}");
    for lost in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(lost.refusal(), (410, "invite-used".into()));
    }
}

#[tokio::test]
async fn a_secret_that_nobody_gave_out_is_unknown() {
    let stage = Stage::start().await;
    let [ada, ..] = people();
    let older = stage.setup_secret().await;
    let newer = stage.setup_secret().await;
    let long = "A".repeat(4096);
    for secret in ["A".repeat(22).as_str(), "", "short", &long, &older] {
        let body = stage.setup_body(secret, &ada);
        let refused = stage.post("/api/setup", "", body).await;
        assert_eq!(
            refused.refusal(),
            (404, "invite-unknown".into()),
            "{secret}"
        );
    }
    let body = stage.setup_body(&newer, &ada);
    stage.post("/api/setup", "", body).await.ok();
}

#[tokio::test]
async fn a_guess_does_not_spend_the_assertion() {
    let stage = Stage::start().await;
    let [ada, ..] = people();
    let body = stage.setup_body(&stage.setup_secret().await, &ada);
    let mut guess = body.clone();
    guess["secret"] = json!("A".repeat(22));
    let refused = stage.post("/api/setup", "", guess).await;
    assert_eq!(refused.problem(), "invite-unknown");
    stage.post("/api/setup", "", body).await.ok();
}

#[tokio::test]
async fn an_invite_ends_after_its_time() {
    let stage = Stage::start().await;
    let [ada, ..] = people();
    let secret = stage.setup_secret().await;
    stage.age_invites().await;
    let body = stage.setup_body(&secret, &ada);
    let refused = stage.post("/api/setup", "", body).await;
    assert_eq!(refused.refusal(), (410, "invite-expired".into()));
}

#[tokio::test]
async fn a_record_that_is_not_the_devices_own_is_refused_and_the_invite_stays() {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    let secret = stage.setup_secret().await;
    let changes: [(&str, Value); 7] = [
        ("name", json!("Mallory")),
        ("name", json!("n".repeat(65))),
        ("name", json!("bell\u{7}")),
        ("name", json!("")),
        ("key", json!(bob.record().key)),
        ("x25519", json!(bob.record().x25519)),
        ("sig", json!(bob.record().sig)),
    ];
    for (member, value) in changes {
        let mut body = stage.setup_body(&secret, &ada);
        body["record"][member] = value;
        let refused = stage.post("/api/setup", "", body).await;
        assert_eq!(
            refused.refusal(),
            (422, "record-invalid".into()),
            "{member}"
        );
    }
    let mut body = stage.setup_body(&secret, &ada);
    body["assertion"] = json!(stage.assertion(&bob));
    let refused = stage.post("/api/setup", "", body).await;
    assert_eq!(refused.refusal(), (401, "assertion-invalid".into()));
    let body = stage.setup_body(&secret, &ada);
    stage.post("/api/setup", "", body).await.ok();
}

#[tokio::test]
async fn a_device_has_one_account() {
    let stage = Stage::start().await;
    let [ada, ..] = people();
    stage.set_up(&ada).await;
    let body = stage.setup_body(&stage.setup_secret().await, &ada);
    let refused = stage.post("/api/setup", "", body).await;
    assert_eq!(refused.refusal(), (409, "conflict".into()));
}

#[tokio::test]
async fn members_invite_nobody_and_read_no_audit_log() {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    stage.set_up(&ada).await;
    stage.invite(&ada, &bob).await;
    let token = stage.account_token(&bob).await;
    let refused = stage.post("/api/invites", &token, json!({})).await;
    assert_eq!(refused.refusal(), (403, "forbidden".into()));
    let refused = stage.get("/api/audit", &token).await;
    assert_eq!(refused.refusal(), (403, "forbidden".into()));
    let admin = stage.account_token(&ada).await;
    let audit = stage.get("/api/audit", &admin).await.ok();
    let actions: Vec<_> = audit["entries"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["action"].as_str().expect("text"))
        .collect();
    assert_eq!(
        actions.first(),
        Some(&"device-added"),
        "newest first: {actions:?}"
    );
    assert!(actions.contains(&"account-invite-created"), "{actions:?}");
}
