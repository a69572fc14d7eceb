//! Metrics: each one moves, labels are enumerations, reports are limited.
//!
//! A binary of its own, since metrics are the process'.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::Method;
use identity::testing::TestDevice;
use protocol::id::PairId;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

#[path = "stage/client.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod client;
#[path = "stage/stage.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod stage;

use client::{Connection, request};
use stage::{Stage, people};

type Socket = WebSocketStream<TcpStream>;

/// Metrics named in the list that an operator reads.
fn described() -> Vec<&'static str> {
    let source = concat!(
        include_str!("../src/metrics.rs"),
        include_str!("../src/signalling_loop/metrics.rs")
    );
    let names = source.split("\"helio_").skip(1);
    let mut names: Vec<_> = names.filter_map(|rest| rest.split('"').next()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").to_string()
}

/// Every sample by name and labels.
async fn samples(address: &str) -> BTreeMap<String, f64> {
    let stream = TcpStream::connect(address).await.expect("metrics listen");
    let mut connection = Connection::open(stream, address).await;
    let scrape = request(Method::GET, "/metrics", "", &Value::Null);
    let reply = connection.send(scrape).await.expect("an answer");
    let text = String::from_utf8(reply.body.to_vec()).expect("text");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| (name.to_owned(), value.parse().expect("a number")))
        .collect()
}

/// Waits until a sample whose name starts so is above zero.
async fn moved(address: &str, name: &str) {
    let moved = async {
        loop {
            let samples = samples(address).await;
            let mut named = samples.iter().filter(|(key, _)| key.starts_with(name));
            if named.any(|(_, value)| *value > 0.0) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(15), moved).await;
    let last = samples(address).await;
    assert!(waited.is_ok(), "{name} does not move: {last:?}");
}

async fn signal(stage: &Stage, device: &TestDevice, pair: &PairId) -> Socket {
    let url = format!("ws://{}/api/signal", stage.address);
    let mut request = url.into_client_request().expect("a url");
    let token = stage.link_token(device, pair).await;
    let bearer = format!("Bearer {token}").parse().expect("a value");
    request.headers_mut().insert("authorization", bearer);
    let stream = TcpStream::connect(stage.address).await.expect("listens");
    let (socket, _) = client_async(request, stream).await.expect("a websocket");
    socket
}

async fn say(socket: &mut Socket, message: Value) {
    let text = Message::text(message.to_string());
    socket.send(text).await.expect("the socket is open");
}

/// Reads until a message of this type.
async fn hear(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let message = socket.next().await.expect("open").expect("a message");
        if let Message::Text(text) = message {
            let value: Value = serde_json::from_str(&text).expect("json");
            if value["t"] == kind {
                return value;
            }
        }
    }
}

fn whole_report(event: &str) -> Value {
    json!({
        "link": {"event": event, "cause": "dtls-failed",
            "path": {"local": "relay", "remote": "host"},
            "phasesMs": {"offerToAnswer": 12.5, "answerToConnected": 40, "connectedToChannel": 3}},
        "stats": {"rttMs": 0.4, "jitterMs": 1, "lossRatio": 0.01, "retransmits": 2,
            "mediaBytes": 1000, "dataBytes": 20, "stillBytes": [90000],
            "channelRttMs": {"p50": 1, "p95": 2, "p99": 3}},
    })
}

/// Everything that is counted, once.
async fn live_a_day(stage: &Stage, metrics: &str) {
    let [ada, bob, cyd, _] = people();
    stage.set_up(&ada).await;
    let pair = stage.pair(&ada, &bob).await;
    let other = stage.pair(&ada, &cyd).await;
    let link = stage.link_token(&ada, &pair).await;
    let (mut adas, mut bobs) = (
        signal(stage, &ada, &pair).await,
        signal(stage, &bob, &pair).await,
    );
    hear(&mut bobs, "ready").await;
    moved(metrics, "helio_signalling_sockets").await;
    say(
        &mut adas,
        json!({"t": "offer", "pairId": pair, "sdp": "v=0"}),
    )
    .await;
    hear(&mut bobs, "offer").await;
    say(
        &mut bobs,
        json!({"t": "answer", "pairId": pair, "sdp": "v=0"}),
    )
    .await;
    hear(&mut adas, "answer").await;
    say(&mut adas, json!({"t": "nonsense"})).await;
    hear(&mut adas, "error").await;
    for event in ["failed", "connected"] {
        let report = stage
            .post("/api/telemetry", &link, whole_report(event))
            .await;
        assert_eq!(report.status, 204, "{report:?}");
    }
    moved(metrics, "helio_links{path=\"relayed\"}").await;
    let token = stage.account_token(&ada).await;
    for path in [
        format!("/api/pairs/{other}"),
        format!("/api/devices/{}", bob.id()),
    ] {
        let ended = stage.call(Method::DELETE, &path, &token, Value::Null).await;
        assert_eq!(ended.status, 204);
    }
    let garbage = TcpStream::connect(stage.address).await.expect("listens");
    garbage.writable().await.expect("open");
    garbage.try_write(&[0xff; 16]).expect("written");
    moved(metrics, "helio_connections_refused_total").await;
}

