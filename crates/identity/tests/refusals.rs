//! Each way in which an assertion or a token can be wrong has its own refusal.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use identity::testing::{TestDevice, sign_jws};
use identity::{
    Assertion, AssertionError, JwsError, KeyRing, ReadAssertion, RetiredKey, SKEW_S, Scope,
    SigningKey, Token, TokenError,
};
use protocol::http::TOKEN_LIFETIME_S;
use protocol::id::{AccountId, PairId};
use protocol::problem::ProblemCode;
use protocol::stream::{StreamAction, StreamName};
use serde_json::{Value, json};

const HERE: &str = "https://helio.example";
const NOW_S: u64 = 1_760_000_000;

fn ada() -> TestDevice {
    TestDevice::new(1, "Ada")
}

fn verify_assertion(text: &str) -> Result<Assertion, AssertionError> {
    let origins = ["https://localhost:8443".to_owned(), HERE.to_owned()];
    ReadAssertion::read(text)?.verify(&ada().record().key, &origins, NOW_S)
}

fn assertion_header() -> Value {
    json!({"alg": "EdDSA", "typ": "JWT"})
}

fn assertion_claims() -> Value {
    let id = ada().id();
    json!({"iss": id, "sub": id, "aud": HERE, "iat": NOW_S, "exp": NOW_S + 60, "jti": "j"})
}

/// The right claims but for one.
fn assertion_with(claim: &str, value: Value) -> Result<Assertion, AssertionError> {
    let mut claims = assertion_claims();
    claims[claim] = value;
    verify_assertion(&sign_jws(&assertion_header(), &claims, ada().key()))
}

#[test]
fn a_fresh_assertion_for_one_of_the_origins_is_taken() {
    let assertion = verify_assertion(&ada().assertion(HERE, NOW_S, 1)).unwrap();
    assert_eq!(
        (assertion.issuer, assertion.audience.as_str()),
        (ada().id(), HERE)
    );
    assert_eq!(assertion.forget_after_s, NOW_S + 90);
}

#[test]
fn an_assertion_for_another_server_is_refused() {
    let error = assertion_with("aud", json!("https://evil.example")).unwrap_err();
    assert_eq!(error.problem(), ProblemCode::WrongAudience);
    assert!(assertion_with("aud", json!([HERE, "https://evil.example"])).is_err());
}

#[test]
fn an_assertion_serves_for_at_most_60_seconds_with_30_of_skew() {
    let at = |iat: i64, exp: i64| {
        let mut claims = assertion_claims();
        claims["iat"] = json!(NOW_S.saturating_add_signed(iat));
        claims["exp"] = json!(NOW_S.saturating_add_signed(exp));
        let text = sign_jws(&assertion_header(), &claims, ada().key());
        verify_assertion(&text)
            .map_err(|error| error.problem())
            .map(|_| ())
    };
    assert_eq!(at(0, 60), Ok(()));
    assert_eq!(at(0, 61), Err(ProblemCode::AssertionTooLong));
    assert_eq!(at(30, 90), Ok(()));
    assert_eq!(at(31, 91), Err(ProblemCode::ClockSkew));
    assert_eq!(at(-90, -30), Ok(()));
    assert_eq!(at(-91, -31), Err(ProblemCode::AssertionExpired));
}

#[test]
fn an_assertion_lacking_a_claim_or_with_a_wrong_one_is_refused() {
    for claim in ["iss", "sub", "aud", "iat", "exp", "jti"] {
        let error = assertion_with(claim, Value::Null).unwrap_err();
        assert_eq!(
            error,
            AssertionError::Jws(JwsError::Malformed("a claim")),
            "{claim}"
        );
    }
    assert_eq!(
        assertion_with("sub", json!("A".repeat(43))),
        Err(AssertionError::Subject)
    );
    assert!(assertion_with("jti", json!("j".repeat(64))).is_ok());
    for (length, jti) in [(0, String::new()), (65, "j".repeat(65))] {
        let expected = AssertionError::JtiLength { found: length };
        assert_eq!(assertion_with("jti", json!(jti)), Err(expected));
    }
}

