//! `GET /api/server`, `/healthz`, `/readyz`: what anybody may know.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use protocol::http::ServerInfo;
use protocol::problem::{Problem, ProblemCode};

use super::refused::Refused;
use crate::clock::unix_now_ms;
use crate::site::Site;

/// Name, version, origins and clock of this server.
#[utoipa::path(get, path = "/api/server", tag = "server", security(()),
    responses((status = 200, body = ServerInfo)))]
pub(crate) async fn info(State(site): State<Arc<Site>>) -> Result<Json<ServerInfo>, Refused> {
    Ok(Json(ServerInfo {
        name: "heliograph".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        origins: site.origins.all().map(str::to_owned).collect(),
        invite_origin: site.origins.invite().to_owned(),
        now: unix_now_ms(),
        set_up: site.control.is_set_up().await?,
        open_rooms: site.settings.open_rooms,
    }))
}

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "server", security(()), responses((status = 200, body = str)))]
pub(crate) async fn health() -> &'static str {
    "ok"
}

/// The process can do its work: its registry answers and it is not stopping.
#[utoipa::path(get, path = "/readyz", tag = "server", security(()),
    responses((status = 200, body = str), (status = 503, body = Problem)))]
pub(crate) async fn ready(State(site): State<Arc<Site>>) -> Result<&'static str, Refused> {
    if site.draining.is_cancelled() {
        return Err(ProblemCode::Unavailable.into());
    }
    site.control
        .is_set_up()
        .await
        .map_err(|_| Refused::from(ProblemCode::Unavailable))?;
    Ok("ok")
}
