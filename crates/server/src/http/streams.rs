//! `/{stream}/whip` and `/{stream}/whep`: publish and watch (RFC 9725, draft-ietf-wish-whep).
//!
//! `endpoint.rs` opens sessions, `session.rs` trickles, restarts and ends them, `events.rs` tells
//! viewers who comes and goes and which layers there are, `layers.rs` lets them choose one, `cors.rs`
//! lets pages of other sites do the same.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::HeaderName;
use axum::routing::{MethodRouter, any};
use axum::{Router, middleware};
use gateway::Role;

use crate::site::Site;

mod cors;
mod endpoint;
mod events;
mod ice_link;
mod layers;
mod session;

pub(crate) use events::EventStreams;

/// Media types of WHIP and WHEP.
const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// Both endpoints and the sessions behind them.
pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/{stream}/whip", endpoint(Role::Publish))
        .route("/{stream}/whip/{session}", session(Role::Publish))
        .layer(middleware::map_response(cors::open_to_all))
        .merge(watching_routes())
}

/// WHEP alone.
pub(super) fn watching_routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/{stream}/whep", endpoint(Role::Watch))
        .route("/{stream}/whep/{session}", session(Role::Watch))
        .route("/{stream}/whep/{session}/events", any(events::handle))
        .route("/{stream}/whep/{session}/layers", any(layers::handle))
        .route(
            "/{stream}/whep/{session}/events/{id}",
            any(events::handle_stream),
        )
        .layer(middleware::map_response(cors::open_to_all))
}

fn endpoint(role: Role) -> MethodRouter<Arc<Site>> {
    any(
        move |site, connection, Path(stream): Path<String>, request| {
            endpoint::handle(site, connection, stream, role, request)
        },
    )
}

fn session(role: Role) -> MethodRouter<Arc<Site>> {
    any(
        move |site, Path((stream, id)): Path<(String, String)>, request| {
            session::handle(site, stream, role, id, request)
        },
    )
}