#[test]
fn an_assertion_by_another_key_is_refused() {
    let eve = TestDevice::new(2, "Eve");
    let text = sign_jws(&assertion_header(), &assertion_claims(), eve.key());
    assert_eq!(verify_assertion(&text), Err(AssertionError::Signature));
    let own = eve.assertion(HERE, NOW_S, 1);
    assert_eq!(verify_assertion(&own), Err(AssertionError::OtherKey));
}

#[test]
fn keys_that_an_assertion_brings_are_never_looked_at() {
    let eve = TestDevice::new(2, "Eve");
    let header = json!({
        "alg": "EdDSA", "typ": "JWT", "jku": 5, "x5u": "https://evil.example", "x5c": {},
        "jwk": {"kty": "OKP", "crv": "Ed25519", "x": eve.record().key},
    });
    let by_eve = sign_jws(&header, &assertion_claims(), eve.key());
    assert_eq!(verify_assertion(&by_eve), Err(AssertionError::Signature));
    let by_ada = sign_jws(&header, &assertion_claims(), ada().key());
    assert!(verify_assertion(&by_ada).is_ok());
}

fn ring() -> KeyRing {
    let [previous, current, next] = [1, 2, 3].map(|seed| SigningKey::from_seed([seed; 32]));
    let previous = RetiredKey {
        key: previous,
        retired_s: NOW_S,
    };
    KeyRing::new(vec![previous], current, next)
}

fn pair() -> PairId {
    PairId::from_bytes(&[7; 32])
}

fn account() -> AccountId {
    AccountId::from_bytes(&[5; 16])
}

fn link_token() -> String {
    ring().issue(
        HERE,
        (&account(), &ada().id()),
        &Scope::Link(pair()),
        NOW_S,
        [9; 16],
    )
}

fn verify_token(text: &str) -> Result<Token, TokenError> {
    ring().verify(HERE, text, NOW_S)
}

fn token_header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": ring().current().thumbprint()})
}

/// The right token but for one member of its header or claims.
fn token_with(header: (&str, Value), claim: (&str, Value)) -> Result<Token, TokenError> {
    let mut headers = token_header();
    let mut claims = json!({
        "iss": HERE, "aud": HERE, "sub": ada().id(), "accountId": account(), "scope": "link",
        "pairId": pair(), "iat": NOW_S, "exp": NOW_S + 300, "jti": "j",
    });
    headers[header.0] = header.1;
    claims[claim.0] = claim.1;
    verify_token(&sign_jws(&headers, &claims, ring().current()))
}

fn claim_refused(name: &str, value: Value) -> TokenError {
    token_with(("x", Value::Null), (name, value)).unwrap_err()
}

#[test]
fn a_token_says_what_it_was_issued_for() {
    let token = verify_token(&link_token()).unwrap();
    assert_eq!((&token.device, &token.account), (&ada().id(), &account()));
    assert_eq!(token.link_pair(), Ok(&pair()));
    assert!(token.check_account().is_err());
    assert_eq!((token.issued_s, token.expires_s), (NOW_S, NOW_S + 300));
    assert_eq!(token.kid, ring().current().thumbprint());
    let text = ring().issue(
        HERE,
        (&account(), &ada().id()),
        &Scope::Account,
        NOW_S,
        [9; 16],
    );
    let token = verify_token(&text).unwrap();
    assert!(token.link_pair().is_err() && token.check_account().is_ok());
}

/// A token without a pair, whatever its scope.
fn with_scope(scope: &str) -> Result<Token, TokenError> {
    let claims = json!({
        "iss": HERE, "aud": HERE, "sub": ada().id(), "accountId": account(), "scope": scope,
        "iat": NOW_S, "exp": NOW_S + 300, "jti": "CQkJCQkJCQkJCQkJCQkJCQ",
    });
    let kid = ring().current().thumbprint();
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid});
    verify_token(&sign_jws(&header, &claims, ring().current()))
}

