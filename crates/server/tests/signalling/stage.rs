//! A server with an account, two paired devices, and clients for both its doors.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use identity::testing::{CREATED_MS, TestDevice, sign_pair};
use protocol::id::PairId;
use serde_json::{Value, json};
use server::Running;
use server::config::{Sources, read};
use server::settings::Settings;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Response};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes every assertion's `jti` another.
static ASSERTIONS: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Stage {
    pub(crate) running: Running,
    pub(crate) origin: String,
    pub(crate) ada: TestDevice,
    pub(crate) bob: TestDevice,
    pub(crate) pair: PairId,
    /// Deleted with the stage.
    _data: TempDir,
}

impl Stage {
    /// A server on a free port of loopback, set up, Ada and Bob paired.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let data = TempDir::new().expect("a temporary directory");
        let running = server::start(prove(data.path(), settings))
            .await
            .expect("a server starts");
        let (ada, bob) = (TestDevice::new(1, "Ada"), TestDevice::new(2, "Bob"));
        let new_pair = sign_pair(&ada, &bob, CREATED_MS + 1);
        let pair = new_pair.statement.pair_id.clone();
        let origin = running.origin().to_owned();
        let stage = Self {
            running,
            origin,
            ada,
            bob,
            pair,
            _data: data,
        };
        stage.set_up().await;
        let token = stage.account_token(&stage.ada).await;
        let paired = serde_json::to_value(&new_pair).expect("a pair is json");
        let (status, reply) = stage.call("POST", "/api/pairs", &token, paired).await;
        assert_eq!(status, 201, "{reply}");
        stage
    }

    async fn set_up(&self) {
        let url = self.running.setup_url().await.expect("a setup link");
        let (_, secret) = url.split_once('#').expect("the secret is behind #");
        let assertion = self.assertion(&self.ada);
        let body = json!({"secret": secret, "record": self.ada.record(), "assertion": assertion});
        let (status, reply) = self.call("POST", "/api/setup", "", body).await;
        assert_eq!(status, 201, "{reply}");
    }

    fn assertion(&self, device: &TestDevice) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970");
        let number = ASSERTIONS.fetch_add(1, Ordering::Relaxed);
        device.assertion(&self.origin, now.as_secs(), number)
    }

    pub(crate) async fn account_token(&self, device: &TestDevice) -> String {
        self.token(json!({"assertion": self.assertion(device)}))
            .await
    }

    pub(crate) async fn link_token(&self, device: &TestDevice) -> String {
        self.token(json!({"assertion": self.assertion(device), "pairId": self.pair}))
            .await
    }

    async fn token(&self, body: Value) -> String {
        let (status, reply) = self.call("POST", "/api/auth/webrtc-token", "", body).await;
        assert_eq!(status, 200, "{reply}");
        reply["token"].as_str().expect("a token").to_owned()
    }

    fn address(&self) -> SocketAddr {
        let (_, port) = self.origin.rsplit_once(':').expect("an origin has a port");
        ([127, 0, 0, 1], port.parse().expect("a port")).into()
    }

    /// One HTTP request with a JSON body; the status and the reply.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Value,
    ) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address())
            .await
            .expect("the server listens");
        let (host, body) = (self.address(), body.to_string());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.expect("utf-8");
        let (head, body) = reply.split_once("\r\n\r\n").expect("a head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let body = body
            .find(['{', '['])
            .map_or("null", |start| body[start..].trim_end());
        let body = body.strip_suffix("\r\n0").unwrap_or(body);
        (
            status.expect("a status"),
            serde_json::from_str(body).unwrap_or(Value::Null),
        )
    }

    /// Asks for a WebSocket; the refusal where it is refused.
    pub(crate) async fn try_open(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Client, Response<Option<Vec<u8>>>), Response<Option<Vec<u8>>>> {
        let url = format!("ws://{}{path}", self.address());
        let mut request = url.into_client_request().expect("a url");
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header value");
            request
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
        let stream = TcpStream::connect(self.address())
            .await
            .expect("the server listens");
        match client_async(request, stream).await {
            Ok((stream, response)) => Ok((Client(stream), response)),
            Err(Error::Http(response)) => Err(*response),
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// Opens a WebSocket with a token, or with none.
    pub(crate) async fn open(&self, path: &str, token: &str) -> Client {
        let bearer = format!("Bearer {token}");
        let headers = if token.is_empty() {
            vec![]
        } else {
            vec![("authorization", bearer.as_str())]
        };
        let (client, _) = self.try_open(path, &headers).await.expect("a websocket");
        client
    }

    /// Opens a device's link socket and waits until it is ready.
    pub(crate) async fn link(&self, device: &TestDevice) -> Client {
        let token = self.link_token(device).await;
        let mut client = self.open("/api/signal", &token).await;
        assert_eq!(client.hear().await["t"], "ready");
        client
    }

    /// Both devices' sockets, nothing unread.
    pub(crate) async fn couple(&self) -> (Client, Client) {
        let mut ada = self.link(&self.ada).await;
        let bob = self.link(&self.bob).await;
        assert_eq!(ada.hear().await["t"], "peer");
        (ada, bob)
    }

    /// A message of this pair.
    pub(crate) fn message(&self, kind: &str, member: &str, value: &str) -> Value {
        json!({"t": kind, "pairId": self.pair, member: value})
    }
}

fn prove(data: &std::path::Path, more: &[(&str, &str)]) -> Settings {
    let data = format!("{:?}", data.to_str().expect("utf-8"));
    let settings = [
        ("data_dir", data.as_str()),
        ("http.listen", "[\"127.0.0.1:0\"]"),
        ("http.tls", "\"off\""),
        ("turn.listen", "[]"),
        ("turn.tls_listen", "[]"),
        ("media.listen", "[\"127.0.0.1:0\"]"),
        ("metrics.listen", "\"\""),
        ("log.level", "\"error\""),
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

/// One client's socket.
#[derive(Debug)]
pub(crate) struct Client(WebSocketStream<TcpStream>);

impl Client {
    pub(crate) async fn say(&mut self, message: Value) {
        self.say_text(&message.to_string()).await;
    }

    pub(crate) async fn say_text(&mut self, text: &str) {
        self.0
            .send(Message::text(text))
            .await
            .expect("the socket is open");
    }

    /// The next text.
    pub(crate) async fn hear(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).expect("json"),
            other => panic!("heard {other:?}"),
        }
    }

    /// The code of the next error.
    pub(crate) async fn code(&mut self) -> String {
        let error = self.hear().await;
        error["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no error: {error}"))
            .to_owned()
    }

    /// The close code, whatever is said before.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.next().await {
                return frame.expect("a close frame says why").code.into();
            }
        }
    }

    async fn next(&mut self) -> Message {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await;
            let message = message.expect("something is heard in time");
            match message
                .expect("the socket says why it closes")
                .expect("a message")
            {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }
}
