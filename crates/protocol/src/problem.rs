//! Why an HTTP request was refused: `application/problem+json` (RFC 9457).
//!
//! Each code is stable and explained in `docs/problems.md`, which a test keeps in step.

use serde::{Deserialize, Serialize};

/// The media type of [`Problem`].
pub const CONTENT_TYPE: &str = "application/problem+json";

/// What a refused request is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `urn:heliograph:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The stable name of the cause.
    pub code: ProblemCode,
    /// The cause in one sentence.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong with this request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When to try again; 0 where trying again does not help.
    #[serde(default)]
    pub retry_after_ms: u64,
}

impl Problem {
    /// A problem with nothing but its cause.
    pub fn new(code: ProblemCode) -> Self {
        Self {
            kind: format!("urn:heliograph:problem:{}", code.as_str()),
            code,
            title: code.title().to_owned(),
            status: code.status(),
            detail: None,
            retry_after_ms: 0,
        }
    }

    /// Says what was wrong with this request. Never a secret: it goes to the client.
    #[must_use]
    pub fn with_detail(mut self, detail: impl ToString) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn with_retry_after_ms(mut self, retry_after_ms: u64) -> Self {
        self.retry_after_ms = retry_after_ms;
        self
    }
}

impl From<ProblemCode> for Problem {
    fn from(code: ProblemCode) -> Self {
        Self::new(code)
    }
}

/// The stable names of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ProblemCode {
    /// The body is not JSON, or nests too deeply.
    BadJson,
    /// A member is missing or of the wrong type.
    BadMessage,
    /// A token stands in the URL.
    TokenInQuery,
    /// No token, or none that can be read.
    Unauthorized,
    /// The token is no JWT, or a claim is missing or wrong.
    TokenMalformed,
    /// The token's algorithm is not EdDSA.
    TokenAlgorithm,
    /// The token names no key of this server.
    TokenUnknownKey,
    /// The token's signature does not verify.
    TokenSignature,
    /// The token is past its `exp`.
    TokenExpired,
    /// The token would serve for longer than 300 s.
    TokenTooLong,
    /// The assertion cannot be read or its signature does not verify.
    AssertionInvalid,
    /// The assertion's `jti` was seen before.
    AssertionUsed,
    /// The assertion would serve for longer than 60 s.
    AssertionTooLong,
    /// The assertion is past its `exp`.
    AssertionExpired,
    /// The device's clock is off.
    ClockSkew,
    /// The assertion names another server.
    WrongAudience,
    /// No account has this device.
    UnknownDevice,
    /// No share has this code.
    ShareUnknown,
    /// The share is past its end.
    ShareExpired,
    /// The share was revoked.
    ShareRevoked,
    /// The token serves for something else.
    WrongScope,
    /// The device or the pair was revoked.
    Revoked,
    /// The device is not part of the pair.
    WrongPair,
    /// The account may not do this.
    Forbidden,
    /// The page that asks is not one of this server's.
    ForbiddenOrigin,
    /// There is no such thing.
    NotFound,
    /// The path does not know the method.
    MethodNotAllowed,
    /// The state it was based on has changed.
    Conflict,
    /// There are as many as there may be.
    LimitReached,
    /// No invite has this secret.
    InviteUnknown,
    /// The invite was redeemed.
    InviteUsed,
    /// The invite is too old.
    InviteExpired,
    /// The body is too large.
    TooLarge,
    /// The body is of another media type.
    UnsupportedMediaType,
    /// The offer is no SDP that WebRTC can use.
    OfferMalformed,
    /// The offer asks for what is not forwarded.
    OfferUnsupported,
    /// The session cannot restart ICE.
    RestartUnsupported,
    /// Nobody publishes the stream.
    NothingPublished,
    /// The request does not say which ICE session it is for.
    PreconditionRequired,
    /// The request is for an ICE session before this one.
    PreconditionFailed,
    /// The record breaks a rule or its signature does not verify.
    RecordInvalid,
    /// The statement breaks a rule or a signature does not verify.
    StatementInvalid,
    /// The name or label breaks a rule.
    NameInvalid,
    /// The path speaks WebSocket only.
    UpgradeRequired,
    /// Too many requests.
    RateLimited,
    /// Too many sockets.
    TooManySockets,
    /// The server is at fault.
    Internal,
    /// The part is not built yet.
    NotBuilt,
    /// The server starts, stops or cannot reach its registry.
    Unavailable,
}

