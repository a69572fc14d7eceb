//! What the API refuses of tokens (spec 2, "Tokens").

use hyper::Method;
use identity::testing::{TestDevice, sign_jws};
use identity::{KeyRing, SigningKey};
use protocol::base64url;
use serde_json::{Value, json};

use crate::client::request;
use crate::stage::{Stage, now_s, people};

/// A token that the server could have signed, its header and claims changed by `change`.
fn bent(keys: &KeyRing, good: &str, change: impl FnOnce(&mut Value, &mut Value)) -> String {
    let (mut header, mut claims) = parts(good);
    change(&mut header, &mut claims);
    sign_jws(&header, &claims, keys.current())
}

fn parts(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| {
        let bytes = base64url::decode(part).expect("base64url");
        serde_json::from_slice(&bytes).expect("json")
    });
    let mut next = || parts.next().expect("three parts");
    (next(), next())
}

async fn refusal(stage: &Stage, token: &str) -> (u16, String) {
    stage.get("/api/devices", token).await.refusal()
}

async fn with_ada() -> (Stage, TestDevice, String) {
    let stage = Stage::start().await;
    let [ada, ..] = people();
    stage.set_up(&ada).await;
    let token = stage.account_token(&ada).await;
    assert_eq!(stage.get("/api/devices", &token).await.status, 200);
    (stage, ada, token)
}

#[tokio::test]
async fn an_algorithm_other_than_eddsa_is_refused() {
    let (stage, _, token) = with_ada().await;
    let (_, claims) = parts(&token);
    let keys = stage.keys().await;
    let kid = keys.current().thumbprint();
    let encode = |value: &Value| base64url::encode(value.to_string().as_bytes());
    for alg in ["none", "None", "NONE", ""] {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": kid});
        let signed_by_nobody = format!("{}.{}.", encode(&header), encode(&claims));
        let refused = refusal(&stage, &signed_by_nobody).await;
        assert_eq!(refused, (401, "token-algorithm".into()), "{alg}");
    }
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": kid});
    let text = format!("{}.{}", encode(&header), encode(&claims));
    for secret in [
        keys.current().public().as_bytes().to_vec(),
        keys.current().public().to_string().into_bytes(),
    ] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
        let mac = aws_lc_rs::hmac::sign(&key, text.as_bytes());
        let token = format!("{text}.{}", base64url::encode(mac.as_ref()));
        assert_eq!(
            refusal(&stage, &token).await,
            (401, "token-algorithm".into())
        );
    }
}

/// Changes header and claims; the number is the time in seconds.
type Change = fn(&mut Value, &mut Value, u64);

fn remove(object: &mut Value, member: &str) {
    let members = object.as_object_mut().expect("an object");
    members.remove(member).expect("it was there");
}

const WRONG: [(&str, Change); 15] = [
    ("token-unknown-key", |h, _, _| {
        h["kid"] = json!("x".repeat(43))
    }),
    ("token-unknown-key", |h, _, _| remove(h, "kid")),
    ("token-malformed", |h, _, _| h["typ"] = json!("JWT")),
    ("token-malformed", |h, _, _| remove(h, "typ")),
    ("token-too-long", |_, c, now| c["exp"] = json!(now + 301)),
    ("token-expired", |_, c, now| {
        (c["iat"], c["exp"]) = (json!(now - 301), json!(now - 1));
    }),
    // Signed in the future.
    ("token-malformed", |_, c, now| {
        (c["iat"], c["exp"]) = (json!(now + 40), json!(now + 300));
    }),
    ("token-malformed", |_, c, _| {
        c["iss"] = json!("https://evil.example")
    }),
    ("token-malformed", |_, c, _| {
        c["aud"] = json!("https://evil.example")
    }),
    // An account token with a pair, and a scope that nobody has.
    ("token-malformed", |_, c, _| {
        c["pairId"] = json!("x".repeat(43))
    }),
    ("token-malformed", |_, c, _| c["scope"] = json!("root")),
    ("token-malformed", |_, c, _| c["sub"] = json!("' OR 1=1")),
    ("token-malformed", |_, c, _| remove(c, "exp")),
    ("unknown-device", |_, c, _| c["sub"] = json!("E".repeat(43))),
    ("unknown-device", |_, c, _| {
        c["accountId"] = json!("A".repeat(22))
    }),
];

#[tokio::test]
async fn a_header_or_claim_that_is_wrong_is_refused_with_its_code() {
    let (stage, _, good) = with_ada().await;
    let keys = stage.keys().await;
    for (index, (code, change)) in WRONG.into_iter().enumerate() {
        let token = bent(&keys, &good, |header, claims| {
            claims["iat"] = json!(now_s());
            change(header, claims, now_s());
        });
        let refused = refusal(&stage, &token).await;
        assert_eq!(refused, (401, code.into()), "case {index}");
    }
    let unchanged = bent(&keys, &good, |_, _| ());
    assert_eq!(stage.get("/api/devices", &unchanged).await.status, 200);
}

#[tokio::test]
async fn a_signature_by_another_key_is_refused() {
    let (stage, ada, good) = with_ada().await;
    let (header, claims) = parts(&good);
    for key in [&SigningKey::from_seed([9; 32]), ada.key()] {
        let forged = sign_jws(&header, &claims, key);
        let refused = refusal(&stage, &forged).await;
        assert_eq!(refused, (401, "token-signature".into()));
    }
}

