//! Sends requests, each on a connection of its own: they are few, and far apart.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a reply may take, connecting included.
const LIMIT: Duration = Duration::from_secs(10);
/// No reply of WHIP or WHEP is longer.
const MAX_REPLY_BYTES: usize = 256 * 1024;

/// Why no request can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The PEM file holds no certificate.
    #[error("the authorities given are no PEM certificates")]
    Authorities,
}

/// A reply that is on its way, or why there will be none.
pub type Reply = Pin<Box<dyn Future<Output = Result<Response<String>, String>> + Send>>;

/// Whoever carries requests to a server.
pub trait Requests: Send + Sync {
    /// Sends a request.
    fn send(&self, request: Request<String>) -> Reply;
}

impl Requests for HttpClient {
    fn send(&self, request: Request<String>) -> Reply {
        let this = self.clone();
        Box::pin(async move { this.ask(request).await })
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Sends requests; clones are cheap.
#[derive(Debug, Clone)]
pub struct HttpClient {
    tls: Arc<ClientConfig>,
}

impl HttpClient {
    /// Believes servers by these authorities (PEM) alone, or by the system's.
    ///
    /// # Errors
    /// [`HttpError::Authorities`].
    pub fn new(authorities: Option<&[u8]>) -> Result<Self, HttpError> {
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

    /// The reply, or why there is none.
    async fn ask(&self, request: Request<String>) -> Result<Response<String>, String> {
        let about = format!("{} {}", request.method(), request.uri());
        let reply = timeout(LIMIT, self.exchange(request)).await;
        let reply = reply.unwrap_or_else(|_| Err(format!("no reply within {LIMIT:?}")));
        reply.map_err(|why| format!("{about}: {why}"))
    }

    async fn exchange(&self, request: Request<String>) -> Result<Response<String>, String> {
        let (mut head, body) = request.into_parts();
        let authority = head.uri.authority().ok_or("no host")?;
        let host = HeaderValue::from_str(authority.as_str()).map_err(words)?;
        let stream = self.connect(&head.uri).await?;
        let (mut requests, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(words)?;
        // It ends with the reply.
        tokio::spawn(driver);
        head.headers.insert(HOST, host);
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = path.parse().map_err(words)?;
        let request = Request::from_parts(head, Full::new(Bytes::from(body)));
        let reply = requests.send_request(request).await.map_err(words)?;
        let (head, body) = reply.into_parts();
        let body = Limited::new(body, MAX_REPLY_BYTES).collect().await;
        let body = body.map_err(words)?.to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Response::from_parts(head, body))
    }

    async fn connect(&self, uri: &Uri) -> Result<Box<dyn Stream>, String> {
        let (host, port) = host_and_port(uri).ok_or("no host")?;
        let stream = TcpStream::connect((host.as_str(), port)).await;
        let stream = stream.map_err(words)?;
        if uri.scheme_str() == Some("http") {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host).map_err(words)?;
        let tls = TlsConnector::from(Arc::clone(&self.tls));
        Ok(Box::new(tls.connect(name, stream).await.map_err(words)?))
    }
}

/// Where a server listens.
pub(crate) fn host_and_port(uri: &Uri) -> Option<(String, u16)> {
    let host = uri.host()?.trim_matches(['[', ']']).to_owned();
    let is_plain = uri.scheme_str() == Some("http");
    Some((
        host,
        uri.port_u16().unwrap_or(if is_plain { 80 } else { 443 }),
    ))
}

fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}
