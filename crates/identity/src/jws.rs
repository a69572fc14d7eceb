//! Compact JWS with EdDSA (RFC 7515 §3.1, RFC 8037 §3.1): what assertions and tokens are made of.
//!
//! Only `alg`, `typ`, `kid` and `crit` of a header are looked at: a key or an address of a key
//! that a token brings itself (`jwk`, `jku`, `x5u`, `x5c`) is never read.

use jsonwebtoken::{Algorithm, DecodingKey, Header};
use protocol::base64url::{self, Base64Url};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::ed25519::SigningKey;

/// The largest token or assertion, in bytes.
pub const MAX_JWS_BYTES: usize = 2048;
/// The longest `jti`, in bytes.
pub(crate) const MAX_JTI_BYTES: usize = 64;
/// How far two clocks may be apart, in seconds.
pub const SKEW_S: u64 = 30;

/// A JWS whose signature has not been looked at.
#[derive(Debug, Clone)]
pub(crate) struct Jws {
    pub(crate) kid: Option<String>,
    message: String,
    signature: String,
    payload: Vec<u8>,
}

/// Why a text is no JWS of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// Above [`MAX_JWS_BYTES`].
    #[error("{found} bytes, more than {MAX_JWS_BYTES}")]
    TooLarge {
        /// Its size.
        found: usize,
    },
    /// Not three parts of base64url with JSON in the first two.
    #[error("{0} is not what a JWT has there")]
    Malformed(&'static str),
    /// Not exactly `EdDSA`.
    #[error("the algorithm is not EdDSA")]
    Algorithm,
    /// Another `typ`.
    #[error("the type is not {expected}")]
    Type {
        /// What it should be.
        expected: &'static str,
    },
    /// `crit` names extensions, of which none is known (RFC 7515 §4.1.11).
    #[error("a critical extension is not known")]
    Critical,
}

#[derive(Deserialize)]
struct ReadHeader {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl Jws {
    /// Reads a JWS of the type `typ` signed with EdDSA.
    pub(crate) fn read(token: &str, typ: &'static str) -> Result<Self, JwsError> {
        if token.len() > MAX_JWS_BYTES {
            return Err(JwsError::TooLarge { found: token.len() });
        }
        let (message, signature) = token
            .rsplit_once('.')
            .ok_or(JwsError::Malformed("a part"))?;
        let (header, payload) = message
            .split_once('.')
            .ok_or(JwsError::Malformed("a part"))?;
        let header = base64url::decode(header).map_err(|_| JwsError::Malformed("the header"))?;
        let header: ReadHeader =
            serde_json::from_slice(&header).map_err(|_| JwsError::Malformed("the header"))?;
        if header.alg != "EdDSA" {
            return Err(JwsError::Algorithm);
        }
        if header.typ.as_deref() != Some(typ) {
            return Err(JwsError::Type { expected: typ });
        }
        if header.crit.is_some() {
            return Err(JwsError::Critical);
        }
        let payload = base64url::decode(payload).map_err(|_| JwsError::Malformed("the payload"))?;
        let (message, signature) = (message.to_owned(), signature.to_owned());
        Ok(Self {
            kid: header.kid,
            message,
            signature,
            payload,
        })
    }

    /// Whether the signature is by `key`.
    pub(crate) fn is_signed_by(&self, key: &Base64Url<32>) -> bool {
        let key = DecodingKey::from_ed_der(key.as_bytes());
        let (signature, message) = (&self.signature, self.message.as_bytes());
        jsonwebtoken::crypto::verify(signature, message, &key, Algorithm::EdDSA).unwrap_or(false)
    }

    /// The claims, to be believed once the signature was checked.
    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Result<T, JwsError> {
        serde_json::from_slice(&self.payload).map_err(|_| JwsError::Malformed("a claim"))
    }
}

/// Signs claims.
pub(crate) fn sign(
    claims: &impl Serialize,
    typ: &str,
    kid: Option<String>,
    key: &SigningKey,
) -> String {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(typ.to_owned());
    header.kid = kid;
    jsonwebtoken::encode(&header, claims, &key.encoding_key())
        .expect("claims of strings and numbers have a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A.4 and A.5, but that its header has no `typ`.
    #[test]
    fn the_signature_of_rfc_8037_appendix_a_4_verifies() {
        let jws = Jws {
            kid: None,
            message: "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc".to_owned(),
            signature: "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5B\
                        hVsPt9g7sVvpAr_MuM0KAg"
                .to_owned(),
            payload: Vec::new(),
        };
        let key = Base64Url::parse("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert!(jws.is_signed_by(&key));
        assert!(!jws.is_signed_by(&Base64Url([1; 32])));
    }

    #[test]
    fn what_is_no_jws_is_refused_by_its_fault() {
        let read = |token: &str| Jws::read(token, "JWT").map(|_| ()).unwrap_err();
        let with = |header: &str| read(&format!("{}.e30.AA", base64url::encode(header.as_bytes())));
        assert_eq!(
            read(&"a".repeat(MAX_JWS_BYTES + 1)),
            JwsError::TooLarge { found: 2049 }
        );
        assert_eq!(
            read(&"a".repeat(MAX_JWS_BYTES)),
            JwsError::Malformed("a part")
        );
        assert_eq!(read("e30.e30"), JwsError::Malformed("a part"));
        assert_eq!(read("e30=.e30."), JwsError::Malformed("the header"));
        assert_eq!(with("{}"), JwsError::Malformed("the header"));
        assert_eq!(
            with(r#"{"alg":"EdDSA","alg":"none"}"#),
            JwsError::Malformed("the header")
        );
        for alg in ["none", "HS256", "eddsa", "ES256", ""] {
            assert_eq!(
                with(&format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#)),
                JwsError::Algorithm
            );
        }
        assert_eq!(
            with(r#"{"alg":"EdDSA"}"#),
            JwsError::Type { expected: "JWT" }
        );
        let critical = r#"{"alg":"EdDSA","typ":"JWT","crit":["exp"],"exp":1}"#;
        assert_eq!(with(critical), JwsError::Critical);
    }
}
