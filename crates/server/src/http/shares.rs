//! Shares: made, listed and ended by a stream's account, opened by whoever has the code.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::{Extension, Json};
use identity::ShareCode;
use protocol::http::streams::{CreatedShare, NewShare, OpenedShare, Shares};
use protocol::id::ShareId;
use protocol::problem::{Problem, ProblemCode};
use protocol::stream::StreamName;

use super::caller::AccountCaller;
use super::connection::Connection;
use super::host::host;
use super::json_body::JsonBody;
use super::path_id::PathId;
use super::refused::Refused;
use super::stream_caller::StreamCaller;
use crate::signalling_loop::bearer;
use crate::site::Site;

/// Makes a share; its code is in this reply and nowhere else.
#[utoipa::path(post, path = "/api/streams/{name}/shares", tag = "streams",
    security(("account" = [])), request_body = NewShare,
    responses((status = 201, body = CreatedShare), (status = "4XX", body = Problem)))]
pub(crate) async fn create(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(stream): PathId<StreamName>,
    JsonBody(asked): JsonBody<NewShare>,
) -> Result<(StatusCode, Json<CreatedShare>), Refused> {
    let by = Some(&caller.token.account);
    let made = site.control.create_share(&stream, by, asked).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// The stream's shares that serve.
#[utoipa::path(get, path = "/api/streams/{name}/shares", tag = "streams",
    security(("account" = [])),
    responses((status = 200, body = Shares), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(stream): PathId<StreamName>,
) -> Result<Json<Shares>, Refused> {
    let by = Some(&caller.token.account);
    let shares = site.control.shares(&stream, by).await?;
    Ok(Json(Shares { shares }))
}

/// Ends a share at once.
#[utoipa::path(delete, path = "/api/streams/{name}/shares/{id}", tag = "streams",
    security(("account" = [])),
    responses((status = 204), (status = "4XX", body = Problem)))]
pub(crate) async fn revoke(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId((stream, share)): PathId<(StreamName, ShareId)>,
) -> Result<StatusCode, Refused> {
    let by = Some(&caller.token.account);
    site.control.revoke_share(&stream, &share, by).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the code in `Authorization` opens.
#[utoipa::path(get, path = "/api/share", tag = "streams", security(("share" = [])),
    responses((status = 200, body = OpenedShare), (status = "4XX", body = Problem)))]
pub(crate) async fn opened(
    State(site): State<Arc<Site>>,
    Extension(connection): Extension<Connection>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Json<OpenedShare>, Refused> {
    let code = bearer(&headers, &uri)?.ok_or(ProblemCode::Unauthorized)?;
    let code = ShareCode::parse(code).ok_or(ProblemCode::ShareUnknown)?;
    let share = site.control.open_share(&code).await?;
    let holder = StreamCaller::Share {
        share: share.id,
        expires_ms: share.expires_ms,
    };
    holder.vouch_for(&connection);
    let ice_servers =
        holder.ice_servers(&site, host(&headers), connection.peer.ip(), &share.stream);
    Ok(Json(OpenedShare {
        stream: share.stream,
        action: share.action,
        expires_at: share.expires_ms,
        ice_servers,
    }))
}