#[test]
fn a_stream_token_serves_for_one_action_with_one_stream() {
    let [cam0, cam1] = ["cam0", "cam1"].map(|name| StreamName::parse(name).unwrap());
    let (publish, view) = (StreamAction::Publish, StreamAction::View);
    let scope = Scope::Stream(publish, cam0.clone());
    let text = ring().issue(HERE, (&account(), &ada().id()), &scope, NOW_S, [9; 16]);
    let token = verify_token(&text).unwrap();
    assert_eq!(token, with_scope("publish:cam0").unwrap());
    assert_eq!(token.check_stream(publish, &cam0), Ok(()));
    let refused = token.check_stream(view, &cam0).unwrap_err();
    let said = "the token's scope is publish:cam0, not view:cam0";
    assert_eq!(refused.to_string(), said);
    assert!(token.check_stream(publish, &cam1).is_err());
    assert!(token.check_account().is_err() && token.link_pair().is_err());
    let viewing = with_scope("view:cam0").unwrap();
    assert_eq!(viewing.check_stream(view, &cam0), Ok(()));
    assert!(viewing.check_stream(publish, &cam0).is_err());
    let link = verify_token(&link_token()).unwrap();
    assert!(link.check_stream(view, &cam0).is_err());
}

#[test]
fn a_stream_scope_with_a_pair_or_a_wrong_name_is_none() {
    assert_eq!(
        claim_refused("scope", json!("view:cam0")),
        TokenError::Scope
    );
    for scope in [
        "view:",
        "view:api",
        "view:cam 0",
        "watch:cam0",
        "publish:cam0 view:cam0",
        "VIEW:cam0",
    ] {
        assert_eq!(with_scope(scope), Err(TokenError::Scope), "{scope}");
    }
}

#[test]
fn a_token_serves_until_its_exp() {
    assert!(ring().verify(HERE, &link_token(), NOW_S + 299).is_ok());
    let error = ring().verify(HERE, &link_token(), NOW_S + 300).unwrap_err();
    assert_eq!(error.problem(), ProblemCode::TokenExpired);
    assert_eq!(
        claim_refused("exp", json!(NOW_S + 301)).problem(),
        ProblemCode::TokenTooLong
    );
    assert_eq!(
        claim_refused("iat", json!(NOW_S + 31)),
        TokenError::Ahead { ahead_s: 31 }
    );
}