impl ProblemCode {
    /// Every code, by status.
    pub const ALL: [ProblemCode; 49] = [
        ProblemCode::BadJson,
        ProblemCode::BadMessage,
        ProblemCode::TokenInQuery,
        ProblemCode::Unauthorized,
        ProblemCode::TokenMalformed,
        ProblemCode::TokenAlgorithm,
        ProblemCode::TokenUnknownKey,
        ProblemCode::TokenSignature,
        ProblemCode::TokenExpired,
        ProblemCode::TokenTooLong,
        ProblemCode::AssertionInvalid,
        ProblemCode::AssertionUsed,
        ProblemCode::AssertionTooLong,
        ProblemCode::AssertionExpired,
        ProblemCode::ClockSkew,
        ProblemCode::WrongAudience,
        ProblemCode::UnknownDevice,
        ProblemCode::ShareUnknown,
        ProblemCode::ShareExpired,
        ProblemCode::ShareRevoked,
        ProblemCode::WrongScope,
        ProblemCode::Revoked,
        ProblemCode::WrongPair,
        ProblemCode::Forbidden,
        ProblemCode::ForbiddenOrigin,
        ProblemCode::NotFound,
        ProblemCode::MethodNotAllowed,
        ProblemCode::Conflict,
        ProblemCode::LimitReached,
        ProblemCode::InviteUnknown,
        ProblemCode::InviteUsed,
        ProblemCode::InviteExpired,
        ProblemCode::TooLarge,
        ProblemCode::UnsupportedMediaType,
        ProblemCode::OfferMalformed,
        ProblemCode::OfferUnsupported,
        ProblemCode::RestartUnsupported,
        ProblemCode::NothingPublished,
        ProblemCode::PreconditionRequired,
        ProblemCode::PreconditionFailed,
        ProblemCode::RecordInvalid,
        ProblemCode::StatementInvalid,
        ProblemCode::NameInvalid,
        ProblemCode::UpgradeRequired,
        ProblemCode::RateLimited,
        ProblemCode::TooManySockets,
        ProblemCode::Internal,
        ProblemCode::NotBuilt,
        ProblemCode::Unavailable,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.row().1
    }

