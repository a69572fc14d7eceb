//! What `POST /api/auth/webrtc-token` refuses of assertions (spec 2, "Tokens").

use identity::testing::{TestDevice, sign_jws};
use protocol::id::PairId;
use serde_json::{Value, json};

use crate::stage::{Stage, bent_assertion, fresh, now_s, people, token_of};

async fn with_ada() -> (Stage, TestDevice) {
    let stage = Stage::start().await;
    let [ada, ..] = people();
    stage.set_up(&ada).await;
    (stage, ada)
}

#[tokio::test]
async fn an_assertion_works_once_also_after_a_restart() {
    let (stage, ada) = with_ada().await;
    let assertion = stage.assertion(&ada);
    token_of(&stage.ask_token(&assertion, None).await);
    let again = stage.ask_token(&assertion, None).await.refusal();
    assert_eq!(again, (401, "assertion-used".into()));
    let stage = stage.restart(&[]).await;
    let again = stage.ask_token(&assertion, None).await.refusal();
    assert_eq!(again, (401, "assertion-used".into()));
    token_of(&stage.ask_token(&stage.assertion(&ada), None).await);
}

#[tokio::test]
async fn of_an_assertion_sent_twice_at_once_one_wins() {
    let (stage, ada) = with_ada().await;
    let assertion = stage.assertion(&ada);
    let asked = (0..8).map(|_| stage.ask_token(&assertion, None));
    let replies = futures_util::future::join_all(asked).await;
    let won = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(won, 1, "{replies:?}");
    for lost in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!(lost.problem(), "assertion-used");
    }
}

#[tokio::test]
async fn the_assertion_of_a_setup_does_not_make_a_token_too() {
    let stage = Stage::start().await;
    let [ada, ..] = people();
    let body = stage.setup_body(&stage.setup_secret().await, &ada);
    let assertion = body["assertion"].as_str().expect("text").to_owned();
    stage.post("/api/setup", "", body).await.ok();
    let refused = stage.ask_token(&assertion, None).await.refusal();
    assert_eq!(refused, (401, "assertion-used".into()));
}

#[tokio::test]
async fn a_header_or_claim_that_is_wrong_is_refused_with_its_code() {
    let (stage, ada) = with_ada().await;
    type Change = fn(&mut Value, &mut Value, u64);
    let cases: [(&str, Change); 12] = [
        ("assertion-invalid", |h, _, _| h["alg"] = json!("none")),
        ("assertion-invalid", |h, _, _| h["alg"] = json!("HS256")),
        ("assertion-invalid", |h, _, _| h["typ"] = json!("at+jwt")),
        ("assertion-invalid", |_, c, _| {
            c["sub"] = json!("x".repeat(43))
        }),
        ("assertion-invalid", |_, c, _| c["jti"] = json!("")),
        ("assertion-invalid", |_, c, _| {
            c["jti"] = json!("j".repeat(1000))
        }),
        ("assertion-invalid", |_, c, _| c["iat"] = json!(-1)),
        ("assertion-too-long", |_, c, now| c["exp"] = json!(now + 61)),
        ("wrong-audience", |_, c, _| {
            c["aud"] = json!("https://evil.example")
        }),
        ("assertion-expired", |_, c, now| {
            (c["iat"], c["exp"]) = (json!(now - 120), json!(now - 60))
        }),
        ("clock-skew", |_, c, now| {
            (c["iat"], c["exp"]) = (json!(now + 40), json!(now + 90))
        }),
        ("clock-skew", |_, c, now| {
            (c["iat"], c["exp"]) = (json!(now + 3600), json!(now + 3660))
        }),
    ];
    for (code, change) in cases {
        let assertion = bent_assertion(&ada, &stage.origin, |h, c| change(h, c, now_s()));
        let refused = stage.ask_token(&assertion, None).await;
        assert_eq!(refused.refusal(), (401, code.into()), "{}", refused.json());
        if code == "clock-skew" {
            let detail = refused.json()["detail"].to_string();
            assert!(detail.contains(" s ahead"), "by how much: {detail}");
        }
    }
}

#[tokio::test]
async fn clocks_30_s_apart_are_near_enough() {
    let (stage, ada) = with_ada().await;
    let now = now_s();
    for (iat, exp) in [(now + 25, now + 85), (now - 80, now - 20)] {
        let assertion = bent_assertion(&ada, &stage.origin, |_, claims| {
            (claims["iat"], claims["exp"]) = (json!(iat), json!(exp));
        });
        token_of(&stage.ask_token(&assertion, None).await);
    }
}

#[tokio::test]
async fn every_origin_of_the_server_is_an_audience() {
    let (stage, ada) = with_ada().await;
    let info = stage.get("/api/server", "").await.ok();
    for origin in info["origins"].as_array().expect("a list") {
        let origin = origin.as_str().expect("text");
        let assertion = ada.assertion(origin, now_s(), fresh());
        token_of(&stage.ask_token(&assertion, None).await);
        let other = ada.assertion(&format!("{origin}/"), now_s(), fresh());
        let refused = stage.ask_token(&other, None).await;
        assert_eq!(refused.problem(), "wrong-audience");
    }
}

#[tokio::test]
async fn another_devices_signature_is_refused() {
    let (stage, ada) = with_ada().await;
    let [_, bob, ..] = people();
    let now = now_s();
    let claims = json!({"iss": ada.id(), "sub": ada.id(), "aud": stage.origin, "iat": now,
        "exp": now + 60, "jti": "forged"});
    let forged = sign_jws(&json!({"alg": "EdDSA", "typ": "JWT"}), &claims, bob.key());
    let refused = stage.ask_token(&forged, None).await;
    assert_eq!(refused.refusal(), (401, "assertion-invalid".into()));
}

#[tokio::test]
async fn a_device_of_no_account_gets_no_token() {
    let (stage, _) = with_ada().await;
    let [.., dan] = people();
    let refused = stage.ask_token(&stage.assertion(&dan), None).await;
    assert_eq!(refused.refusal(), (401, "unknown-device".into()));
}

#[tokio::test]
async fn a_pair_of_others_gives_no_link_token() {
    let (stage, ada) = with_ada().await;
    let [_, bob, cyd, _] = people();
    let pair = stage.pair(&ada, &bob).await;
    stage.pair(&ada, &cyd).await;
    let refused = stage.ask_token(&stage.assertion(&cyd), Some(&pair)).await;
    assert_eq!(refused.refusal(), (403, "wrong-pair".into()));
    let nothing = PairId::from_bytes(&[5; 32]);
    let refused = stage
        .ask_token(&stage.assertion(&ada), Some(&nothing))
        .await;
    assert_eq!(refused.refusal(), (404, "not-found".into()));
}

#[tokio::test]
async fn a_token_comes_with_its_lifetime_and_ways_to_relay() {
    let (stage, ada) = with_ada().await;
    let reply = stage.ask_token(&stage.assertion(&ada), None).await;
    assert_eq!(reply.header("cache-control"), "no-store");
    let reply = reply.ok();
    assert_eq!(reply["expiresIn"], 300);
    let relay = &reply["iceServers"][1];
    assert!(
        relay["urls"][0]
            .as_str()
            .expect("a url")
            .starts_with("turn:")
    );
    let name = relay["username"].as_str().expect("a name");
    assert!(name.ends_with(&format!(":{}", ada.id())), "{name}");
}