#[test]
fn alg_none_is_refused() {
    for alg in ["none", "None", "NONE", ""] {
        let error = token_with(("alg", json!(alg)), ("x", Value::Null)).unwrap_err();
        assert_eq!(error.problem(), ProblemCode::TokenAlgorithm);
    }
    let token = link_token();
    let claims = token.split('.').nth(1).unwrap();
    let header = protocol::base64url::encode(br#"{"alg":"none","typ":"at+jwt"}"#);
    let error = verify_token(&format!("{header}.{claims}.")).unwrap_err();
    assert_eq!(error.problem(), ProblemCode::TokenAlgorithm);
}

#[test]
fn hs256_with_the_public_key_as_its_secret_is_refused() {
    let ring = ring();
    let key = jsonwebtoken::EncodingKey::from_secret(ring.current().public().as_bytes());
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(ring.current().thumbprint().to_string());
    let claims = json!({"iss": HERE, "aud": HERE, "sub": ada().id(), "accountId": account(),
        "scope": "account", "iat": NOW_S, "exp": NOW_S + 300, "jti": "j"});
    let text = jsonwebtoken::encode(&header, &claims, &key).unwrap();
    assert_eq!(
        verify_token(&text).unwrap_err().problem(),
        ProblemCode::TokenAlgorithm
    );
}

#[test]
fn an_unknown_or_missing_kid_is_refused() {
    for kid in [json!("A".repeat(43)), json!(""), Value::Null] {
        let error = token_with(("kid", kid), ("x", Value::Null)).unwrap_err();
        assert_eq!(error.problem(), ProblemCode::TokenUnknownKey);
    }
    // A known kid of another key of the ring does not help either.
    let next = json!(ring().next().thumbprint());
    let error = token_with(("kid", next), ("x", Value::Null)).unwrap_err();
    assert_eq!(error.problem(), ProblemCode::TokenSignature);
}

#[test]
fn a_token_of_another_type_server_or_scope_is_refused() {
    let error = token_with(("typ", json!("JWT")), ("x", Value::Null)).unwrap_err();
    assert_eq!(
        error,
        TokenError::Jws(JwsError::Type { expected: "at+jwt" })
    );
    for claim in ["iss", "aud"] {
        assert_eq!(
            claim_refused(claim, json!("https://evil")),
            TokenError::OtherServer
        );
    }
    assert_eq!(claim_refused("scope", json!("account")), TokenError::Scope);
    assert_eq!(claim_refused("scope", json!("admin")), TokenError::Scope);
    assert_eq!(claim_refused("pairId", Value::Null), TokenError::Scope);
    assert_eq!(
        claim_refused("jti", json!("")),
        TokenError::JtiLength { found: 0 }
    );
    // An assertion is no token.
    assert!(verify_token(&ada().assertion(HERE, NOW_S, 1)).is_err());
}

#[test]
fn tokens_outlive_every_rotation_and_die_with_their_key() {
    let fresh = |seed| SigningKey::from_seed([seed; 32]);
    let kid = ring().current().thumbprint();
    let rotated = ring().rotated(fresh(4), NOW_S);
    let rotated = rotated.rotated(fresh(6), NOW_S + 1);
    let last_s = NOW_S + TOKEN_LIFETIME_S - 1;
    let rotated = rotated.rotated(fresh(7), last_s);
    assert!(rotated.verify(HERE, &link_token(), last_s).is_ok());
    assert_eq!(rotated.jwks().keys.len(), 3);
    assert_eq!(rotated.retired().len(), 4);
    let killed = rotated.without(&kid, fresh(5)).unwrap();
    assert_eq!(
        killed.verify(HERE, &link_token(), NOW_S),
        Err(TokenError::UnknownKey)
    );
    assert!(killed.jwks().keys.iter().all(|key| key.kid != kid.as_str()));
    let killed = ring().without(&kid, fresh(5)).unwrap();
    assert_eq!(killed.current().thumbprint(), ring().next().thumbprint());
    assert!(killed.without(&kid, fresh(6)).is_err());
}

#[test]
fn a_key_that_no_longer_signs_verifies_no_longer_than_its_last_token_lives() {
    let ring = ring().rotated(SigningKey::from_seed([4; 32]), NOW_S);
    let end_s = NOW_S + TOKEN_LIFETIME_S + SKEW_S;
    let token = |now_s| {
        let [signs, next] = [2, 9].map(|seed| SigningKey::from_seed([seed; 32]));
        let issuing = KeyRing::new(Vec::new(), signs, next);
        let holder = (&account(), &ada().id());
        issuing.issue(HERE, holder, &Scope::Account, now_s, [1; 16])
    };
    assert!(ring.verify(HERE, &token(end_s), end_s).is_ok());
    let stolen = ring.verify(HERE, &token(end_s + 1), end_s + 1);
    assert_eq!(stolen, Err(TokenError::UnknownKey));
    let after = ring.rotated(SigningKey::from_seed([5; 32]), end_s + 1);
    assert_eq!(after.retired().len(), 1, "the rest is forgotten");
}

#[test]
fn a_changed_character_anywhere_is_refused() {
    let text = link_token();
    for at in 0..text.len() {
        let flipped = if &text[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{flipped}{}", &text[..at], &text[at + 1..]);
        assert!(verify_token(&changed).is_err(), "at {at}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_is_a_token_or_an_assertion_or_makes_a_panic(text in ".{0,200}") {
        assert!(verify_token(&text).is_err());
        assert!(verify_assertion(&text).is_err());
    }

    #[test]
    fn no_header_and_claims_without_the_key_are_a_token(header in ".{0,60}", claims in ".{0,60}") {
        let [header, claims] = [header, claims].map(|part| protocol::base64url::encode(part.as_bytes()));
        assert!(verify_token(&format!("{header}.{claims}.{}", "A".repeat(86))).is_err());
    }

    #[test]
    fn a_record_reads_back_and_verifies(name in "[^\\p{Cc}]{1,64}", created in 0_u64..1 << 53) {
        let record = ada().renamed(&name, created).into_record();
        let json = serde_json::to_string(&record).unwrap();
        let read: protocol::record::DeviceRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(identity::VerifiedRecord::new(read).unwrap().into_record(), record);
    }
}
