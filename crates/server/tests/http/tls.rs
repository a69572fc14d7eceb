//! TLS on the one port, and plain HTTP beside it.

use std::sync::Arc;

use hyper::Method;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::{Connection, Reply, request};
use crate::stage::{Stage, people};

/// A server with its own certificate.
pub(crate) async fn start_tls(more: &[(&str, &str)]) -> Stage {
    let mut settings = vec![("http.tls", "self-signed")];
    settings.extend(more);
    Stage::start_with(&settings).await
}

/// Handshakes as a browser does that trusts the server's CA; `alpn` empty offers none.
pub(crate) async fn tls(stage: &Stage, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    let pem = stage.data.path().join("tls/ca.pem");
    let authority = CertificateDer::from_pem_file(pem).expect("the server's CA");
    let mut roots = RootCertStore::empty();
    roots.add(authority).expect("a CA");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(stage.address).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

pub(crate) async fn get(stage: &Stage, path: &str) -> Reply {
    let stream = tls(stage, &["http/1.1"]).await.expect("a handshake");
    let mut connection = Connection::open(stream, &stage.address.to_string()).await;
    let request = request(Method::GET, path, "", &Value::Null);
    connection.send(request).await.expect("an answer")
}

#[tokio::test]
async fn a_client_that_trusts_the_ca_is_served() {
    let stage = start_tls(&[]).await;
    let info = get(&stage, "/api/server").await.ok();
    let origins = info["origins"].as_array().expect("a list");
    let is_https = |origin: &Value| origin.as_str().is_some_and(|o| o.starts_with("https://"));
    assert!(origins.iter().all(is_https), "{info}");
    let authority = get(&stage, "/trust/ca.crt").await;
    let kept = std::fs::read(stage.data.path().join("tls/ca.pem")).expect("kept");
    assert_eq!(&authority.body[..], &kept[..]);
    let page = get(&stage, "/").await;
    assert_eq!(page.header("strict-transport-security"), "", "self-signed");
}

#[tokio::test]
async fn a_browser_without_alpn_is_served_too() {
    let stage = start_tls(&[]).await;
    let stream = tls(&stage, &[]).await.expect("a handshake");
    let mut connection = Connection::open(stream, "localhost").await;
    let request = request(Method::GET, "/healthz", "", &Value::Null);
    let reply = connection.send(request).await.expect("an answer");
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn the_certificate_and_its_keys_outlive_a_restart_and_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let stage = start_tls(&[]).await;
    let ca = stage.data.path().join("tls/ca.pem");
    let before = std::fs::read(&ca).expect("kept");
    for file in ["tls/ca.key", "turn.secret", "heliograph.db", "admin.sock"] {
        let metadata = std::fs::metadata(stage.data.path().join(file)).expect(file);
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file} has mode {mode:o}");
    }
    let stage = stage.restart(&[("http.tls", "self-signed")]).await;
    assert_eq!(std::fs::read(&ca).expect("kept"), before);
    assert_eq!(get(&stage, "/healthz").await.status, 200);
}

#[tokio::test]
async fn a_certificate_from_files_brings_strict_transport_security() {
    let made = start_tls(&[]).await;
    let tls_dir = made.data.path().join("tls");
    let leaf = |name: &str| tls_dir.join(name).display().to_string();
    let files = format!(
        "{{ cert = {:?}, key = {:?} }}",
        leaf("leaf.pem"),
        leaf("leaf.key")
    );
    let data = tempfile::TempDir::new().expect("a directory");
    std::fs::create_dir(data.path().join("tls")).expect("writable");
    std::fs::copy(tls_dir.join("ca.pem"), data.path().join("tls/ca.pem")).expect("copied");
    let stage = Stage::start_in(data, &[("http.tls", &files)]).await;
    let page = get(&stage, "/").await;
    let strict = page.header("strict-transport-security");
    assert!(strict.starts_with("max-age="), "{strict:?}");
}

#[tokio::test]
async fn plain_http_on_the_tls_port_is_sent_to_https_and_never_takes_a_token() {
    let stage = start_tls(&[]).await;
    let [ada, ..] = people();
    let body = stage.setup_body(&stage.setup_secret().await, &ada);
    let reply = stage.post("/api/setup", "", body.clone()).await;
    assert_eq!(reply.status, 308);
    let https = format!("https://localhost:{}", stage.address.port());
    let local = request(Method::GET, "/setup?token=secret", "", &Value::Null);
    let reply = send_as(&stage, &https[8..], local).await;
    assert_eq!(reply.status, 308);
    assert_eq!(reply.header("location"), format!("{https}/setup"));
    for host in ["evil.example", "localhost", "localhost:1", "a b"] {
        let asked = request(Method::GET, "/x", "", &Value::Null);
        let location = send_as(&stage, host, asked).await;
        let expected = format!("{}/x", stage.origin);
        assert_eq!(location.header("location"), expected, "{host}");
    }
    let stream = tls(&stage, &[]).await.expect("a handshake");
    let mut connection = Connection::open(stream, &https[8..]).await;
    let set_up = connection.send(request(Method::POST, "/api/setup", "", &body));
    assert_eq!(set_up.await.expect("an answer").status, 201, "not used up");
    let ask = request(
        Method::POST,
        "/api/auth/webrtc-token",
        "",
        &json!({"assertion": stage.assertion(&ada)}),
    );
    let token = connection.send(ask).await.expect("an answer").ok();
    let token = token["token"].as_str().expect("a token");
    let reply = stage.get("/api/devices", token).await;
    assert_eq!((reply.status, reply.body.len()), (308, 0));
}

async fn send_as(
    stage: &Stage,
    host: &str,
    mut request: hyper::Request<http_body_util::Full<hyper::body::Bytes>>,
) -> Reply {
    let host = host.parse().expect("a header value");
    request.headers_mut().insert("host", host);
    stage.send(request).await
}
