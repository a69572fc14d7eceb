//! The HTTP side: which path goes where, and what stands before every handler.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, STRICT_TRANSPORT_SECURITY, UPGRADE, X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use protocol::problem::{Problem, ProblemCode};

use crate::gate::Refusal;
use crate::settings::TlsMode;
use crate::site::Site;

mod accounts;
mod api_streams;
mod caller;
pub(crate) mod connection;
mod devices;
mod host;
mod json_body;
mod openapi;
mod pages;
mod pairs;
pub(crate) mod path_id;
pub(crate) mod path_list;
mod paths;
pub(crate) mod recordings;
pub(crate) mod redirect;
pub(crate) mod refused;
mod register;
mod rendezvous;
mod server_info;
mod setup;
mod shares;
mod signal;
mod stream_caller;
pub(crate) mod streams;
mod telemetry;
mod token;
mod well_known;

pub use openapi::document as openapi_document;

use connection::Connection;
use refused::Refused;

/// Half a year.
const HSTS: &str = "max-age=15768000";

/// The product: API, WebSockets, pages.
pub(crate) fn router(site: Arc<Site>) -> Router {
    let (api, _) = openapi::routes().split_for_parts();
    let api = api
        .route("/api/openapi.json", get(openapi::described))
        .route("/api/signal", any(signal::open))
        .route("/api/pairing/{id}", any(rendezvous::open))
        .route("/ws", any(register::open))
        .route("/trust/ca.crt", get(well_known::authority))
        .route("/api", any(nothing_here))
        .route("/api/", any(nothing_here))
        .route("/api/{*rest}", any(nothing_here))
        .method_not_allowed_fallback(|| async { Refused::from(ProblemCode::MethodNotAllowed) })
        .layer(middleware::map_response(as_api))
        .layer(DefaultBodyLimit::max(json_body::MAX_BODY_BYTES));
    let counted = middleware::from_fn_with_state(site.clone(), count_forwarded);
    let strict = middleware::from_fn_with_state(site.clone(), strictly_tls);
    api.merge(streams::routes())
        .merge(recordings::routes())
        .merge(pages::routes())
        .layer(counted)
        .layer(strict)
        .with_state(site)
}

/// `http.lan_plain`: watching, and the player that other pages of the LAN load.
pub(crate) fn watching_router(site: Arc<Site>) -> Router {
    let counted = middleware::from_fn_with_state(site.clone(), count_forwarded);
    streams::watching_routes()
        .merge(pages::player_route())
        .fallback(nothing_here)
        .layer(counted)
        .with_state(site)
}

/// What a connection hears that was not let in.
pub(crate) fn refusal_router() -> Router {
    Router::new()
        .fallback(|Extension(refusal): Extension<Refusal>| async move { not_admitted(refusal) })
}

/// Why not, and when to come back.
fn not_admitted(refusal: Refusal) -> Refused {
    let (code, wait) = match refusal {
        Refusal::ConnectsPerAddress(wait) => (ProblemCode::RateLimited, wait),
        Refusal::OpenPerAddress => (ProblemCode::TooManySockets, Duration::from_secs(10)),
        Refusal::Strangers => (ProblemCode::Unavailable, Duration::from_secs(5)),
    };
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let problem = Problem::new(code).with_detail(refusal.cause());
    Refused::from(problem.with_retry_after_ms(wait_ms))
}

async fn nothing_here() -> Refused {
    ProblemCode::NotFound.into()
}

/// Replies of the API are for one caller at one moment, and never a page.
async fn as_api(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Browsers that came once over a trusted certificate come back over TLS only (RFC 6797).
///
/// Never with a self-signed one: it would break the other servers of its host names.
async fn strictly_tls(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if matches!(site.settings.http.tls, TlsMode::Files { .. }) {
        response
            .headers_mut()
            .insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
    }
    response
}

/// What comes over a trusted proxy is counted by the address it was forwarded for.
async fn count_forwarded(
    State(site): State<Arc<Site>>,
    mut request: Request,
    next: Next,
) -> Response {
    let trusted = &site.settings.http.trusted_proxies;
    let proxied = request
        .extensions()
        .get::<Connection>()
        .filter(|connection| connection.is_proxied(trusted))
        .cloned();
    let Some(proxied) = proxied else {
        return next.run(request).await;
    };
    let client = connection::forwarded_for(request.headers(), trusted).unwrap_or(proxied.peer.ip());
    // A page loads many files over its proxy's connection; a WebSocket is a connection.
    let admitted = if request.headers().contains_key(UPGRADE) {
        site.gate.admit(client, Instant::now())
    } else {
        site.gate.admit_request(client, Instant::now())
    };
    match admitted {
        Ok(permit) => {
            request
                .extensions_mut()
                .insert(proxied.forwarded(client, permit));
            next.run(request).await
        }
        Err(refusal) => {
            metrics::counter!("helio_connections_refused_total", "cause" => refusal.cause())
                .increment(1);
            not_admitted(refusal).into_response()
        }
    }
}
