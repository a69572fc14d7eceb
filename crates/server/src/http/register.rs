//! `GET /ws`: sender and receivers of an open room, where the settings allow such rooms.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Query, Request, State};
use axum::response::Response;
use protocol::id::DeviceId;
use protocol::problem::{Problem, ProblemCode};
use serde::Deserialize;
use signalling::RegisterGrant;

use super::host::host;
use super::refused::Refused;
use crate::clock::unix_now;
use crate::signalling_loop::{Handshake, bearer};
use crate::site::Site;

/// The room of those who name none.
const DEFAULT_ROOM: &str = "default";
/// The longest name of a room, in bytes.
const MAX_ROOM_BYTES: usize = 64;

#[derive(Deserialize)]
struct Named {
    room: Option<String>,
}

/// A WebSocket in the sender and receiver dialect, where open rooms are allowed.
#[utoipa::path(get, path = "/ws", tag = "links", security(()),
    params(("room" = Option<String>, Query)),
    responses((status = 101), (status = "4XX", body = Problem)))]
pub(crate) async fn open(
    State(site): State<Arc<Site>>,
    mut request: Request,
) -> Result<Response, Refused> {
    let handshake = Handshake::from_request(&mut request, |origin| site.origin_allowed(origin))?;
    bearer(request.headers(), request.uri())?;
    if !site.settings.open_rooms {
        let detail = "rooms without a share are closed here (signalling.open_rooms)";
        return Err(Refused::because(ProblemCode::Unauthorized, detail));
    }
    let room = room(&request)?;
    let (ice_servers, _) = site.ice_servers(host(request.headers()), &guest(&room), unix_now());
    let grant = RegisterGrant {
        room,
        may_send: true,
        may_receive: true,
        ice_servers,
    };
    let socket = site.signalling.open_register(grant).await?;
    Ok(handshake.complete(socket))
}

fn room(request: &Request) -> Result<String, Refused> {
    let named: Query<Named> = Query::try_from_uri(request.uri())
        .map_err(|error| Refused::because(ProblemCode::BadMessage, error))?;
    let room = named.0.room.filter(|room| !room.is_empty());
    let room = room.unwrap_or_else(|| DEFAULT_ROOM.to_owned());
    if room.len() > MAX_ROOM_BYTES {
        let detail = format!("room has more than {MAX_ROOM_BYTES} bytes");
        return Err(Refused::because(ProblemCode::BadMessage, detail));
    }
    Ok(room)
}

/// Whom a room's relay credentials are counted for: all its guests are one.
fn guest(room: &str) -> DeviceId {
    let hash = digest(&SHA256, format!("heliograph-room-v1 {room}").as_bytes());
    DeviceId::from_bytes(hash.as_ref().try_into().expect("SHA-256 has 32 bytes"))
}
