//! Where certificates come from, and the TLS configuration made of them.
//!
//! A certificate is read anew by [`TlsIdentity::load`] on SIGHUP; connections that are up keep theirs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::names::MachineNames;
use crate::settings::TlsMode;

mod self_signed;

/// TLS application protocol of TURN (RFC 7443).
pub(crate) const ALPN_TURN: &[u8] = b"stun.turn";
/// HTTP/1.1 alone: browsers open WebSockets on it, and one protocol is one thing to defend.
pub(crate) const ALPN_HTTP: &[u8] = b"http/1.1";

/// Why no certificate could be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file holds no PEM of the wanted kind.
    #[error("{path}: {error}")]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        error: rustls::pki_types::pem::Error,
    },
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// Certificate and key do not fit together.
    #[error("certificate is not usable: {0}")]
    Unusable(#[from] rustls::Error),
    /// A certificate from a file does not parse.
    #[error("{0}: is not an X.509 certificate")]
    Certificate(PathBuf),
}

/// A certificate chain with its key, and the hosts it is for.
#[derive(Debug)]
pub(crate) struct TlsIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// Host parts of URLs: names and addresses other than loopback.
    pub(crate) hosts: Vec<String>,
    /// PEM of the CA a person may trust; only where we made it.
    pub(crate) ca_pem: Option<String>,
}

impl TlsIdentity {
    /// Reads or makes the certificate; `None` when TLS is off.
    ///
    /// # Errors
    /// Files that cannot be read, written or parsed.
    pub(crate) fn load(
        mode: &TlsMode,
        data_dir: &Path,
        names: &MachineNames,
    ) -> Result<Option<Self>, TlsError> {
        match mode {
            TlsMode::Off => Ok(None),
            TlsMode::SelfSigned => self_signed::load(&data_dir.join("tls"), names).map(Some),
            TlsMode::Files { cert, key } => {
                let chain = read_chain(cert)?;
                let hosts = hosts_of(&chain, cert)?;
                Ok(Some(Self {
                    chain,
                    key: read_key(key)?,
                    hosts,
                    ca_pem: None,
                }))
            }
        }
    }

    /// The configuration of a listener that speaks the given protocols.
    ///
    /// # Errors
    /// Key and certificate that do not fit.
    pub(crate) fn server_config(
        &self,
        alpn: &[&[u8]],
    ) -> Result<Arc<rustls::ServerConfig>, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

/// The configuration in use, which SIGHUP exchanges.
#[derive(Debug)]
pub(crate) struct TlsSwitch(RwLock<Arc<rustls::ServerConfig>>);

impl TlsSwitch {
    /// Begins with `config`.
    pub(crate) fn new(config: Arc<rustls::ServerConfig>) -> Self {
        Self(RwLock::new(config))
    }

    /// What the next handshake uses.
    pub(crate) fn current(&self) -> Arc<rustls::ServerConfig> {
        self.0
            .read()
            .expect("no holder of the switch panics")
            .clone()
    }

    /// Handshakes from here on use `config`.
    pub(crate) fn replace(&self, config: Arc<rustls::ServerConfig>) {
        *self.0.write().expect("no holder of the switch panics") = config;
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = |error| TlsError::Pem {
        path: path.to_owned(),
        error,
    };
    CertificateDer::pem_file_iter(path)
        .map_err(pem)?
        .collect::<Result<_, _>>()
        .map_err(pem)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| TlsError::Pem {
        path: path.to_owned(),
        error,
    })
}

/// DNS names of the leaf, without wildcards (an origin is one host).
fn hosts_of(chain: &[CertificateDer<'_>], path: &Path) -> Result<Vec<String>, TlsError> {
    use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
    let unusable = || TlsError::Certificate(path.to_owned());
    let leaf = chain.first().ok_or_else(unusable)?;
    let (_, leaf) = X509Certificate::from_der(leaf).map_err(|_| unusable())?;
    let names = leaf.subject_alternative_name().map_err(|_| unusable())?;
    let hosts = names
        .into_iter()
        .flat_map(|names| names.value.general_names.iter());
    Ok(hosts
        .filter_map(|name| match name {
            GeneralName::DNSName(name) if !name.contains('*') && *name != "localhost" => {
                Some(name.to_ascii_lowercase())
            }
            _ => None,
        })
        .collect())
}
