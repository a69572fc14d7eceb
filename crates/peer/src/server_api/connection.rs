//! HTTP/1.1 to one origin over one kept connection, which may become a WebSocket.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use protocol::invite_link::read_origin;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::{ApiError, TrustError};
use super::socket::Socket;
use super::trust::{Trust, TrustVerifier};
use crate::device::random;

/// How long a connection may take to come up, TLS included.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a reply may take.
const REPLY_LIMIT: Duration = Duration::from_secs(15);
/// The largest reply, in bytes: a few hundred pairs.
const MAX_REPLY_BYTES: usize = 1024 * 1024;

/// Connects to one origin.
pub(super) struct Connector {
    pub(super) origin: String,
    /// Name or address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// `None` for plain HTTP on this machine.
    pub(super) tls_name: Option<ServerName<'static>>,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) verifier: Arc<TrustVerifier>,
    kept: Mutex<Option<Connection>>,
}

/// A connection that requests are sent on, one after another.
struct Connection {
    requests: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Why there is no reply, and the request where it was not sent.
struct Unsent {
    request: Option<Box<Request<Full<Bytes>>>>,
    cause: String,
}

/// TCP, or TLS over it.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connector {
    pub(super) fn new(origin: &str, trust: Trust) -> Result<Self, ApiError> {
        let no_origin = || ApiError::Origin(origin.to_owned());
        let origin = read_origin(origin).map_err(|_| no_origin())?;
        let uri: Uri = origin.parse().map_err(|_| no_origin())?;
        let host = uri.host().ok_or_else(no_origin)?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let is_tls = uri.scheme_str() == Some("https");
        if !is_tls && !is_this_machine(&host) {
            return Err(ApiError::Unencrypted(origin));
        }
        let name = || ServerName::try_from(host.clone()).map_err(|_| no_origin());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Arc::new(TrustVerifier::new(trust, Arc::clone(&provider)));
        Ok(Self {
            tls_name: is_tls.then(name).transpose()?,
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            tls: Arc::new(client_config(provider, &verifier)),
            verifier,
            origin,
            host,
            kept: Mutex::new(None),
        })
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn tls_config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }

    pub(super) fn authority(&self) -> Option<String> {
        self.verifier.authority()
    }

    /// One request; the kept connection is used, or another one made.
    pub(super) async fn request(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Vec<u8>), ApiError> {
        let mut request = Request::builder().method(method).uri(path);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = self.finish(request, token, body)?;
        let (mut connection, reply) = self.send(request).await?;
        let status = reply.status();
        let body = Limited::new(reply.into_body(), MAX_REPLY_BYTES).collect();
        let body = within(REPLY_LIMIT, body)
            .await
            .map_err(|cause| self.unreachable(cause))?;
        // A server that closes after its reply is noticed here, not by the next request.
        if connection.requests.ready().await.is_ok() {
            *self.kept.lock().await = Some(connection);
        }
        Ok((status, body.to_bytes().into()))
    }

    /// Makes the next request on another connection: nothing comes back over a network that is gone.
    pub(super) async fn forget_connection(&self) {
        *self.kept.lock().await = None;
    }

    /// Opens a WebSocket (RFC 6455 §4.1), on the kept connection where there is one.
    pub(super) async fn open_socket(
        &self,
        path: &str,
        token: Option<&str>,
    ) -> Result<Socket, ApiError> {
        let key = STANDARD.encode(random::<16>());
        let request = Request::builder()
            .uri(path)
            .header(CONNECTION, "upgrade")
            .header(UPGRADE, "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-protocol", "heliograph.v1")
            .header("sec-websocket-key", &key);
        let request = self.finish(request, token, Vec::new())?;
        let (connection, reply) = self.send(request).await?;
        if reply.status() != StatusCode::SWITCHING_PROTOCOLS {
            let status = reply.status();
            let body = Limited::new(reply.into_body(), MAX_REPLY_BYTES).collect();
            let body = within(REPLY_LIMIT, body).await;
            let body = body.map_err(|cause| self.unreachable(cause))?.to_bytes();
            return Err(ApiError::refused(status, &body));
        }
        let accept = reply.headers().get("sec-websocket-accept");
        let expected = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        if accept.is_none_or(|accept| accept.as_bytes() != expected.as_bytes()) {
            let origin = self.origin.clone();
            return Err(ApiError::NotHeliograph { origin });
        }
        let upgraded = within(REPLY_LIMIT, hyper::upgrade::on(reply))
            .await
            .map_err(|cause| self.unreachable(cause))?;
        drop(connection);
        Ok(Socket::new(upgraded).await)
    }

