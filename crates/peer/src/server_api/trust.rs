//! Which certificates are believed: public roots first; else the authority that was pinned when
//! the device paired; else, while it pairs, the authority that is shown, which is then pinned.
//!
//! Pairing itself does not rest on this: its handshake is keyed by the link. What a false
//! authority could read is metadata and tokens of this device.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

use super::error::{ApiError, TrustError};
use crate::store::Store;

/// Whom to believe.
#[derive(Debug, Clone)]
pub struct Trust(Rule);

/// Who vouched for the certificate that was shown last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voucher {
    /// The system's roots.
    Public,
    /// The authority that was pinned when the device paired.
    Pinned,
    /// The authority that was given.
    Given,
    /// Nobody: it is the first use.
    Nobody,
}

#[derive(Debug, Clone)]
enum Rule {
    /// Public roots, or whatever authority is shown. For pairing alone.
    FirstUse,
    /// Public roots, or the pinned authority.
    Pinned {
        authority: Option<CertificateDer<'static>>,
        file: PathBuf,
    },
    /// These and no others.
    Only(Vec<CertificateDer<'static>>),
}

impl Trust {
    /// What the device pinned for a server when it paired; nothing else but public roots.
    ///
    /// # Errors
    /// The pin cannot be read.
    pub fn pinned(store: &Store, origin: &str) -> Result<Self, ApiError> {
        let pin = store.server(origin)?.and_then(|server| server.authority);
        let authority = pin.map(|pem| read_pem(pem.as_bytes())).transpose()?;
        let authority = authority.and_then(|certificates| certificates.into_iter().next());
        Ok(Self(Rule::Pinned {
            authority,
            file: store.server_path(origin),
        }))
    }

    /// For pairing: what was pinned, or the authority shown at the first use.
    ///
    /// # Errors
    /// The pin cannot be read.
    pub fn on_first_use(store: &Store, origin: &str) -> Result<Self, ApiError> {
        match Self::pinned(store, origin)? {
            Self(Rule::Pinned {
                authority: None, ..
            }) => Ok(Self(Rule::FirstUse)),
            pinned => Ok(pinned),
        }
    }

    /// The authorities of a PEM file and no others.
    ///
    /// # Errors
    /// It holds no certificate.
    pub fn only(pem: &[u8]) -> Result<Self, ApiError> {
        Ok(Self(Rule::Only(read_pem(pem)?)))
    }
}

fn read_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ApiError> {
    let fault = |cause: String| ApiError::Trust(TrustError::Authority(cause));
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| fault(error.to_string()))?;
    if certificates.is_empty() {
        return Err(fault("it holds no certificate".to_owned()));
    }
    Ok(certificates)
}

