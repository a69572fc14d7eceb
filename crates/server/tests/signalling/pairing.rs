//! `/api/pairing/{id}`: the rendezvous, by its two doors.

use serde_json::json;

use crate::paired::Paired;

const PATH: &str = "/api/pairing/AAAAAAAAAAAAAAAAAAAAAA";

#[tokio::test]
async fn inviter_and_joiner_exchange_opaque_messages() {
    let stage = Paired::start().await;
    let token = stage.account_token(&stage.ada).await;
    let mut inviter = stage.open(PATH, &token).await;
    let mut joiner = stage.open(PATH, "").await;
    assert_eq!(joiner.hear().await, json!({"t": "joined"}));
    assert_eq!(inviter.hear().await, json!({"t": "joined"}));
    joiner.say(json!({"t": "noise", "data": "aGVsbG8"})).await;
    assert_eq!(inviter.hear().await["data"], "aGVsbG8");
    drop(joiner);
    assert_eq!(inviter.hear().await, json!({"t": "left"}));
    drop(inviter);
    let mut again = stage.open(PATH, &token).await;
    assert_eq!(again.close_code().await, 4404, "an id serves once");
}

#[tokio::test]
async fn an_invite_that_nobody_opened_is_unknown() {
    let stage = Paired::start().await;
    let mut joiner = stage.open(PATH, "").await;
    assert_eq!(joiner.code().await, "unknown-invite");
    assert_eq!(joiner.close_code().await, 4404);
    let refused = stage
        .try_open("/api/pairing/short", &[])
        .await
        .expect_err("no such id");
    assert_eq!(refused.status(), 404);
}

#[tokio::test]
async fn a_link_token_opens_no_invite_and_a_foreign_page_joins_none() {
    let stage = Paired::start().await;
    let bearer = format!("Bearer {}", stage.link_token(&stage.ada).await);
    for headers in [
        ("authorization", bearer.as_str()),
        ("origin", "https://evil.example"),
    ] {
        let refused = stage.try_open(PATH, &[headers]).await.expect_err("refused");
        assert_eq!(refused.status(), 403);
    }
}
