//! Plain HTTP on a TLS port: sends people to https, and never takes a token.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{HOST, LOCATION};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::names::Origins;

/// Answers everything with 308 to the same path on the origin that was meant.
pub(crate) fn router(origins: Arc<Origins>) -> Router {
    Router::new().fallback(redirect).with_state(origins)
}

async fn redirect(State(origins): State<Arc<Origins>>, headers: HeaderMap, uri: Uri) -> Response {
    // A Host that is not ours would make us an open redirect.
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let origin = origins.by_host(host).unwrap_or_else(|| origins.invite());
    // The query is left behind: a token in it must not travel on.
    let location = format!("{origin}{}", uri.path());
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response()
}
