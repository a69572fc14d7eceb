//! Requests to a model server over HTTP/1.1, each on a connection of its own: where it is dropped,
//! the model server hears that nobody wants the answer.
//!
//! The address comes from this machine's own configuration and nothing else; redirects are refused.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use protocol::llm::{Chat, Code};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Api, Reader, UpstreamError, UpstreamEvent};

/// How long a connection may take to come up.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a model may take until it says something: it may have to be loaded first.
const FIRST_LIMIT: Duration = Duration::from_secs(300);
/// How long it may pause.
const PAUSE_LIMIT: Duration = Duration::from_secs(120);
/// How long a list of models may take.
const LIST_LIMIT: Duration = Duration::from_secs(15);
/// The largest list of models or page of an error, in bytes.
const MAX_REPLY_BYTES: usize = 1024 * 1024;

/// An address that names no model server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamUrlError {
    /// Not `http://` or `https://` and a host.
    #[error("{0:?} is no address of a model server; it looks like http://127.0.0.1:11434")]
    Url(String),
    /// The key cannot stand in a header.
    #[error("the model server's key has characters that no header carries")]
    Key,
}

/// A model server.
pub struct Upstream {
    host: String,
    port: u16,
    /// As it stands in `Host`.
    authority: String,
    /// What stands before every path, without a slash at its end.
    prefix: String,
    tls: Option<(ServerName<'static>, Arc<ClientConfig>)>,
    key: Option<HeaderValue>,
    /// Asked once where it was not told.
    api: OnceCell<Api>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upstream({}{})", self.authority, self.prefix)
    }
}

/// An answer of a model server; dropped before its end, it is broken off.
pub struct Reply {
    _connection: Connection,
    body: Incoming,
    reader: Reader,
    /// How long it may say nothing.
    limit: Duration,
}

/// A connection that ends when it is dropped.
struct Connection {
    requests: http1::SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// TCP, or TLS over it.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Upstream {
    /// The model server at an address such as `http://127.0.0.1:11434`. Where nobody says which
    /// language it speaks, it is asked; an address that ends in `/v1` is OpenAI's.
    ///
    /// # Errors
    /// Each of [`UpstreamUrlError`].
    pub fn new(url: &str, api: Option<Api>, key: Option<&str>) -> Result<Self, UpstreamUrlError> {
        let wrong = || UpstreamUrlError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        if uri.query().is_some() || authority.as_str().contains('@') {
            return Err(wrong());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let tls = match uri.scheme_str() {
            Some("http") => None,
            Some("https") => {
                let name = ServerName::try_from(host.clone()).map_err(|_| wrong())?;
                Some((name, Arc::new(client_config())))
            }
            _ => return Err(wrong()),
        };
        let key = key.map(|key| HeaderValue::try_from(format!("Bearer {key}")));
        let key = key.transpose().map_err(|_| UpstreamUrlError::Key)?;
        let path = uri.path().trim_end_matches('/');
        let prefix = path.strip_suffix("/v1");
        let api = api.or(prefix.map(|_| Api::OpenAi));
        Ok(Self {
            port: authority
                .port_u16()
                .unwrap_or(if tls.is_some() { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            prefix: prefix.unwrap_or(path).to_owned(),
            host,
            tls,
            key,
            api: OnceCell::new_with(api),
        })
    }

    /// The models that there are.
    ///
    /// # Errors
    /// The model server does not answer as one.
    pub async fn models(&self) -> Result<Vec<String>, UpstreamError> {
        let api = self.api().await?;
        let (status, body) = self.list(api).await?;
        if status != StatusCode::OK {
            return Err(refused(status, &body, Code::UpstreamRefused));
        }
        api.read_models(&body)
    }

    /// Asks for an answer.
    ///
    /// # Errors
    /// The model server does not begin one.
    pub async fn ask(&self, chat: &Chat) -> Result<Reply, UpstreamError> {
        let api = self.api().await?;
        let body = api.chat_body(chat).to_string();
        let request = self.request(Method::POST, api.chat_path(), body);
        let (connection, reply) = self.send(request, FIRST_LIMIT).await?;
        if reply.status() != StatusCode::OK {
            let status = reply.status();
            let body = collect(reply).await?;
            return Err(refused(status, &body, Code::ModelNotFound));
        }
        Ok(Reply {
            _connection: connection,
            body: reply.into_body(),
            reader: Reader::new(api),
            limit: FIRST_LIMIT,
        })
    }

    /// Which language it speaks.
    async fn api(&self) -> Result<Api, UpstreamError> {
        let asked = self.api.get_or_try_init(|| async {
            let mut last = StatusCode::NOT_FOUND;
            for api in [Api::Ollama, Api::OpenAi] {
                let (status, body) = self.list(api).await?;
                if status == StatusCode::OK && api.read_models(&body).is_ok() {
                    return Ok(api);
                }
                last = status;
            }
            let message = format!("it speaks neither Ollama's API nor OpenAI's (status {last})");
            Err(UpstreamError::new(refusal(last), message))
        });
        asked.await.copied()
    }

    async fn list(&self, api: Api) -> Result<(StatusCode, Vec<u8>), UpstreamError> {
        let request = self.request(Method::GET, api.models_path(), String::new());
        let (_connection, reply) = self.send(request, LIST_LIMIT).await?;
        let status = reply.status();
        Ok((status, collect(reply).await?))
    }

    fn request(&self, method: Method, path: &str, body: String) -> Request<Full<Bytes>> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.prefix))
            .header(HOST, &self.authority)
            .header(
                ACCEPT,
                "application/json, application/x-ndjson, text/event-stream",
            );
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, key);
        }
        let body = Full::new(Bytes::from(body));
        request
            .body(body)
            .expect("its parts were read from an address")
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<(Connection, Response<Incoming>), UpstreamError> {
        let mut connection = match timeout(CONNECT_LIMIT, self.connect()).await {
            Ok(connection) => connection?,
            Err(_) => return Err(unreachable(&"it does not answer")),
        };
        let reply = timeout(limit, connection.requests.send_request(request)).await;
        let reply = reply.map_err(|_| silent(limit))?;
        let reply = reply.map_err(|_| UpstreamError::broken("there is no answer of HTTP"))?;
        Ok((connection, reply))
    }

    async fn connect(&self) -> Result<Connection, UpstreamError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| unreachable(&error))?;
        // A request is small and must not wait for another.
        let _ = stream.set_nodelay(true);
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(stream),
            Some((name, config)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name.clone(), stream).await;
                Box::new(stream.map_err(|error| unreachable(&error))?)
            }
        };
        let shaken = http1::handshake(TokioIo::new(stream)).await;
        let (requests, driver) = shaken.map_err(|error| unreachable(&error))?;
        let driver = tokio::spawn(async move {
            // Its errors reach whoever waits for a reply.
            let _ = driver.await;
        });
        Ok(Connection {
            requests,
            driver: driver.abort_handle(),
        })
    }
}

