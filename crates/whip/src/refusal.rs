//! Why a server gives no session, or no other ICE session.

use std::time::Duration;

use http::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde_json::Value;

/// Characters of a server's reason that are kept.
const MAX_REASON_CHARS: usize = 300;
/// Nobody is asked to wait longer than this by a `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// Why a request did not do what it was for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No reply came, or none that is HTTP.
    #[error("{0}")]
    NoReply(String),
    /// The server said no.
    #[error("refused with {status}{}", because(reason))]
    Status {
        /// HTTP status.
        status: u16,
        /// What the server says about it; empty where it says nothing.
        reason: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It sends whoever asks to ever other places.
    #[error("more than {0} redirects")]
    Redirects(usize),
    /// It answered with success, but not as RFC 9725 §4.2 has it.
    #[error("no WHIP or WHEP server: {0}")]
    Foreign(String),
}

fn because(reason: &str) -> String {
    let begin = if reason.is_empty() { "" } else { ": " };
    format!("{begin}{reason}")
}

impl Refusal {
    /// What a reply that is no success says: `problem+json` (RFC 9457), or plain text.
    pub(crate) fn of(reply: &Response<String>) -> Self {
        let header = |name| {
            reply
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let media_type = header(CONTENT_TYPE).unwrap_or("");
        let body = reply.body();
        let reason = if media_type.contains("json") {
            problem(body)
        } else if media_type.starts_with("text/plain") {
            body.trim().to_owned()
        } else {
            String::new()
        };
        let seconds = header(RETRY_AFTER).and_then(|value| value.trim().parse().ok());
        let retry_after = seconds.map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
        Self::Status {
            status: reply.status().as_u16(),
            reason: reason.chars().take(MAX_REASON_CHARS).collect(),
            retry_after,
        }
    }

    /// Whether asking again is in vain: the client's own fault, and none that passes.
    pub fn is_final(&self) -> bool {
        match self {
            Self::NoReply(_) => false,
            Self::Status { status, .. } => {
                (400..500).contains(status) && !matches!(status, 408 | 409 | 425 | 429)
            }
            Self::Redirects(_) | Self::Foreign(_) => true,
        }
    }

    /// When the server wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// The words of a problem (RFC 9457 §3.1).
fn problem(body: &str) -> String {
    let Ok(problem) = serde_json::from_str::<Value>(body) else {
        return String::new();
    };
    let words = ["title", "detail"].map(|name| problem[name].as_str().unwrap_or("").trim());
    match words {
        [title, ""] => title.to_owned(),
        ["", detail] => detail.to_owned(),
        [title, detail] => format!("{title}: {detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, media_type: &str, body: &str) -> Response<String> {
        Response::builder()
            .status(status)
            .header(CONTENT_TYPE, media_type)
            .header(RETRY_AFTER, "7")
            .body(body.to_owned())
            .unwrap()
    }

    #[test]
    fn a_problem_says_what_is_wrong_and_when_to_come_back() {
        let body = r#"{"type":"about:blank","title":"Nothing is published","detail":"cam0"}"#;
        let refusal = Refusal::of(&reply(409, "application/problem+json", body));
        assert_eq!(
            refusal.to_string(),
            "refused with 409: Nothing is published: cam0"
        );
        assert_eq!(refusal.retry_after(), Some(Duration::from_secs(7)));
        assert!(!refusal.is_final());
    }

    #[test]
    fn what_is_no_problem_is_no_reason() {
        for (media_type, body) in [("text/html", "<p>"), ("application/json", "{"), ("", "x")] {
            let refusal = Refusal::of(&reply(403, media_type, body));
            assert_eq!(refusal.to_string(), "refused with 403");
            assert!(refusal.is_final());
        }
    }

    #[test]
    fn reasons_and_waits_are_bounded() {
        let long = "x".repeat(MAX_REASON_CHARS + 1);
        let mut reply = reply(503, "text/plain", &long);
        reply.headers_mut().insert(RETRY_AFTER, 601.into());
        let refusal = Refusal::of(&reply);
        assert_eq!(refusal.retry_after(), Some(MAX_RETRY_AFTER));
        let Refusal::Status { reason, .. } = refusal else {
            panic!("it is a status");
        };
        assert_eq!(reason.len(), MAX_REASON_CHARS);
    }
}