/// PEM of a certificate (RFC 7468 §5.1).
fn write_pem(certificate: &CertificateDer<'_>) -> String {
    let text = STANDARD.encode(certificate);
    let lines = text.as_bytes().chunks(64);
    let lines = lines.map(|line| std::str::from_utf8(line).expect("base64 is ASCII"));
    let body = lines.collect::<Vec<_>>().join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

/// The rule as rustls asks for it.
#[derive(Debug)]
pub(super) struct TrustVerifier {
    rule: Rule,
    public: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    seen: Mutex<Option<CertificateDer<'static>>>,
    voucher: Mutex<Option<Voucher>>,
}

impl TrustVerifier {
    pub(super) fn new(trust: Trust, provider: Arc<CryptoProvider>) -> Self {
        let public = match trust.0 {
            Rule::Only(_) => None,
            // A machine without roots of its own still has its pins.
            Rule::FirstUse | Rule::Pinned { .. } => {
                let roots = rustls_native_certs::load_native_certs().certs;
                verifier_of(roots, &provider).ok()
            }
        };
        Self {
            rule: trust.0,
            public,
            provider,
            seen: Mutex::new(None),
            voucher: Mutex::new(None),
        }
    }

    /// Who vouched for the certificate that was believed last.
    pub(super) fn voucher(&self) -> Option<Voucher> {
        *self.voucher.lock().expect("no holder panics")
    }

    /// PEM of the authority to expect from here on.
    pub(super) fn authority(&self) -> Option<String> {
        let seen = self.seen.lock().expect("no holder panics");
        let known = match &self.rule {
            Rule::FirstUse => None,
            Rule::Pinned { authority, .. } => authority.as_ref(),
            Rule::Only(given) => given.first(),
        };
        seen.as_ref().or(known).map(write_pem)
    }

    /// Believes a chain that ends in one of `authorities`.
    fn vouched(
        &self,
        authorities: &[CertificateDer<'static>],
        shown: &Shown<'_>,
    ) -> Result<(), Error> {
        // A self-signed certificate that is its own authority: the very bytes are pinned.
        if authorities.iter().any(|pinned| pinned == shown.end_entity) {
            return verify_server_name(&ParsedCertificate::try_from(shown.end_entity)?, shown.host);
        }
        let verifier = verifier_of(authorities.to_vec(), &self.provider)?;
        shown.verify(&verifier)
    }

    fn judge(&self, shown: &Shown<'_>) -> Result<Voucher, TrustError> {
        let host = shown.host.to_str().into_owned();
        let public = match &self.public {
            Some(public) => shown.verify(public),
            None => Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        };
        let cause = match (public, &self.rule) {
            (Ok(()), _) => return Ok(Voucher::Public),
            (Err(error), _) => error.to_string(),
        };
        match &self.rule {
            Rule::Only(given) => {
                self.vouched(given, shown).map_err(|error| {
                    let cause = error.to_string();
                    TrustError::NotGiven { host, cause }
                })?;
                Ok(Voucher::Given)
            }
            Rule::Pinned {
                authority: Some(authority),
                file,
            } => {
                let pinned = std::slice::from_ref(authority);
                self.vouched(pinned, shown).map_err(|error| {
                    if shown.authority() == authority {
                        let cause = error.to_string();
                        return TrustError::Unknown { host, cause };
                    }
                    let pin = file.clone();
                    TrustError::Changed { host, pin }
                })?;
                Ok(Voucher::Pinned)
            }
            Rule::Pinned {
                authority: None, ..
            } => Err(TrustError::Unknown { host, cause }),
            Rule::FirstUse => {
                let authority = shown.authority().clone().into_owned();
                self.vouched(std::slice::from_ref(&authority), shown)
                    .map_err(|error| {
                        let cause = error.to_string();
                        TrustError::Unknown { host, cause }
                    })?;
                self.believe(authority)?;
                Ok(Voucher::Nobody)
            }
        }
    }

    /// The first authority is the one: a second connection must meet it again.
    fn believe(&self, authority: CertificateDer<'static>) -> Result<(), TrustError> {
        let mut seen = self.seen.lock().expect("no holder panics");
        match seen.as_ref() {
            Some(earlier) if *earlier != authority => Err(TrustError::Unknown {
                host: "the server".to_owned(),
                cause: "another one than a moment ago".to_owned(),
            }),
            _ => {
                *seen = Some(authority);
                Ok(())
            }
        }
    }
}

/// What a server shows.
struct Shown<'a> {
    end_entity: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    host: &'a ServerName<'a>,
    now: UnixTime,
}

impl Shown<'_> {
    fn verify(&self, verifier: &WebPkiServerVerifier) -> Result<(), Error> {
        let Self {
            end_entity,
            intermediates,
            host,
            now,
        } = self;
        verifier
            .verify_server_cert(end_entity, intermediates, host, &[], *now)
            .map(|_| ())
    }

    /// The end of the chain.
    fn authority(&self) -> &CertificateDer<'_> {
        self.intermediates.last().unwrap_or(self.end_entity)
    }
}

fn verifier_of(
    roots: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots);
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
        .build()
        .map_err(|error| Error::General(error.to_string()))
}

impl ServerCertVerifier for TrustVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Shown {
            end_entity,
            intermediates,
            host: server_name,
            now,
        };
        let judged = self.judge(&shown);
        let wrapped = judged.map_err(|error| {
            Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
        });
        let voucher = wrapped?;
        *self.voucher.lock().expect("no holder panics") = Some(voucher);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