impl Reply {
    /// What it says next; nothing is read before somebody asks. Nothing follows an
    /// [`UpstreamEvent::End`] or [`UpstreamEvent::Failed`].
    pub async fn next(&mut self) -> UpstreamEvent {
        loop {
            if let Some(event) = self.reader.poll_event() {
                self.limit = PAUSE_LIMIT;
                return event;
            }
            match timeout(self.limit, self.body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    self.reader
                        .handle_bytes(&frame.into_data().unwrap_or_default());
                }
                Ok(Some(Err(_)) | None) => self.reader.handle_end(),
                Err(_) => return UpstreamEvent::Failed(silent(self.limit)),
            }
        }
    }
}

fn client_config() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    // Some stores hold certificates that nobody can read; the others serve.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

async fn collect(reply: Response<Incoming>) -> Result<Vec<u8>, UpstreamError> {
    let body = Limited::new(reply.into_body(), MAX_REPLY_BYTES).collect();
    match timeout(LIST_LIMIT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(_)) => Err(UpstreamError::broken(
            "the answer broke off, or is too long",
        )),
        Err(_) => Err(silent(LIST_LIMIT)),
    }
}

/// What a status other than 200 says; what 404 means depends on what was asked.
fn refused(status: StatusCode, body: &[u8], not_found: Code) -> UpstreamError {
    let code = match status {
        StatusCode::NOT_FOUND => not_found,
        _ => refusal(status),
    };
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = body["error"].as_str().or(body["error"]["message"].as_str());
    let message = match said {
        Some(said) if code != Code::UpstreamRedirect => said.to_owned(),
        _ => format!("the model server answered with status {}", status.as_u16()),
    };
    UpstreamError::new(code, message)
}

fn refusal(status: StatusCode) -> Code {
    if status.is_redirection() {
        Code::UpstreamRedirect
    } else {
        Code::UpstreamRefused
    }
}

fn unreachable(cause: &dyn fmt::Display) -> UpstreamError {
    let message = format!("the model server cannot be reached: {cause}");
    UpstreamError::new(Code::UpstreamUnreachable, message)
}

fn silent(limit: Duration) -> UpstreamError {
    let message = format!("the model server said nothing for {} s", limit.as_secs());
    UpstreamError::new(Code::UpstreamTimeout, message)
}
