//! A server with an account and two paired devices, and clients of its WebSockets.

use std::ops::Deref;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use identity::testing::TestDevice;
use protocol::id::PairId;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Response};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::stage::{Stage, people};

/// How long anything may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A stage on which Ada set up and paired with Bob.
pub(crate) struct Paired {
    pub(crate) stage: Stage,
    pub(crate) ada: TestDevice,
    pub(crate) bob: TestDevice,
    pub(crate) pair: PairId,
}

impl Deref for Paired {
    type Target = Stage;

    fn deref(&self) -> &Stage {
        &self.stage
    }
}

impl Paired {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let stage = Stage::start_with(settings).await;
        let [ada, bob, ..] = people();
        stage.set_up(&ada).await;
        let pair = stage.pair(&ada, &bob).await;
        Self {
            stage,
            ada,
            bob,
            pair,
        }
    }

    /// A token of this pair.
    pub(crate) async fn link_token(&self, device: &TestDevice) -> String {
        self.stage.link_token(device, &self.pair).await
    }

    /// Asks for a WebSocket; the refusal where it is refused.
    pub(crate) async fn try_open(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Client, Response<Option<Vec<u8>>>), Response<Option<Vec<u8>>>> {
        let url = format!("ws://{}{path}", self.address);
        let mut request = url.into_client_request().expect("a url");
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header value");
            request
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
        let stream = TcpStream::connect(self.address)
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
