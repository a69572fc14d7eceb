//! A server on a free port of loopback, and people with devices.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Request};
use identity::KeyRing;
use identity::testing::{CREATED_MS, TestDevice, sign_jws, sign_pair};
use protocol::id::PairId;
use registry::Registry;
use serde_json::{Value, json};
use server::Running;
use server::config::{Sources, read};
use server::settings::Settings;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::client::{Connection, Reply, request};

/// Makes every assertion's `jti` another.
static ASSERTIONS: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Stage {
    pub(crate) running: Running,
    /// What assertions name.
    pub(crate) origin: String,
    pub(crate) address: SocketAddr,
    pub(crate) data: TempDir,
}

impl Stage {
    /// Plain HTTP.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let data = TempDir::new().expect("a temporary directory");
        Self::start_in(data, settings).await
    }

    pub(crate) async fn start_in(data: TempDir, settings: &[(&str, &str)]) -> Self {
        let settings = prove(data.path(), settings);
        let running = server::start(settings).await.expect("a server starts");
        let origin = running.origin().to_owned();
        let address = running.http_addresses()[0];
        Self {
            running,
            origin,
            address,
            data,
        }
    }

    /// The same data and port, another process' worth of memory.
    pub(crate) async fn restart(self, settings: &[(&str, &str)]) -> Self {
        let listen = format!("[\"{}\"]", self.address);
        self.running.stop().await;
        let mut settings = settings.to_vec();
        settings.push(("http.listen", &listen));
        Self::start_in(self.data, &settings).await
    }

    pub(crate) async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).await.expect("it listens");
        Connection::open(stream, &self.address.to_string()).await
    }

    /// One request on its own connection.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        let mut connection = self.connect().await;
        connection.send(request).await.expect("an answer")
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: &str, body: Value) -> Reply {
        self.send(request(method, path, token, &body)).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Reply {
        self.call(Method::GET, path, token, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Reply {
        self.call(Method::POST, path, token, body).await
    }

    pub(crate) fn assertion(&self, device: &TestDevice) -> String {
        device.assertion(&self.origin, now_s(), fresh())
    }

    /// The secret of a fresh setup link.
    pub(crate) async fn setup_secret(&self) -> String {
        let url = self.running.setup_url().await.expect("a setup link");
        secret_of(&url)
    }

    pub(crate) fn setup_body(&self, secret: &str, device: &TestDevice) -> Value {
        json!({"secret": secret, "record": device.record(), "assertion": self.assertion(device)})
    }

    /// An admin's account with this device.
    pub(crate) async fn set_up(&self, device: &TestDevice) {
        let body = self.setup_body(&self.setup_secret().await, device);
        self.post("/api/setup", "", body).await.ok();
    }

    /// A member's account with this device, invited by `admin`.
    pub(crate) async fn invite(&self, admin: &TestDevice, device: &TestDevice) {
        let token = self.account_token(admin).await;
        let invite = self.post("/api/invites", &token, json!({})).await.ok();
        let secret = secret_of(invite["url"].as_str().expect("a url"));
        let body = self.setup_body(&secret, device);
        let reply = self.post("/api/setup", "", body).await.ok();
        assert_eq!(reply["role"], "member");
    }

    /// `one` asks for both to be paired.
    pub(crate) async fn pair(&self, one: &TestDevice, other: &TestDevice) -> PairId {
        let pair = sign_pair(one, other, CREATED_MS + fresh());
        let token = self.account_token(one).await;
        let body = serde_json::to_value(&pair).expect("json");
        self.post("/api/pairs", &token, body).await.ok();
        pair.statement.pair_id
    }

    /// Asks for a token with any assertion.
    pub(crate) async fn ask_token(&self, assertion: &str, pair: Option<&PairId>) -> Reply {
        let body = json!({"assertion": assertion, "pairId": pair});
        self.post("/api/auth/webrtc-token", "", body).await
    }

    pub(crate) async fn account_token(&self, device: &TestDevice) -> String {
        token_of(&self.ask_token(&self.assertion(device), None).await)
    }

    pub(crate) async fn link_token(&self, device: &TestDevice, pair: &PairId) -> String {
        token_of(&self.ask_token(&self.assertion(device), Some(pair)).await)
    }

    /// As if an hour had passed since every invite was made.
    pub(crate) async fn age_invites(&self) {
        self.change("UPDATE invites SET expires_ms = expires_ms - 3600000")
            .await;
    }

    /// As if a year had passed since every share was made.
    pub(crate) async fn age_shares(&self) {
        self.change("UPDATE shares SET expires_ms = expires_ms - 31536000000")
            .await;
    }

    async fn change(&self, statement: &'static str) {
        let file = self.data.path().join("heliograph.db");
        let options = SqliteConnectOptions::new().filename(file);
        let mut database = options.connect().await.expect("the server's database");
        sqlx::query(statement)
            .execute(&mut database)
            .await
            .expect("the table exists");
    }

    /// The server's own keys, read from its database.
    pub(crate) async fn keys(&self) -> KeyRing {
        let registry = Registry::open_file(&self.data.path().join("heliograph.db")).await;
        let registry = registry.expect("the server's database");
        let keys = registry
            .load_or_create_key_ring([[1; 32], [2; 32]], 0)
            .await;
        keys.expect("the server made keys")
    }
}

pub(crate) fn token_of(reply: &Reply) -> String {
    reply.ok()["token"].as_str().expect("a token").to_owned()
}

pub(crate) fn secret_of(url: &str) -> String {
    let (_, secret) = url.split_once('#').expect("the secret stands after #");
    secret.to_owned()
}

/// An assertion whose claims are changed by `change`, signed properly.
pub(crate) fn bent_assertion(
    device: &TestDevice,
    origin: &str,
    change: impl FnOnce(&mut Value, &mut Value),
) -> String {
    let (id, now) = (device.id(), now_s());
    let mut header = json!({"alg": "EdDSA", "typ": "JWT"});
    let mut claims = json!({
        "iss": id, "sub": id, "aud": origin, "iat": now, "exp": now + 60,
        "jti": format!("bent-{}", fresh()),
    });
    change(&mut header, &mut claims);
    sign_jws(&header, &claims, device.key())
}

pub(crate) fn fresh() -> u64 {
    ASSERTIONS.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("after 1970").as_secs()
}

/// Ada, who sets up, and others.
pub(crate) fn people() -> [TestDevice; 4] {
    [(1, "Ada"), (2, "Bob"), (3, "Cyd"), (4, "Dan")].map(|(n, name)| TestDevice::new(n, name))
}

pub(crate) fn prove(data: &Path, more: &[(&str, &str)]) -> Settings {
    let data = format!("{:?}", data.to_str().expect("utf-8"));
    let settings = [
        ("data_dir", data.as_str()),
        ("http.listen", "[\"127.0.0.1:0\"]"),
        ("http.tls", "off"),
        ("turn.listen", "[]"),
        ("turn.tls_listen", "[]"),
        ("media.listen", "[\"127.0.0.1:0\"]"),
        ("metrics.listen", ""),
        ("log.level", "error"),
    ];
    let flags = settings
        .iter()
        .chain(more)
        .map(|(key, value)| ((*key).into(), (*value).into()));
    let sources = Sources {
        flags: flags.collect(),
        ..Sources::default()
    };
    Settings::prove(read(&sources)).expect("the settings are right")
}
