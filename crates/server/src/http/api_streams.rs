//! `/api/streams`: the streams of the caller's account, and what a caller may do with one.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::{Extension, Json};
use protocol::http::streams::{PutStream, Stream, StreamAccess, Streams};
use protocol::problem::{Problem, ProblemCode};
use protocol::stream::{StreamAction, StreamName};
use serde::Deserialize;

use super::caller::AccountCaller;
use super::connection::Connection;
use super::host::host;
use super::json_body::JsonBody;
use super::path_id::PathId;
use super::refused::Refused;
use super::stream_caller::authorize;
use crate::site::Site;

/// The account's streams.
#[utoipa::path(get, path = "/api/streams", tag = "streams", security(("account" = [])),
    responses((status = 200, body = Streams), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
) -> Result<Json<Streams>, Refused> {
    let streams = site.control.streams(Some(&caller.token.account)).await?;
    Ok(Json(Streams { streams }))
}

/// Takes a name that nobody has, and says whether anybody may view its stream and whether it is
/// recorded.
#[utoipa::path(put, path = "/api/streams/{name}", tag = "streams", security(("account" = [])),
    request_body = PutStream,
    responses((status = 200, body = Stream), (status = "4XX", body = Problem)))]
pub(crate) async fn put(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(name): PathId<String>,
    JsonBody(body): JsonBody<PutStream>,
) -> Result<Json<Stream>, Refused> {
    // Somebody typed it: more than that there is no such path is due.
    let name = StreamName::parse(&name)
        .map_err(|error| Refused::because(ProblemCode::NameInvalid, error))?;
    let by = Some(&caller.token.account);
    let stream = site.control.put_stream(&name, by, &body).await?;
    Ok(Json(stream))
}

/// Gives a name up, and ends its shares.
#[utoipa::path(delete, path = "/api/streams/{name}", tag = "streams",
    security(("account" = [])),
    responses((status = 204), (status = "4XX", body = Problem)))]
pub(crate) async fn forget(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(name): PathId<StreamName>,
) -> Result<StatusCode, Refused> {
    let by = Some(&caller.token.account);
    site.control.forget_stream(&name, by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is asked for.
#[derive(Deserialize)]
struct Asked {
    action: StreamAction,
}

/// Whether the caller may publish to a stream, or view it, and what it gathers candidates with:
/// the same answer as WHIP and WHEP will give.
#[utoipa::path(get, path = "/api/streams/{name}/access", tag = "streams",
    security(("stream" = []), ("share" = []), ()),
    params(("action" = StreamAction, Query)),
    responses((status = 200, body = StreamAccess), (status = "4XX", body = Problem)))]
pub(crate) async fn access(
    State(site): State<Arc<Site>>,
    Extension(connection): Extension<Connection>,
    PathId(stream): PathId<StreamName>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Json<StreamAccess>, Refused> {
    let Query(Asked { action }) = Query::try_from_uri(&uri)
        .map_err(|error| Refused::because(ProblemCode::BadMessage, error))?;
    let caller = authorize(&site, &headers, &uri, &stream, action).await?;
    caller.vouch_for(&connection);
    let recording = site.control.recording_state(&stream).await?;
    let ice_servers = caller.ice_servers(&site, host(&headers), connection.peer.ip(), &stream);
    Ok(Json(StreamAccess {
        stream,
        action,
        ice_servers,
        recording,
    }))
}
