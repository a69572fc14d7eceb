//! `/v3/paths/…` and `/v3/webrtcsessions/…`: the streams that are live, in the shape that camera
//! tools read.
//!
//! An admin sees every stream, a member those of its own account.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use gateway::{Codec, PathState, SessionId, SessionState};
use protocol::http::{Role, StreamPath, StreamPathEnd, StreamPaths};
use protocol::problem::{Problem, ProblemCode};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::caller::AccountCaller;
use super::path_id::PathId;
use super::refused::Refused;
use crate::site::Site;

const ITEMS_PER_PAGE: usize = 100;
const MAX_ITEMS_PER_PAGE: usize = 1000;

/// Which part of the list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Counted from 0.
    page: Option<usize>,
    /// 1 to 1000, 100 by default.
    items_per_page: Option<usize>,
}

/// The streams that are live or waited for.
#[utoipa::path(get, path = "/v3/paths/list", tag = "streams", security(("account" = [])),
    params(Page),
    responses((status = 200, body = StreamPaths), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    uri: Uri,
) -> Result<Json<StreamPaths>, Refused> {
    let paths = visible(&site, &caller).await?;
    Ok(Json(paged(paths, &uri)?))
}

/// The part of the list that the query asks for.
pub(super) fn paged(paths: Vec<PathState>, uri: &Uri) -> Result<StreamPaths, Refused> {
    let Query(page) = Query::<Page>::try_from_uri(uri)
        .map_err(|error| Refused::because(ProblemCode::BadMessage, error))?;
    let per_page = page.items_per_page.unwrap_or(ITEMS_PER_PAGE);
    let per_page = per_page.clamp(1, MAX_ITEMS_PER_PAGE);
    let item_count = paths.len();
    let first = page.page.unwrap_or(0).saturating_mul(per_page);
    let items = paths.into_iter().skip(first).take(per_page).map(told);
    Ok(StreamPaths {
        item_count,
        page_count: item_count.div_ceil(per_page),
        items: items.collect(),
    })
}

/// One of them.
#[utoipa::path(get, path = "/v3/paths/get/{name}", tag = "streams", security(("account" = [])),
    responses((status = 200, body = StreamPath), (status = "4XX", body = Problem)))]
pub(crate) async fn find(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(name): PathId<String>,
) -> Result<Json<StreamPath>, Refused> {
    let paths = visible(&site, &caller).await?;
    named(paths, &name).map(Json)
}

/// The path of this name.
pub(super) fn named(paths: Vec<PathState>, name: &str) -> Result<StreamPath, Refused> {
    let path = paths.into_iter().find(|path| path.name == name);
    path.map(told).ok_or_else(|| ProblemCode::NotFound.into())
}

/// Ends a session, of a publisher or of a viewer.
#[utoipa::path(post, path = "/v3/webrtcsessions/kick/{id}", tag = "streams",
    security(("account" = [])),
    responses((status = 200), (status = "4XX", body = Problem)))]
pub(crate) async fn kick(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(id): PathId<String>,
) -> Result<StatusCode, Refused> {
    let id = SessionId::parse(&id).ok_or(ProblemCode::NotFound)?;
    let paths = visible(&site, &caller).await?;
    let is_there = paths.iter().flat_map(ends).any(|end| end.id == id);
    if !is_there || !site.media.kick(id).await.map_err(Refused::stopped)? {
        return Err(ProblemCode::NotFound.into());
    }
    Ok(StatusCode::OK)
}

async fn visible(site: &Site, caller: &AccountCaller) -> Result<Vec<PathState>, Refused> {
    let mut paths = site.media.paths().await.map_err(Refused::stopped)?;
    if caller.role == Role::Member {
        let own = site.control.streams(Some(&caller.token.account)).await?;
        let own: BTreeSet<String> = own.into_iter().map(|own| own.name.to_string()).collect();
        paths.retain(|path| own.contains(&path.name));
    }
    Ok(paths)
}

fn ends(path: &PathState) -> impl Iterator<Item = &SessionState> {
    path.source.iter().chain(&path.readers)
}

fn told(path: PathState) -> StreamPath {
    let ready_time = path.source.as_ref().and_then(|source| source.connected_at);
    StreamPath {
        conf_name: path.name.clone(),
        ready: path.source.is_some(),
        ready_time: ready_time.and_then(at_the_clock),
        tracks: path.codecs.iter().map(|codec| word(*codec)).collect(),
        bytes_received: path.source.as_ref().map_or(0, |it| it.received_bytes),
        bytes_sent: path.readers.iter().map(|reader| reader.sent_bytes).sum(),
        source: path.source.as_ref().map(end),
        readers: path.readers.iter().map(end).collect(),
        name: path.name,
    }
}

fn end(session: &SessionState) -> StreamPathEnd {
    StreamPathEnd {
        kind: "webRTCSession".to_owned(),
        id: session.id.to_string(),
    }
}

fn word(codec: Codec) -> String {
    match codec {
        Codec::Opus => "Opus",
        Codec::H264 => "H264",
        Codec::Vp8 => "VP8",
        Codec::Vp9 => "VP9",
        Codec::Av1 => "AV1",
        _ => "unknown",
    }
    .to_owned()
}

/// RFC 3339.
fn at_the_clock(instant: Instant) -> Option<String> {
    let time = SystemTime::now().checked_sub(instant.elapsed())?;
    OffsetDateTime::from(time).format(&Rfc3339).ok()
}