    fn finish(
        &self,
        mut request: hyper::http::request::Builder,
        token: Option<&str>,
        body: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, ApiError> {
        let host = self.origin.split_once("://").map(|(_, host)| host);
        request = request.header(HOST, host.unwrap_or_default());
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        // Only a token of the server's could hold what a header cannot.
        request
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| ApiError::NotHeliograph {
                origin: self.origin.clone(),
            })
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Connection, Response<Incoming>), ApiError> {
        let kept = self.kept.lock().await.take();
        let (mut connection, is_kept) = match kept {
            Some(kept) if kept.requests.is_ready() => (kept, true),
            _ => (self.connect().await?, false),
        };
        match self.reply(&mut connection, request).await {
            Ok(reply) => Ok((connection, reply)),
            // The server closed it a moment ago and has read none of the request.
            Err(Unsent {
                request: Some(request),
                ..
            }) if is_kept => {
                let mut connection = self.connect().await?;
                let reply = self.reply(&mut connection, *request).await;
                let reply = reply.map_err(|unsent| self.unreachable(unsent.cause))?;
                Ok((connection, reply))
            }
            Err(unsent) => Err(self.unreachable(unsent.cause)),
        }
    }

    async fn reply(
        &self,
        connection: &mut Connection,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Unsent> {
        let sent = connection.requests.try_send_request(request);
        match tokio::time::timeout(REPLY_LIMIT, sent).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(mut error)) => Err(Unsent {
                request: error.take_message().map(Box::new),
                cause: error.error().to_string(),
            }),
            Err(_) => Err(Unsent {
                request: None,
                cause: format!("no reply within {REPLY_LIMIT:?}"),
            }),
        }
    }

    async fn connect(&self) -> Result<Connection, ApiError> {
        let stream = tokio::time::timeout(CONNECT_LIMIT, self.dial()).await;
        let late = |_| self.unreachable(format!("no answer within {CONNECT_LIMIT:?}"));
        let stream = stream.map_err(late)??;
        let (requests, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.unreachable(error.to_string()))?;
        let driver = tokio::spawn(async move {
            // Its errors reach whoever waits for a reply.
            let _ = driver.with_upgrades().await;
        });
        Ok(Connection {
            requests,
            driver: driver.abort_handle(),
        })
    }

    async fn dial(&self) -> Result<Box<dyn Stream>, ApiError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| self.unreachable(error.to_string()))?;
        // Signalling messages are small and must not wait for each other.
        let _ = stream.set_nodelay(true);
        let Some(name) = self.tls_name.clone() else {
            return Ok(Box::new(stream));
        };
        Ok(Box::new(self.secure(name, stream).await?))
    }

    /// TLS over a connection, with a certificate that is believed.
    pub(super) async fn secure(
        &self,
        name: ServerName<'static>,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, ApiError> {
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        let connected = connector.connect(name, stream).await;
        connected.map_err(|error| match distrust(&error) {
            Some(distrust) => ApiError::Trust(distrust),
            None => self.unreachable(error.to_string()),
        })
    }

    pub(super) fn unreachable(&self, cause: String) -> ApiError {
        ApiError::Unreachable {
            origin: self.origin.clone(),
            cause,
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address: Result<std::net::IpAddr, _> = host.parse();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn client_config(
    provider: Arc<rustls::crypto::CryptoProvider>,
    verifier: &Arc<TrustVerifier>,
) -> ClientConfig {
    let verifier = Arc::clone(verifier);
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// The verifier's own words, which rustls carries inside its error.
fn distrust(error: &std::io::Error) -> Option<TrustError> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            other.0.downcast_ref::<TrustError>().cloned()
        }
        _ => None,
    }
}

/// The outcome within a limit, or the cause in words.
async fn within<T, E: fmt::Display>(
    limit: Duration,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, step).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no reply within {limit:?}")),
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connector({})", self.origin)
    }
}
