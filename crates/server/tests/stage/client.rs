//! A small HTTP client: one connection, as many requests as wanted, over any stream.

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("readable"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A success's body.
    pub(crate) fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.json()
    }

    /// The code of a problem, whose form is checked on the way.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        let code = problem["code"].as_str().expect("a code").to_owned();
        assert_eq!(problem["type"], format!("urn:heliograph:problem:{code}"));
        let listed = include_str!("../../../../docs/problems.md");
        let row = format!("| `{code}` | {} |", self.status);
        assert!(listed.contains(&row), "docs/problems.md lacks {row}");
        code
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.problem())
    }
}

/// A request with a JSON body, or none where it is null.
pub(crate) fn request(
    method: Method,
    path: &str,
    token: &str,
    body: &Value,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let bytes = if body.is_null() {
        Bytes::new()
    } else {
        request = request.header("content-type", "application/json");
        Bytes::from(body.to_string())
    };
    request.body(Full::new(bytes)).expect("a request")
}

/// A kept-alive connection.
pub(crate) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    pub(crate) async fn open<S>(stream: S, host: &str) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (requests, driver) = handshake(TokioIo::new(stream)).await.expect("no I/O yet");
        tokio::spawn(driver);
        let host = host.to_owned();
        Self { requests, host }
    }

    /// Sends a request; the error where the server cuts the connection.
    pub(crate) async fn send(&mut self, mut request: Request<Full<Bytes>>) -> hyper::Result<Reply> {
        let headers = request.headers_mut();
        headers
            .entry("host")
            .or_insert(self.host.parse().expect("a host"));
        let response = self.requests.send_request(request).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        let (status, headers) = (parts.status.as_u16(), parts.headers);
        Ok(Reply {
            status,
            headers,
            body,
        })
    }
}
