//! What `/api/signal` refuses, before and after the handshake.

use serde_json::{Value, json};

use crate::paired::Paired;

#[tokio::test]
async fn a_handshake_without_right_is_refused_with_its_status() {
    let stage = Paired::start().await;
    let link = format!("Bearer {}", stage.link_token(&stage.ada).await);
    let account = format!("Bearer {}", stage.account_token(&stage.ada).await);
    let in_query = format!("/api/signal?token={}", &link[7..]);
    let foreign = [
        ("authorization", link.as_str()),
        ("origin", "https://evil.example"),
    ];
    let null = [("authorization", link.as_str()), ("origin", "null")];
    let prefix = format!("{}.evil.example", stage.origin);
    let prefixed = [
        ("authorization", link.as_str()),
        ("origin", prefix.as_str()),
    ];
    for (path, headers, status, code) in [
        ("/api/signal", &[][..], 401, "unauthorized"),
        (
            "/api/signal",
            &[("authorization", "Bearer a.b.c")],
            401,
            "token-malformed",
        ),
        (
            "/api/signal",
            &[("cookie", "token=a.b.c")],
            401,
            "unauthorized",
        ),
        (
            "/api/signal",
            &[("authorization", account.as_str())],
            403,
            "wrong-scope",
        ),
        ("/api/signal", &foreign, 403, "forbidden-origin"),
        ("/api/signal", &null, 403, "forbidden-origin"),
        ("/api/signal", &prefixed, 403, "forbidden-origin"),
        (in_query.as_str(), &[], 400, "token-in-query"),
        ("/ws", &[], 401, "unauthorized"),
    ] {
        let response = stage.try_open(path, headers).await.expect_err(code);
        let body = response.body().clone().unwrap_or_default();
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        assert_eq!(response.status(), status, "{code}: {problem}");
        if problem != Value::Null {
            assert_eq!(problem["code"], code);
        }
    }
    let refused = stage.get("/api/signal", "").await;
    assert_eq!(refused.refusal(), (426, "upgrade-required".into()));
}

#[tokio::test]
async fn a_message_for_another_pair_reaches_nobody() {
    let stage = Paired::start().await;
    let (mut ada, mut bob) = stage.couple().await;
    ada.say(json!({"t": "offer", "pairId": "p".repeat(43), "sdp": "stray"}))
        .await;
    assert_eq!(ada.code().await, "wrong-pair");
    ada.say(stage.message("offer", "sdp", "v=0")).await;
    assert_eq!(bob.hear().await["sdp"], "v=0", "nothing came before it");
}

#[tokio::test]
async fn malformed_messages_have_their_codes_and_the_socket_is_kept() {
    let stage = Paired::start().await;
    let mut ada = stage.link(&stage.ada).await;
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    for (text, code) in [
        ("nonsense", "bad-json"),
        (deep.as_str(), "bad-json"),
        (r#"{"t":"offer"}"#, "bad-message"),
        (r#"{"t":"dance"}"#, "unknown-type"),
    ] {
        ada.say_text(text).await;
        assert_eq!(ada.code().await, code);
    }
}

#[tokio::test]
async fn what_is_too_large_is_named_and_closes_with_1009() {
    let stage = Paired::start().await;
    for message in [
        " ".repeat(64 * 1024 + 1),
        " ".repeat(900 * 1024),
        stage
            .message("offer", "sdp", &"x".repeat(32 * 1024 + 1))
            .to_string(),
        stage
            .message("ice", "candidate", &"x".repeat(1025))
            .to_string(),
    ] {
        let mut ada = stage.link(&stage.ada).await;
        ada.say_text(&message).await;
        assert_eq!(ada.code().await, "too-large");
        assert_eq!(ada.close_code().await, 1009);
    }
}

#[tokio::test]
async fn ten_thousand_candidates_end_at_the_129th() {
    let stage = Paired::start().await;
    let (mut ada, mut bob) = stage.couple().await;
    ada.say(stage.message("offer", "sdp", "v=0")).await;
    let ice = stage.message("ice", "candidate", "candidate:1");
    for _ in 0..129 {
        ada.say(ice.clone()).await;
    }
    assert_eq!(ada.code().await, "too-large");
    assert_eq!(ada.close_code().await, 1009);
    let mut relayed = 0;
    while bob.hear().await["t"] != "peer" {
        relayed += 1;
    }
    assert_eq!(relayed, 1 + 128);
    let sdp = "a=candidate:1\r\n".repeat(129);
    bob.say(stage.message("offer", "sdp", &sdp)).await;
    assert_eq!(bob.code().await, "peer-offline");
}

#[tokio::test]
async fn who_talks_too_much_is_told_when_to_come_back_and_then_closed() {
    let settings = [
        ("limits.messages_burst", "8"),
        ("limits.messages_per_second", "1"),
    ];
    let stage = Paired::start_with(&settings).await;
    let mut ada = stage.link(&stage.ada).await;
    for _ in 0..8 {
        ada.say(json!({"t": "dance"})).await;
        assert_eq!(ada.code().await, "unknown-type");
    }
    ada.say(json!({"t": "dance"})).await;
    let error = ada.hear().await;
    assert_eq!(error["code"], "rate-limited");
    assert!(
        error["retryAfterMs"]
            .as_u64()
            .is_some_and(|ms| (1..=1000).contains(&ms)),
        "{error}"
    );
    for _ in 0..200 {
        ada.say(json!({"t": "dance"})).await;
    }
    assert_eq!(ada.close_code().await, 4429);
}

#[tokio::test]
async fn an_account_has_so_many_sockets() {
    let stage = Paired::start_with(&[("limits.sockets_per_account", "1")]).await;
    let _ada = stage.link(&stage.ada).await;
    let token = stage.link_token(&stage.bob).await;
    let mut bob = stage.open("/api/signal", &token).await;
    assert_eq!(bob.code().await, "rate-limited");
    assert_eq!(bob.close_code().await, 4429);
}
