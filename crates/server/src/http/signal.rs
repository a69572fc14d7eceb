//! `GET /api/signal`: a device with a link token meets the other one of its pair.
//!
//! From here the socket goes to `signalling_loop`; whether device and pair still stand is asked
//! of the registry once the hub knows the socket, so that no revocation slips in between.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use protocol::problem::{Problem, ProblemCode};

use super::host::host;
use super::refused::Refused;
use crate::clock::unix_now;
use crate::signalling_loop::{Handshake, Stopped, bearer};
use crate::site::{Site, link_grant};

/// A WebSocket between the two devices of a pair.
///
/// The token may also stand among the subprotocols.
#[utoipa::path(get, path = "/api/signal", tag = "links", security(("link" = [])),
    responses((status = 101), (status = "4XX", body = Problem)))]
pub(crate) async fn open(
    State(site): State<Arc<Site>>,
    mut request: Request,
) -> Result<Response, Refused> {
    let handshake = Handshake::from_request(&mut request, |origin| site.origin_allowed(origin))?;
    let token = bearer(request.headers(), request.uri())?.ok_or(ProblemCode::Unauthorized)?;
    let token = site.verify_token(token)?;
    let grant = link_grant(&token, unix_now(), Instant::now());
    let grant =
        grant.ok_or_else(|| Refused::because(ProblemCode::WrongScope, "a link token is due"))?;
    handshake.authenticated();
    let socket = site
        .signalling
        .open_link(grant, host(request.headers()))
        .await?;
    Ok(handshake.complete(socket))
}

impl From<Stopped> for Refused {
    fn from(stopped: Stopped) -> Self {
        Refused::because(ProblemCode::Unavailable, stopped)
    }
}
