//! `paths_api.listen`: the path list in plain HTTP and without a token, for programs of this machine.
//!
//! A browser of this machine could be made to ask by a page of anywhere: by another name for
//! loopback (DNS rebinding), which `Host` shows, or from its own origin, which the browser tells.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use gateway::PathState;
use protocol::http::{StreamPath, StreamPaths};
use protocol::problem::ProblemCode;

use super::host::host;
use super::path_id::PathId;
use super::paths::{named, paged};
use super::refused::Refused;
use crate::site::Site;

/// Where a request of a browser comes from (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Reading, nothing else.
pub(crate) fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/v3/paths/list", get(list))
        .route("/v3/paths/get/{name}", get(find))
        .fallback(|| async { Refused::from(ProblemCode::NotFound) })
        .method_not_allowed_fallback(|| async { Refused::from(ProblemCode::MethodNotAllowed) })
        .layer(middleware::from_fn(only_from_here))
        .with_state(site)
}

async fn list(State(site): State<Arc<Site>>, uri: Uri) -> Result<Json<StreamPaths>, Refused> {
    paged(paths(&site).await?, &uri).map(Json)
}

async fn find(
    State(site): State<Arc<Site>>,
    PathId(name): PathId<String>,
) -> Result<Json<StreamPath>, Refused> {
    named(paths(&site).await?, &name).map(Json)
}

async fn paths(site: &Site) -> Result<Vec<PathState>, Refused> {
    site.media.paths().await.map_err(Refused::stopped)
}

async fn only_from_here(request: Request, next: Next) -> Response {
    if is_from_here(request.headers()) {
        next.run(request).await
    } else {
        Refused::from(ProblemCode::ForbiddenOrigin).into_response()
    }
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let is_loopback = |host: &str| {
        let ip = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    };
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    // A page of another port of this machine has an origin too.
    let is_page = headers.contains_key(header::ORIGIN);
    let is_of_no_page =
        !is_page && site.is_none_or(|site| matches!(site, b"none" | b"same-origin"));
    is_loopback(host(headers)) && is_of_no_page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(lines: &[(&'static str, &'static str)]) -> bool {
        let lines = lines.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        is_from_here(&lines.collect())
    }

    #[test]
    fn programs_and_the_address_bar_of_this_machine_may_ask() {
        for host in [
            "localhost:9997",
            "127.0.0.1:9997",
            "[::1]:9997",
            "127.0.0.1",
        ] {
            assert!(asked(&[("host", host)]), "{host}");
            assert!(asked(&[("host", host), ("sec-fetch-site", "none")]));
        }
    }

    #[test]
    fn pages_and_other_names_of_this_machine_may_not() {
        for host in [
            "evil.example:9997",
            "192.168.1.2:9997",
            "",
            "localhost.evil.example",
        ] {
            assert!(!asked(&[("host", host)]), "{host}");
        }
        let here = ("host", "localhost:9997");
        assert!(!asked(&[]));
        for origin in ["https://evil.example", "http://localhost:3000", "null"] {
            assert!(!asked(&[here, ("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert!(!asked(&[here, ("sec-fetch-site", site)]), "{site}");
        }
    }
}
