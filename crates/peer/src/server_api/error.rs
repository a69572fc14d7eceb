//! Why the server did not do what it was asked to, with the next step where there is one.

use std::path::PathBuf;

use hyper::StatusCode;
use serde::Deserialize;

use crate::store::StoreError;

/// Why a call of the API failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The origin is not `https://host[:port]`.
    #[error("{0} is no address of a server")]
    Origin(String),
    /// Plain HTTP to another machine: tokens would be read on the way.
    #[error("{0} is not encrypted; only this machine may be spoken to by http")]
    Unencrypted(String),
    /// It did not answer.
    #[error(
        "{origin} does not answer: {cause}; check that the server runs and this device is online"
    )]
    Unreachable {
        /// Whom.
        origin: String,
        /// Why.
        cause: String,
    },
    /// Its certificate is not believed.
    #[error(transparent)]
    Trust(TrustError),
    /// Something answers there that is not this product.
    #[error("{origin} answers, but not as a Heliograph server does")]
    NotHeliograph {
        /// Who.
        origin: String,
    },
    /// It refused.
    #[error("the server refused: {message} ({code})")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The stable name of the cause, as in `docs/problems.md`.
        code: String,
        /// For people.
        message: String,
        /// When to try again, in milliseconds; 0 where trying again does not help.
        retry_after_ms: u64,
    },
    /// The device's memory could not be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a certificate is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Signed by nobody known, and this is not a pairing.
    #[error(
        "{host} shows a certificate that no known authority signed ({cause}); pair with that \
         server first, or name its authority with --ca FILE (ca.pem in its data directory, tls/)"
    )]
    Unknown {
        /// The host.
        host: String,
        /// What was wrong with it.
        cause: String,
    },
    /// Another authority than when the device paired.
    #[error(
        "{host} shows a certificate of another authority than when this device paired with it: \
         somebody may sit in between. If that server was set up anew, delete {pin} and pair again, \
         or name its authority with --ca FILE"
    )]
    Changed {
        /// The host.
        host: String,
        /// The file of the pin.
        pin: PathBuf,
    },
    /// Not signed by what `--ca` names.
    #[error("{host} shows a certificate that the given authority did not sign ({cause})")]
    NotGiven {
        /// The host.
        host: String,
        /// What was wrong with it.
        cause: String,
    },
    /// `--ca` names a file without a certificate, or the pin holds none.
    #[error("the certificate authority cannot be read: {0}")]
    Authority(String),
}

/// As much of a problem document (RFC 9457) as there is: a proxy in between answers with its own
/// page.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ProblemDocument {
    code: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    retry_after_ms: u64,
}

impl ApiError {
    pub(super) fn refused(status: StatusCode, body: &[u8]) -> Self {
        let problem: ProblemDocument = serde_json::from_slice(body).unwrap_or_default();
        let status = status.as_u16();
        let said = problem.detail.or(problem.title);
        Self::Refused {
            status,
            code: problem.code.unwrap_or_else(|| format!("http-{status}")),
            message: said.unwrap_or_else(|| format!("status {status}")),
            retry_after_ms: problem.retry_after_ms,
        }
    }

    /// The stable name of the cause where the server gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            ApiError::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether the server heard the request and will refuse it again: the client's fault, and
    /// not one of too many requests.
    pub fn is_final_refusal(&self) -> bool {
        let status = match self {
            ApiError::Refused { status, .. } => *status,
            _ => return false,
        };
        (400..500).contains(&status) && status != 429
    }

    /// Whether the device's clock is off by more than the server forgives.
    pub(super) fn is_about_clocks(&self) -> bool {
        matches!(self.code(), Some("assertion-expired" | "clock-skew"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_its_code_and_a_foreign_page_its_status() {
        let problem = br#"{"type":"x","code":"wrong-pair","title":"T","detail":"D","status":403}"#;
        let error = ApiError::refused(StatusCode::FORBIDDEN, problem);
        assert_eq!(error.code(), Some("wrong-pair"));
        assert_eq!(error.to_string(), "the server refused: D (wrong-pair)");
        assert!(error.is_final_refusal());
        let error = ApiError::refused(StatusCode::BAD_GATEWAY, b"<html>");
        assert_eq!(error.code(), Some("http-502"));
        assert!(!error.is_final_refusal());
        let error = ApiError::refused(StatusCode::TOO_MANY_REQUESTS, b"{}");
        assert!(!error.is_final_refusal());
    }
}
