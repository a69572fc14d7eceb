//! The log of a whole journey at TRACE: secrets nowhere, names and addresses never above DEBUG.

use futures_util::{SinkExt, StreamExt};
use hyper::Method;
use identity::testing::TestDevice;
use protocol::base64url;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::people::{assertion, pair, redeem, setup_secret, token};
use crate::process::{Process, free_address};

const SDP: &str = "v=0 o=- 4611731400430051336 2 IN IP4 203.0.113.77";
const TURN_SECRET: &str = "a-secret-of-the-configuration";

/// Everything that must not be logged, by what it is.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, what: &'static str, value: impl Into<String>) {
        let value = value.into();
        assert!(value.len() >= 8, "{what} is too short to be searched for");
        self.0.push((what, value));
    }

    /// A JWT: nobody may log a part of it either.
    fn add_jwt(&mut self, what: &'static str, jwt: &str) {
        for part in jwt.split('.').skip(1) {
            self.add(what, part);
        }
    }
}

async fn signal(server: &Process, token: &str, offer: &Value) {
    let url = format!("ws://{}/api/signal", server.address);
    let mut request = url.into_client_request().expect("a url");
    let bearer = format!("Bearer {token}").parse().expect("a value");
    request.headers_mut().insert("authorization", bearer);
    let stream = TcpStream::connect(server.address).await.expect("listens");
    let (mut socket, _) = client_async(request, stream).await.expect("a websocket");
    let text = Message::text(offer.to_string());
    socket.send(text).await.expect("open");
    // `ready`, then `peer-offline`: by then the offer was handled.
    for _ in 0..2 {
        socket.next().await.expect("open").expect("a message");
    }
    socket.close(None).await.expect("open");
}

/// A journey; what it must not leave in the log.
async fn journey(server: &Process, ada: &TestDevice, bob: &TestDevice) -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add("turn secret", TURN_SECRET);
    for device in [ada, bob] {
        secrets.add("private key", base64url::encode(device.key().seed()));
        secrets.add("record's signature", device.record().sig.to_string());
    }
    let setup = setup_secret(server);
    secrets.add("setup secret", &setup);
    let redeemed = redeem(server, &setup, ada).await.expect("an answer");
    assert_eq!(redeemed.0, 201, "{}", redeemed.1);
    let used = redeem(server, &setup, bob).await.expect("an answer");
    assert_eq!(used.0, 410, "{}", used.1);
    let asked = assertion(server, ada);
    secrets.add_jwt("assertion", &asked);
    let (_, reply) = token(server, &asked, None).await.expect("an answer");
    let account = reply["token"].as_str().expect("a token").to_owned();
    secrets.add_jwt("account token", &account);
    let relay = &reply["iceServers"][1];
    secrets.add("credential", relay["credential"].as_str().expect("text"));
    let (id, reply) = pair(server, &account, ada, bob).await;
    assert_eq!(reply.expect("an answer").0, 201);
    let asked = assertion(server, bob);
    secrets.add_jwt("assertion", &asked);
    let (_, reply) = token(server, &asked, Some(&id)).await.expect("an answer");
    let link = reply["token"].as_str().expect("a token").to_owned();
    secrets.add_jwt("link token", &link);
    let offer = json!({"t": "offer", "pairId": id, "sdp": SDP});
    secrets.add("sdp", "4611731400430051336");
    signal(server, &link, &offer).await;
    let report = json!({"link": {"event": "connected"}, "stats": {"rttMs": 1}});
    let sent = server.call(Method::POST, "/api/telemetry", &link, &report);
    assert_eq!(sent.await.expect("an answer").0, 204);
    streams(server, ada, &account, &mut secrets).await;
    refusals(server, &account, &link).await;
    let path = format!("/api/devices/{}", bob.id());
    let revoked = server.call(Method::DELETE, &path, &account, &Value::Null);
    assert_eq!(revoked.await.expect("an answer").0, 204);
    secrets
}

/// A stream is published to, shared, and asked for with the code, also wrongly.
async fn streams(server: &Process, ada: &TestDevice, account: &str, secrets: &mut Secrets) {
    let asked = assertion(server, ada);
    secrets.add_jwt("assertion", &asked);
    let body = json!({"assertion": asked, "scope": "publish:cam0"});
    let sent = server.call(Method::POST, "/api/auth/webrtc-token", "", &body);
    let (_, reply) = sent.await.expect("an answer");
    secrets.add_jwt("stream token", reply["token"].as_str().expect("a token"));
    let (path, body) = ("/api/streams/cam0/shares", json!({"action": "view"}));
    let sent = server.call(Method::POST, path, account, &body);
    let (status, made) = sent.await.expect("an answer");
    assert_eq!(status, 201, "{made}");
    let code = made["code"].as_str().expect("a code");
    secrets.add("share's code", code);
    for (path, expected) in [
        ("/api/share", 200),
        ("/api/streams/cam0/access?action=publish", 403),
        ("/api/devices", 401),
    ] {
        let sent = server.call(Method::GET, path, code, &Value::Null);
        assert_eq!(sent.await.expect("an answer").0, expected, "{path}");
    }
}

/// Errors tempt most to log what they are about.
async fn refusals(server: &Process, account: &str, link: &str) {
    let in_query = format!("/api/devices?token={account}");
    for (method, path, token) in [
        (Method::GET, in_query.as_str(), ""),
        (Method::GET, "/api/devices", link),
        (Method::GET, "/api/devices", &account[..account.len() - 4]),
        (Method::POST, "/api/setup", account),
        (Method::POST, "/api/pairs", account),
    ] {
        let body = json!({"secret": account, "assertion": link});
        let (status, reply) = server
            .call(method, path, token, &body)
            .await
            .expect("an answer");
        assert!((400..500).contains(&status), "{path}: {reply}");
    }
}

#[tokio::test]
async fn a_journey_leaves_no_secret_in_the_log() {
    let data = tempfile::TempDir::new().expect("a directory");
    let secret = format!("turn.secrets=[\"{TURN_SECRET}\"]");
    let flags = [
        "--set",
        "log.level=trace",
        "--set",
        "log.format=json",
        "--set",
        &secret,
    ];
    let server = Process::start(data.path(), free_address(), &flags);
    let ada = TestDevice::new(1, "Adelheid's telephone");
    let bob = TestDevice::new(2, "Bobby's typewriter");
    let secrets = journey(&server, &ada, &bob).await;
    let (code, _, log) = server.stop();
    assert_eq!(code, Some(0));
    for (what, secret) in &secrets.0 {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "the {what} is in the log: {line:?}");
    }
    let mut levels = std::collections::BTreeMap::<String, u32>::new();
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).expect("a line of JSON");
        let level = entry["level"].as_str().expect("a level");
        *levels.entry(level.to_owned()).or_default() += 1;
        if level == "TRACE" || level == "DEBUG" {
            continue;
        }
        for personal in ["Adelheid", "Bobby", "203.0.113.77", "127.0.0.1", "::1"] {
            let is_own_address = entry["address"].is_string();
            assert!(!line.contains(personal) || is_own_address, "{line}");
        }
    }
    assert!(
        levels.contains_key("INFO"),
        "something was logged: {levels:?}"
    );
    assert!(log.contains(ada.id().as_str()), "devices go by their id");
}
