//! WHIP and WHEP are open to pages of any site: what they may do, their token says.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL,
};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{ACCEPT_POST, SDP};

/// `*` never covers Authorization (Fetch §3.2.3), so that the headers are named.
const OPEN: [(HeaderName, &str); 4] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (
        ACCESS_CONTROL_ALLOW_METHODS,
        "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
    ),
    (
        ACCESS_CONTROL_ALLOW_HEADERS,
        "Authorization, Content-Type, If-Match",
    ),
    (
        ACCESS_CONTROL_EXPOSE_HEADERS,
        "Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After",
    ),
];
/// A day.
const MAX_AGE_S: &str = "86400";

/// On every reply, refusals too: a page must be able to read why.
pub(super) async fn open_to_all(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in OPEN {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let private = HeaderValue::from_static("no-store");
    headers.entry(CACHE_CONTROL).or_insert(private);
    response
}

/// What OPTIONS says: nothing that needs a token (RFC 9725 §4.2).
pub(super) fn options() -> Response {
    let head = [(ACCEPT_POST, SDP), (ACCESS_CONTROL_MAX_AGE, MAX_AGE_S)];
    (StatusCode::OK, head).into_response()
}
