//! What devices do with a server: set up, ask for tokens, pair.

use std::time::{SystemTime, UNIX_EPOCH};

use hyper::Method;
use identity::testing::{CREATED_MS, TestDevice, sign_pair};
use serde_json::{Value, json};

use crate::process::Process;

pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(now.expect("after 1970").as_millis()).expect("not that late")
}

/// Numbers that no earlier run used: they become `jti`s and the times of pairs.
pub(crate) fn fresh() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    now_ms() * 1_000 + NEXT.fetch_add(1, Ordering::Relaxed) % 1_000
}

pub(crate) fn assertion(server: &Process, device: &TestDevice) -> String {
    device.assertion(&server.origin(), now_ms() / 1000, fresh())
}

/// The secret of a fresh setup link, by `helio setup`.
pub(crate) fn setup_secret(server: &Process) -> String {
    let output = server.run(&["setup", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let reply: Value = serde_json::from_slice(&output.stdout).expect("json");
    let url = reply["url"].as_str().expect("a url");
    url.split_once('#').expect("a secret").1.to_owned()
}

/// Redeems an invite; `None` where the server died meanwhile.
pub(crate) async fn redeem(
    server: &Process,
    secret: &str,
    device: &TestDevice,
) -> Option<(u16, Value)> {
    let assertion = assertion(server, device);
    let body = json!({"secret": secret, "record": device.record(), "assertion": assertion});
    server.call(Method::POST, "/api/setup", "", &body).await
}

/// An account token, or a link token for `pair`.
pub(crate) async fn token(
    server: &Process,
    assertion: &str,
    pair: Option<&str>,
) -> Option<(u16, Value)> {
    let body = json!({"assertion": assertion, "pairId": pair});
    let path = "/api/auth/webrtc-token";
    server.call(Method::POST, path, "", &body).await
}

/// Pairs two devices; the new pair's id and the reply.
pub(crate) async fn pair(
    server: &Process,
    token: &str,
    one: &TestDevice,
    other: &TestDevice,
) -> (String, Option<(u16, Value)>) {
    let pair = sign_pair(one, other, CREATED_MS + fresh() % 1_000_000_000);
    let id = pair.statement.pair_id.to_string();
    let body = serde_json::to_value(&pair).expect("json");
    let reply = server.call(Method::POST, "/api/pairs", token, &body).await;
    (id, reply)
}
