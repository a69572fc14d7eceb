//! One request, one connection: what a server keeps between requests must not help it.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, HeaderName};
use hyper::http::response::Parts;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

/// How long a reply may take, connecting included.
const LIMIT: Duration = Duration::from_secs(10);
/// No reply of WHIP or WHEP is longer.
const MAX_REPLY_BYTES: usize = 1024 * 1024;

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Not a URL that can be asked.
    #[error("{0} is no http or https URL")]
    Url(String),
    /// The PEM file holds no certificate.
    #[error("the authorities given are no PEM certificates")]
    Authorities,
    /// No reply came, or not in time, or not as HTTP.
    #[error("{request}: {why}")]
    NoReply {
        /// Method and URL.
        request: String,
        /// Why.
        why: String,
    },
    /// The server was there, and no longer lets anybody connect.
    #[error("nobody answers any more since row {row}: {why}")]
    Gone {
        /// The row that was asked last.
        row: &'static str,
        /// Why.
        why: String,
    },
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    method: Method,
    url: Url,
    head: Vec<(String, String)>,
    body: String,
}

impl Ask {
    pub(crate) fn new(method: Method, url: &Url) -> Self {
        Self {
            method,
            url: url.clone(),
            head: Vec::new(),
            body: String::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearer(self, token: Option<&str>) -> Self {
        match token {
            Some(token) => self.header("authorization", &format!("Bearer {token}")),
            None => self,
        }
    }

    pub(crate) fn body(self, media_type: &str, body: &str) -> Self {
        let mut ask = self.header("content-type", media_type);
        ask.body = body.to_owned();
        ask
    }
}

/// A whole reply.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    fn new(head: Parts, body: &[u8]) -> Self {
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }

    /// A header's value; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }

    /// Every value of a header, lists taken apart only by lines.
    pub(crate) fn headers(&self, name: &'static str) -> Vec<&str> {
        let values = self.headers.get_all(HeaderName::from_static(name)).iter();
        values.filter_map(|value| value.to_str().ok()).collect()
    }

    /// The media type without its parameters.
    pub(crate) fn media_type(&self) -> &str {
        self.header("content-type")
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn is_clients_fault(&self) -> bool {
        (400..500).contains(&self.status)
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Sends requests.
#[derive(Debug)]
pub(crate) struct Http {
    tls: Arc<ClientConfig>,
}

impl Http {
    /// Believes these authorities alone, or the system's.
    pub(crate) fn new(authorities: Option<&[u8]>) -> Result<Self, HttpError> {
        let mut roots = RootCertStore::empty();
        match authorities {
            Some(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate.map_err(|_| HttpError::Authorities)?;
                    roots.add(certificate).map_err(|_| HttpError::Authorities)?;
                }
                if roots.is_empty() {
                    return Err(HttpError::Authorities);
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Arc::new(tls) })
    }

    /// One request on a connection of its own; redirects are replies like others.
    pub(crate) async fn send(&self, ask: Ask) -> Result<Reply, HttpError> {
        let request = format!("{} {}", ask.method, ask.url);
        let reply = timeout(LIMIT, self.exchange(ask)).await;
        let reply = reply.unwrap_or_else(|_| Err(format!("no reply within {LIMIT:?}")));
        reply.map_err(|why| HttpError::NoReply { request, why })
    }

    /// The head of a reply, and its body as far as these words, which need not end.
    pub(crate) async fn peek(&self, ask: Ask, words: &str) -> Result<Reply, HttpError> {
        let request = format!("{} {}", ask.method, ask.url);
        let reply = timeout(LIMIT, self.begin(ask, words)).await;
        let reply = reply.unwrap_or_else(|_| Err(format!("no {words:?} within {LIMIT:?}")));
        reply.map_err(|why| HttpError::NoReply { request, why })
    }

    async fn exchange(&self, ask: Ask) -> Result<Reply, String> {
        let (head, body) = self.open(ask).await?;
        let body = Limited::new(body, MAX_REPLY_BYTES)
            .collect()
            .await
            .map_err(words)?;
        Ok(Reply::new(head, &body.to_bytes()))
    }

    async fn begin(&self, ask: Ask, until: &str) -> Result<Reply, String> {
        let (head, body) = self.open(ask).await?;
        let mut body = Limited::new(body, MAX_REPLY_BYTES);
        let mut seen = Vec::new();
        while let Some(frame) = body.frame().await {
            seen.extend_from_slice(
                frame
                    .map_err(words)?
                    .data_ref()
                    .map_or(&[][..], |data| data),
            );
            if String::from_utf8_lossy(&seen).contains(until) {
                break;
            }
        }
        Ok(Reply::new(head, &seen))
    }

    async fn open(&self, ask: Ask) -> Result<(Parts, Incoming), String> {
        let stream = self.connect(&ask.url).await?;
        let (mut requests, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(words)?;
        // It ends with the reply.
        tokio::spawn(driver);
        let mut request = Request::builder().method(ask.method).uri(path(&ask.url));
        request = request.header(HOST, authority(&ask.url));
        for (name, value) in ask.head {
            request = request.header(name, value);
        }
        let request = request
            .body(Full::new(Bytes::from(ask.body)))
            .map_err(words)?;
        let reply = requests.send_request(request).await.map_err(words)?;
        Ok(reply.into_parts())
    }

    /// Whether somebody listens there; why not.
    pub(crate) async fn reach(&self, url: &Url) -> Result<(), String> {
        let connected = timeout(LIMIT, self.connect(url)).await;
        connected
            .unwrap_or_else(|_| Err(format!("no connection within {LIMIT:?}")))
            .map(drop)
    }

    async fn connect(&self, url: &Url) -> Result<Box<dyn Stream>, String> {
        let host = url
            .host_str()
            .ok_or("no host")?
            .trim_matches(['[', ']'])
            .to_owned();
        let port = url.port_or_known_default().ok_or("no port")?;
        let stream = TcpStream::connect((host.as_str(), port))
            .await
            .map_err(words)?;
        if url.scheme() == "http" {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host).map_err(words)?;
        let tls = TlsConnector::from(Arc::clone(&self.tls));
        Ok(Box::new(tls.connect(name, stream).await.map_err(words)?))
    }
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn path(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