#[tokio::test]
async fn keys_that_a_header_brings_along_are_ignored() {
    let (stage, _, good) = with_ada().await;
    let evil = SigningKey::from_seed([7; 32]);
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": evil.public()});
    let (mut header, claims) = parts(&good);
    header["jwk"] = jwk;
    header["jku"] = json!("http://127.0.0.1:1/jwks.json");
    header["x5u"] = json!("http://127.0.0.1:1/x5u");
    let forged = sign_jws(&header, &claims, &evil);
    let refused = refusal(&stage, &forged).await;
    assert_eq!(refused, (401, "token-signature".into()));
    header["kid"] = json!(evil.thumbprint());
    let refused = refusal(&stage, &sign_jws(&header, &claims, &evil)).await;
    assert_eq!(refused, (401, "token-unknown-key".into()));
}

#[tokio::test]
async fn a_token_in_the_query_is_refused_even_beside_a_good_one() {
    let (stage, _, good) = with_ada().await;
    for path in [
        format!("/api/devices?token={good}"),
        format!("/api/devices?x={good}"),
        "/api/devices?access_token=".to_owned(),
    ] {
        let refused = stage.get(&path, &good).await.refusal();
        assert_eq!(refused, (400, "token-in-query".into()));
    }
}

#[tokio::test]
async fn no_token_and_no_kind_of_text_is_let_in() {
    let (stage, _, good) = with_ada().await;
    let reply = stage.get("/api/devices", "").await;
    assert_eq!(reply.header("www-authenticate"), "Bearer");
    assert_eq!(reply.refusal(), (401, "unauthorized".into()));
    let long = format!("{good}{}", "A".repeat(4096));
    for text in [
        "a",
        "a.b.c",
        "..",
        good.trim_end_matches(|c| c != '.'),
        &long,
    ] {
        let refused = refusal(&stage, text).await;
        assert_eq!(refused.0, 401, "{text}");
        assert!(refused.1.starts_with("token-"), "{refused:?}");
    }
    let mut basic = request(Method::GET, "/api/devices", "", &Value::Null);
    let value = format!("Basic {good}").parse().expect("a value");
    basic.headers_mut().insert("authorization", value);
    assert_eq!(stage.send(basic).await.problem(), "unauthorized");
    let mut cookie = request(Method::GET, "/api/devices", "", &Value::Null);
    let value = format!("token={good}").parse().expect("a value");
    cookie.headers_mut().insert("cookie", value);
    assert_eq!(stage.send(cookie).await.problem(), "unauthorized");
}

#[tokio::test]
async fn each_scope_opens_its_own_routes_only() {
    let (stage, ada, account) = with_ada().await;
    let [_, bob, ..] = people();
    let pair = stage.pair(&ada, &bob).await;
    let link = stage.link_token(&ada, &pair).await;
    let reports = json!({});
    let reply = stage.post("/api/telemetry", &link, reports.clone()).await;
    assert_eq!(reply.status, 204);
    let refused = stage.post("/api/telemetry", &account, reports).await;
    assert_eq!(refused.refusal(), (403, "wrong-scope".into()));
    for (method, path) in [
        (Method::GET, "/api/devices".to_owned()),
        (Method::DELETE, format!("/api/devices/{}", ada.id())),
        (Method::GET, "/api/pairs".to_owned()),
        (Method::DELETE, format!("/api/pairs/{pair}")),
        (Method::POST, "/api/invites".to_owned()),
        (Method::GET, "/api/audit".to_owned()),
    ] {
        let refused = stage.call(method, &path, &link, json!({})).await;
        assert_eq!(refused.refusal(), (403, "wrong-scope".into()), "{path}");
    }
}

#[tokio::test]
async fn a_revoked_device_is_refused_with_old_and_new_tokens() {
    let (stage, ada, account) = with_ada().await;
    let [_, bob, ..] = people();
    let pair = stage.pair(&ada, &bob).await;
    let bobs_account = stage.account_token(&bob).await;
    let bobs_link = stage.link_token(&bob, &pair).await;
    let path = format!("/api/devices/{}", bob.id());
    let reply = stage
        .call(Method::DELETE, &path, &account, Value::Null)
        .await;
    assert_eq!(reply.status, 204);
    let old = refusal(&stage, &bobs_account).await;
    assert_eq!(old, (403, "revoked".into()));
    let old = stage.post("/api/telemetry", &bobs_link, json!({})).await;
    assert_eq!(old.refusal(), (403, "revoked".into()));
    let new = stage.ask_token(&stage.assertion(&bob), None).await;
    assert_eq!(new.refusal(), (403, "revoked".into()));
    let pair_gone = stage.ask_token(&stage.assertion(&ada), Some(&pair)).await;
    assert_eq!(pair_gone.refusal(), (403, "revoked".into()));
}

#[tokio::test]
async fn a_link_token_of_a_revoked_pair_reports_nothing() {
    let (stage, ada, account) = with_ada().await;
    let [_, bob, ..] = people();
    let pair = stage.pair(&ada, &bob).await;
    let link = stage.link_token(&bob, &pair).await;
    let path = format!("/api/pairs/{pair}");
    let reply = stage
        .call(Method::DELETE, &path, &account, Value::Null)
        .await;
    assert_eq!(reply.status, 204);
    let refused = stage.post("/api/telemetry", &link, json!({})).await;
    assert_eq!(refused.refusal(), (403, "revoked".into()));
}