#[tokio::test]
async fn every_metric_moves_and_no_label_is_a_strangers_word() {
    let metrics = free_address();
    let stage = Stage::start_with(&[("metrics.listen", &metrics)]).await;
    live_a_day(&stage, &metrics).await;
    // Gauges went up and are down again by the end of the day.
    let gauges = ["signalling_sockets", "links"];
    for name in described()
        .into_iter()
        .filter(|name| !gauges.contains(name))
    {
        moved(&metrics, &format!("helio_{name}")).await;
    }
    let [ada, bob, ..] = people();
    for sample in samples(&metrics).await.keys() {
        for word in [
            ada.id().as_str(),
            bob.id().as_str(),
            "Ada",
            "Bob",
            "127.0.0.1",
        ] {
            assert!(!sample.contains(word), "{sample}");
        }
        let labels = sample.split('"').skip(1).step_by(2);
        for label in labels {
            let is_enumerated = label.len() <= 32
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || b"0123456789-_.+eInf".contains(&byte));
            assert!(is_enumerated, "{sample}");
        }
    }
    let known: Vec<_> = described();
    let turn = |name: &str| name.starts_with("helio_turn_");
    for sample in samples(&metrics).await.keys().filter(|name| !turn(name)) {
        let is_known = known.iter().any(|name| sample[6..].starts_with(name));
        assert!(is_known, "{sample} has no help text");
    }
}

#[tokio::test]
async fn one_report_more_than_a_minute_allows_is_told_when_to_come_back() {
    let stage = Stage::start_with(&[("limits.telemetry_per_minute", "3")]).await;
    let [ada, bob, ..] = people();
    stage.set_up(&ada).await;
    let pair = stage.pair(&ada, &bob).await;
    let link = stage.link_token(&ada, &pair).await;
    for _ in 0..3 {
        let taken = stage.post("/api/telemetry", &link, json!({})).await;
        assert_eq!(taken.status, 204);
    }
    let refused = stage.post("/api/telemetry", &link, json!({})).await;
    assert_eq!(refused.refusal(), (429, "rate-limited".into()));
    let wait_s: u64 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait_s));
    let peer = stage.link_token(&bob, &pair).await;
    let taken = stage.post("/api/telemetry", &peer, json!({})).await;
    assert_eq!(taken.status, 204, "the other device has its own minute");
}

#[tokio::test]
async fn a_report_that_cannot_be_true_is_refused() {
    let stage = Stage::start().await;
    let [ada, bob, ..] = people();
    stage.set_up(&ada).await;
    let pair = stage.pair(&ada, &bob).await;
    let link = stage.link_token(&ada, &pair).await;
    let many_stills = vec![1; 65];
    for report in [
        json!({"stats": {"stillBytes": many_stills}}),
        json!({"stats": {"rttMs": -1}}),
        json!({"stats": {"rttMs": 1e300}}),
        json!({"stats": {"mediaBytes": u64::MAX}}),
        json!({"stats": {"mediaBytes": -1}}),
        json!({"stats": {"stillBytes": [u64::MAX]}}),
        json!({"stats": {"channelRttMs": {"p50": -5, "p95": 1, "p99": 1}}}),
        json!({"link": {"event": "connected", "phasesMs": {"offerToAnswer": -3}}}),
        json!({"link": {"event": "exploded"}}),
        json!({"link": {"event": "failed", "cause": "<script>"}}),
    ] {
        let refused = stage.post("/api/telemetry", &link, report.clone()).await;
        assert_eq!(refused.refusal(), (400, "bad-message".into()), "{report}");
    }
    let many_stills = vec![1; 64];
    let most = json!({"stats": {"stillBytes": many_stills}});
    let taken = stage.post("/api/telemetry", &link, most).await;
    assert_eq!(taken.status, 204);
}
