//! Addresses that others forward: believed from configured proxies, from nobody else.

use hyper::Method;
use serde_json::Value;

use crate::client::{Reply, request};
use crate::stage::Stage;

async fn forwarded(stage: &Stage, from: &str) -> Reply {
    let mut request = request(Method::GET, "/healthz", "", &Value::Null);
    let from = from.parse().expect("a header value");
    request.headers_mut().insert("x-forwarded-for", from);
    stage.send(request).await
}

/// A WebSocket's handshake, without a token.
async fn forwarded_socket(stage: &Stage, from: &str) -> Reply {
    let mut request = request(Method::GET, "/api/signal", "", &Value::Null);
    for (name, value) in [
        ("x-forwarded-for", from),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ] {
        let value = value.parse().expect("a header value");
        request.headers_mut().insert(name, value);
    }
    stage.send(request).await
}

#[tokio::test]
async fn a_strangers_word_on_its_address_does_not_count() {
    let stage = Stage::start_with(&[("limits.connects_per_ip_per_minute", "2")]).await;
    for from in ["192.0.2.1", "192.0.2.2"] {
        assert_eq!(forwarded(&stage, from).await.status, 200);
    }
    let refused = forwarded(&stage, "192.0.2.3").await;
    assert_eq!(refused.refusal(), (429, "rate-limited".into()));
}

#[tokio::test]
async fn a_trusted_proxys_clients_are_counted_each() {
    let settings = [
        ("http.behind_proxy", "true"),
        ("http.public_origins", "[\"https://link.example\"]"),
        ("http.trusted_proxies", "[\"127.0.0.0/8\"]"),
        ("limits.connects_per_ip_per_minute", "2"),
    ];
    let stage = Stage::start_with(&settings).await;
    for _ in 0..5 {
        let file = forwarded(&stage, "192.0.2.1").await;
        assert_eq!(file.status, 200, "requests have no rate");
    }
    for _ in 0..2 {
        let socket = forwarded_socket(&stage, "192.0.2.1").await;
        assert_eq!(socket.problem(), "unauthorized");
    }
    let refused = forwarded_socket(&stage, "192.0.2.1").await;
    assert_eq!(refused.refusal(), (429, "rate-limited".into()));
    let wait_s: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait_s));
    let other = forwarded_socket(&stage, "192.0.2.2").await;
    assert_eq!(other.problem(), "unauthorized");
    // What the client wrote itself stands left of what the proxy saw.
    let lied = forwarded_socket(&stage, "192.0.2.99, 192.0.2.1").await;
    assert_eq!(lied.problem(), "rate-limited");
    let info = stage.get("/api/server", "").await.ok();
    assert_eq!(info["inviteOrigin"], "https://link.example");
}
