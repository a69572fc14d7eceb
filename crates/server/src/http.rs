//! The HTTP side: which path goes where, and what stands before every handler.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, Router};
use protocol::problem::{Problem, ProblemCode};

use crate::gate::Refusal;
use crate::site::Site;

mod accounts;
mod caller;
pub(crate) mod connection;
mod devices;
mod host;
mod json_body;
mod openapi;
mod pages;
mod pairs;
pub(crate) mod redirect;
pub(crate) mod refused;
mod register;
mod rendezvous;
mod server_info;
mod setup;
mod signal;
mod telemetry;
mod token;
mod well_known;

pub use openapi::document as openapi_document;

use connection::Connection;
use refused::Refused;

/// The product: API, WebSockets, pages.
pub(crate) fn router(site: Arc<Site>) -> Router {
    let (api, document) = openapi::routes().split_for_parts();
    let document = document.to_json().expect("the document is serialisable");
    let api = api
        .route(
            "/api/openapi.json",
            get(|| async { ([("content-type", "application/json")], document) }),
        )
        .route("/api/signal", any(signal::open))
        .route("/api/pairing/{id}", any(rendezvous::open))
        .route("/ws", any(register::open))
        .route("/trust/ca.crt", get(well_known::authority))
        .route(
            "/api/{*rest}",
            any(|| async { Refused::from(ProblemCode::NotFound) }),
        )
        .method_not_allowed_fallback(|| async { Refused::from(ProblemCode::MethodNotAllowed) })
        .layer(middleware::map_response(never_cached))
        .layer(DefaultBodyLimit::max(json_body::MAX_BODY_BYTES));
    api.merge(pages::routes())
        .layer(middleware::from_fn_with_state(
            site.clone(),
            count_forwarded,
        ))
        .with_state(site)
}

/// What a connection hears that was not let in.
pub(crate) fn refusal_router() -> Router {
    Router::new().fallback(|Extension(refusal): Extension<Refusal>| async move {
        let (code, wait) = match refusal {
            Refusal::ConnectsPerAddress(wait) => (ProblemCode::RateLimited, wait),
            Refusal::OpenPerAddress => (ProblemCode::TooManySockets, Duration::from_secs(10)),
            Refusal::Strangers => (ProblemCode::Unavailable, Duration::from_secs(5)),
        };
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let problem = Problem::new(code)
            .with_detail(refusal.cause())
            .with_retry_after_ms(wait_ms);
        Refused::from(problem)
    })
}

/// Replies of the API are for one caller at one moment.
async fn never_cached(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A trusted proxy's connections are counted by the address each request was forwarded for.
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
    match site.gate.admit(client, Instant::now()) {
        Ok(permit) => {
            request
                .extensions_mut()
                .insert(proxied.forwarded(client, permit));
            next.run(request).await
        }
        Err(refusal) => {
            metrics::counter!("helio_connections_refused_total", "cause" => refusal.cause())
                .increment(1);
            let problem = Problem::new(ProblemCode::RateLimited).with_detail(refusal.cause());
            Refused::from(problem).into_response()
        }
    }
}
