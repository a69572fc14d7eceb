//! A refusal as an HTTP response: `application/problem+json` (RFC 9457), counted by its code.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::problem::{self, Problem, ProblemCode};

use crate::udp_loop::Stopped;

/// What a handler returns in place of a reply.
#[derive(Debug)]
pub(crate) struct Refused(Problem);

impl Refused {
    /// Names the cause and what was wrong with this request.
    pub(crate) fn because(code: ProblemCode, detail: impl ToString) -> Self {
        Self(Problem::new(code).with_detail(detail))
    }

    /// Our own fault: the operator reads why in the log, the client does not.
    pub(crate) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "request failed");
        Self(Problem::new(ProblemCode::Internal))
    }
}

impl Refused {
    /// The media loop is gone: the server is stopping.
    pub(crate) fn stopped(stopped: Stopped) -> Self {
        Self::because(ProblemCode::Unavailable, stopped)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<ProblemCode> for Refused {
    fn from(code: ProblemCode) -> Self {
        Self(Problem::new(code))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let problem = self.0;
        metrics::counter!("helio_http_problems_total", "code" => problem.code.as_str())
            .increment(1);
        let status =
            StatusCode::from_u16(problem.status).expect("problem codes have valid statuses");
        let body = serde_json::to_string(&problem).expect("a problem is serialisable");
        let mut response = (status, [(CONTENT_TYPE, problem::CONTENT_TYPE)], body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if problem.retry_after_ms > 0 {
            // Whole seconds, rounded up (RFC 9110 §10.2.3).
            headers.insert(
                RETRY_AFTER,
                HeaderValue::from(problem.retry_after_ms.div_ceil(1000)),
            );
        }
        response
    }
}