    /// The cause in one sentence, for people.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    #[rustfmt::skip] // A table: one cause a line.
    fn row(self) -> (&'static str, u16, &'static str) {
        match self {
            Self::BadJson => ("bad-json", 400, "the body is not JSON"),
            Self::BadMessage => ("bad-message", 400, "a member is missing or of the wrong type"),
            Self::TokenInQuery => ("token-in-query", 400, "a token in the URL is not accepted"),
            Self::Unauthorized => ("unauthorized", 401, "a token is needed"),
            Self::TokenMalformed => ("token-malformed", 401, "the token cannot be read"),
            Self::TokenAlgorithm => ("token-algorithm", 401, "the token's algorithm is not EdDSA"),
            Self::TokenUnknownKey => ("token-unknown-key", 401, "the token's key is not one of this server's"),
            Self::TokenSignature => ("token-signature", 401, "the token's signature does not verify"),
            Self::TokenExpired => ("token-expired", 401, "the token has expired"),
            Self::TokenTooLong => ("token-too-long", 401, "the token's lifetime is above 300 s"),
            Self::AssertionInvalid => ("assertion-invalid", 401, "the assertion is not valid"),
            Self::AssertionUsed => ("assertion-used", 401, "the assertion was used before"),
            Self::AssertionTooLong => ("assertion-too-long", 401, "the assertion's lifetime is above 60 s"),
            Self::AssertionExpired => ("assertion-expired", 401, "the assertion has expired"),
            Self::ClockSkew => ("clock-skew", 401, "the device's clock is more than 30 s ahead"),
            Self::WrongAudience => ("wrong-audience", 401, "the assertion is for another server"),
            Self::UnknownDevice => ("unknown-device", 401, "this server does not know the device"),
            Self::ShareUnknown => ("share-unknown", 401, "no share has this code"),
            Self::ShareExpired => ("share-expired", 401, "the share has expired"),
            Self::ShareRevoked => ("share-revoked", 401, "the share was withdrawn"),
            Self::WrongScope => ("wrong-scope", 403, "the token is for something else"),
            Self::Revoked => ("revoked", 403, "the device or the pair was revoked"),
            Self::WrongPair => ("wrong-pair", 403, "the device is not part of this pair"),
            Self::Forbidden => ("forbidden", 403, "this account may not do that"),
            Self::ForbiddenOrigin => ("forbidden-origin", 403, "the page is not from this server"),
            Self::NotFound => ("not-found", 404, "there is no such thing here"),
            Self::MethodNotAllowed => ("method-not-allowed", 405, "the path does not take this method"),
            Self::Conflict => ("conflict", 409, "it was changed in the meantime"),
            Self::LimitReached => ("limit-reached", 409, "there are as many as there may be"),
            Self::InviteUnknown => ("invite-unknown", 404, "no invite has this secret"),
            Self::InviteUsed => ("invite-used", 410, "the invite was used before"),
            Self::InviteExpired => ("invite-expired", 410, "the invite has expired"),
            Self::TooLarge => ("too-large", 413, "the body is too large"),
            Self::UnsupportedMediaType => ("unsupported-media-type", 415, "the body is of another type than the path takes"),
            Self::OfferMalformed => ("offer-malformed", 400, "the offer, answer or fragment cannot be used"),
            Self::OfferUnsupported => ("offer-unsupported", 422, "the offer asks for what is not forwarded"),
            Self::RestartUnsupported => ("restart-unsupported", 422, "this session cannot restart ICE"),
            Self::NothingPublished => ("nothing-published", 409, "nobody publishes the stream"),
            Self::PreconditionRequired => ("precondition-required", 428, "If-Match is missing"),
            Self::PreconditionFailed => ("precondition-failed", 412, "If-Match names another ICE session"),
            Self::RecordInvalid => ("record-invalid", 422, "the device record is not valid"),
            Self::StatementInvalid => ("statement-invalid", 422, "the pair statement is not valid"),
            Self::NameInvalid => ("name-invalid", 422, "the name is not valid"),
            Self::UpgradeRequired => ("upgrade-required", 426, "this path speaks WebSocket only"),
            Self::RateLimited => ("rate-limited", 429, "too many requests"),
            Self::TooManySockets => ("too-many-sockets", 429, "too many open sockets"),
            Self::Internal => ("internal", 500, "the server failed"),
            Self::NotBuilt => ("not-built", 501, "this part is not built yet"),
            Self::Unavailable => ("unavailable", 503, "the server is not ready"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_listed_once_and_named_as_serde_names_it() {
        let names: BTreeSet<_> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), ProblemCode::ALL.len());
        // The last variant's number is the count: none is missing from the list.
        assert_eq!(
            ProblemCode::Unavailable as usize + 1,
            ProblemCode::ALL.len()
        );
        for code in ProblemCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!((400..600).contains(&code.status()), "{code:?}");
        }
    }

    #[test]
    fn a_problem_has_the_members_of_rfc_9457() {
        let problem = Problem::new(ProblemCode::RateLimited).with_retry_after_ms(500);
        let json = serde_json::json!({
            "type": "urn:heliograph:problem:rate-limited", "code": "rate-limited",
            "title": "too many requests", "status": 429, "retryAfterMs": 500,
        });
        assert_eq!(serde_json::to_value(&problem).unwrap(), json);
        assert_eq!(serde_json::from_value::<Problem>(json).unwrap(), problem);
    }

    #[test]
    fn the_page_of_problems_explains_every_code_and_no_other() {
        let page = include_str!("../../../docs/problems.md");
        let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
        let explained: Vec<(&str, &str)> = rows.filter_map(|row| row.split_once("` | ")).collect();
        for code in ProblemCode::ALL {
            let row = explained.iter().find(|(name, _)| *name == code.as_str());
            let (_, rest) = row.unwrap_or_else(|| panic!("{} is not explained", code.as_str()));
            assert!(
                rest.starts_with(&code.status().to_string()),
                "{}",
                code.as_str()
            );
            assert_eq!(rest.matches(" | ").count(), 2, "{}", code.as_str());
        }
        assert_eq!(explained.len(), ProblemCode::ALL.len());
    }
}
