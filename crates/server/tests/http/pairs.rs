//! `/api/pairs`: stored with both signatures or not at all.

use hyper::Method;
use identity::testing::{CREATED_MS, TestDevice, sign_pair};
use protocol::id::PairId;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::stage::{Stage, fresh, people};

fn signed(one: &TestDevice, other: &TestDevice) -> Value {
    serde_json::to_value(sign_pair(one, other, CREATED_MS + fresh())).expect("json")
}

async fn add(stage: &Stage, by: &TestDevice, pair: Value) -> Reply {
    let token = stage.account_token(by).await;
    stage.post("/api/pairs", &token, pair).await
}

#[tokio::test]
async fn a_pair_without_both_right_signatures_is_refused_and_not_stored() {
    let stage = Stage::start().await;
    let [ada, bob, cyd, _] = people();
    stage.set_up(&ada).await;
    let good = signed(&ada, &bob);
    type Change = Box<dyn Fn(&mut Value)>;
    let other = signed(&ada, &cyd);
    let (other_a, other_statement) = (other["sigA"].clone(), other["statement"]["pairId"].clone());
    let changes: Vec<(&str, u16, Change)> = vec![
        (
            "sigA of another",
            422,
            Box::new(move |pair| pair["sigA"] = other_a.clone()),
        ),
        (
            "sigB is sigA",
            422,
            Box::new(|pair| pair["sigB"] = pair["sigA"].clone()),
        ),
        (
            "no sigB",
            400,
            Box::new(|pair| drop(pair.as_object_mut().expect("object").remove("sigB"))),
        ),
        (
            "short sigA",
            400,
            Box::new(|pair| pair["sigA"] = json!("AAAA")),
        ),
        (
            "another time",
            422,
            Box::new(|pair| pair["statement"]["time"] = json!(1)),
        ),
        (
            "another id",
            422,
            Box::new(move |pair| pair["statement"]["pairId"] = other_statement.clone()),
        ),
        (
            "records swapped",
            422,
            Box::new(|pair| {
                let (a, b) = (pair["recordA"].clone(), pair["recordB"].clone());
                (pair["recordA"], pair["recordB"]) = (b, a);
            }),
        ),
        (
            "a renamed record",
            422,
            Box::new(|pair| pair["recordA"]["name"] = json!("Mallory")),
        ),
        (
            "one device twice",
            422,
            Box::new(|pair| {
                pair["statement"]["b"] = pair["statement"]["a"].clone();
                pair["recordB"] = pair["recordA"].clone();
                pair["sigB"] = pair["sigA"].clone();
            }),
        ),
    ];
    for (what, status, change) in changes {
        let mut pair = good.clone();
        change(&mut pair);
        let refused = add(&stage, &ada, pair).await;
        assert_eq!(refused.status, status, "{what}: {refused:?}");
        refused.problem();
    }
    let token = stage.account_token(&ada).await;
    let list = stage.get("/api/pairs", &token).await.ok();
    assert_eq!(list["pairs"], json!([]));
    let devices = stage.get("/api/devices", &token).await.ok();
    assert_eq!(devices["devices"].as_array().map(Vec::len), Some(1));
    assert_eq!(add(&stage, &ada, good).await.status, 201);
}

#[tokio::test]
async fn an_unknown_device_joins_the_account_of_its_inviter() {
    let stage = Stage::start().await;
    let [ada, bob, cyd, _] = people();
    stage.set_up(&ada).await;
    stage.invite(&ada, &bob).await;
    let pair = add(&stage, &bob, signed(&bob, &cyd)).await.ok();
    assert_eq!(pair["verified"], true);
    let token = stage.account_token(&cyd).await;
    let devices = stage.get("/api/devices", &token).await.ok();
    let devices = devices["devices"].as_array().expect("a list");
    let joined = devices.iter().find(|device| device["self"] == true);
    assert_eq!(joined.expect("itself")["role"], "member");
    assert_eq!(devices.len(), 2);
}

#[tokio::test]
async fn a_known_device_keeps_its_account_and_both_see_the_pair() {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    stage.set_up(&ada).await;
    stage.invite(&ada, &bob).await;
    let id = stage.pair(&ada, &bob).await;
    let path = format!("/api/pairs/{id}");
    for (device, label) in [(&ada, "Ada's word"), (&bob, "Bob's word")] {
        let token = stage.account_token(device).await;
        let body = json!({ "label": label });
        let pair = stage.call(Method::PATCH, &path, &token, body).await.ok();
        assert_eq!(pair["label"], label);
        let list = stage.get("/api/pairs", &token).await.ok();
        assert_eq!(list["pairs"][0]["label"], label);
        let devices = stage.get("/api/devices", &token).await.ok();
        assert_eq!(devices["devices"].as_array().map(Vec::len), Some(1));
    }
}

#[tokio::test]
async fn nobody_adds_a_pair_of_two_others() {
    let stage = Stage::start().await;
    let [ada, bob, cyd, dan] = people();
    stage.set_up(&ada).await;
    stage.pair(&ada, &bob).await;
    let refused = add(&stage, &ada, signed(&bob, &cyd)).await;
    assert_eq!(refused.refusal(), (403, "wrong-pair".into()));
    let refused = add(&stage, &ada, signed(&cyd, &dan)).await;
    assert_eq!(refused.refusal(), (403, "wrong-pair".into()));
}

#[tokio::test]
async fn another_accounts_pair_does_not_exist_even_after_its_end() {
    let stage = Stage::start().await;
    let [ada, bob, cyd, _] = people();
    stage.set_up(&ada).await;
    stage.invite(&ada, &cyd).await;
    let id = stage.pair(&ada, &bob).await;
    let (owner, stranger) = (
        stage.account_token(&ada).await,
        stage.account_token(&cyd).await,
    );
    let path = format!("/api/pairs/{id}");
    for _ in 0..2 {
        let body = json!({"label": "mine"});
        let refused = stage.call(Method::PATCH, &path, &stranger, body).await;
        assert_eq!(refused.refusal(), (404, "not-found".into()));
        let refused = stage
            .call(Method::DELETE, &path, &stranger, Value::Null)
            .await;
        assert_eq!(refused.refusal(), (404, "not-found".into()));
        stage.call(Method::DELETE, &path, &owner, Value::Null).await;
    }
    let nothing = format!("/api/pairs/{}", PairId::from_bytes(&[3; 32]));
    let refused = stage
        .call(Method::DELETE, &nothing, &owner, Value::Null)
        .await;
    assert_eq!(refused.refusal(), (404, "not-found".into()));
}

#[tokio::test]
async fn a_revoked_pair_cannot_be_posted_again() {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    stage.set_up(&ada).await;
    let pair = signed(&ada, &bob);
    assert_eq!(add(&stage, &ada, pair.clone()).await.status, 201);
    let id = pair["statement"]["pairId"].as_str().expect("an id");
    let token = stage.account_token(&bob).await;
    let path = format!("/api/pairs/{id}");
    let ended = stage.call(Method::DELETE, &path, &token, Value::Null).await;
    assert_eq!(ended.status, 204, "either of the two may end it");
    let refused = add(&stage, &ada, pair.clone()).await;
    assert_eq!(refused.refusal(), (403, "revoked".into()));
    assert_eq!(add(&stage, &ada, signed(&ada, &bob)).await.status, 201);
}
