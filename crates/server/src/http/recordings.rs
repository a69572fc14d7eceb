//! Recordings over HTTP: the list, HLS (RFC 8216) of the segments as they lie, a film of many.
//!
//! Whoever may view a stream may view its recordings, since its account has the name. `playlist.rs`
//! writes playlists, `file.rs` answers with parts of files.

use std::io;
use std::ops::Bound;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream;
use protocol::http::recordings::{
    DeletedRecordings, MAX_SPANS, RecordedSpan, RecordingState, Recordings, Ticket,
};
use protocol::id::AccountId;
use protocol::problem::{Problem, ProblemCode};
use protocol::stream::{StreamAction, StreamName};
use serde::Deserialize;
use utoipa::IntoParams;

use super::caller::AccountCaller;
use super::path_id::PathId;
use super::refused::Refused;
use super::stream_caller::authorize;
use crate::control::Control;
use crate::recording::{Export, Segment};
use crate::site::Site;

mod file;
mod playlist;

/// The most segments of a playlist or a film: a day of them.
const MAX_SEGMENTS: usize = 10_000;
/// Segments that are so close together, in milliseconds, are one span.
const SPAN_GAP_MS: u64 = 1000;

/// A part of a stream's time.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Range {
    /// From this Unix millisecond on.
    from: Option<u64>,
    /// Up to this one.
    to: Option<u64>,
}

impl Range {
    /// # Errors
    /// `bad-message` where the query is another.
    fn of(uri: &Uri) -> Result<Self, Refused> {
        let range = Query::try_from_uri(uri);
        let Query(range) =
            range.map_err(|error| Refused::because(ProblemCode::BadMessage, error))?;
        Ok(range)
    }

    /// The segments of which a part is within it, and which the stream's account recorded.
    async fn segments(
        self,
        control: &Control,
        stream: &StreamName,
    ) -> Result<Vec<Segment>, Refused> {
        let since_ms = control.recorded_since(stream).await?;
        let from = self.from.unwrap_or(0);
        let to = self.to.map_or(Bound::Unbounded, Bound::Excluded);
        if self.to.is_some_and(|to| to <= since_ms) {
            return Ok(Vec::new());
        }
        let since = Bound::Included(since_ms);
        let segments = control.recordings()?.segments(stream, (since, to));
        let is_within = |segment: &Segment| segment.end_ms() > from;
        Ok(segments.into_iter().filter(is_within).collect())
    }

    /// Both its ends.
    ///
    /// # Errors
    /// `bad-message` where one is not said.
    fn ends(self) -> Result<std::ops::Range<u64>, Refused> {
        match (self.from, self.to) {
            (Some(from), Some(to)) => Ok(from..to),
            _ => {
                let detail = "from and to say what is deleted";
                Err(Refused::because(ProblemCode::BadMessage, detail))
            }
        }
    }
}

/// HLS and films.
pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/{stream}/hls/{file}", get(hls))
        .route("/{stream}/recording.mp4", get(film))
}

/// What is recorded of a stream, and whether it is at this moment.
#[utoipa::path(get, path = "/api/streams/{name}/recordings", tag = "recordings",
    security(("stream" = []), ("share" = []), ()), params(Range),
    responses((status = 200, body = Recordings), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(site): State<Arc<Site>>,
    PathId(stream): PathId<StreamName>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Json<Recordings>, Refused> {
    authorize(&site, &headers, &uri, &stream, StreamAction::View).await?;
    Ok(Json(listed(&site.control, &stream, &uri).await?))
}

/// What is recorded of a stream in the time that a query names.
pub(crate) async fn listed(
    control: &Control,
    stream: &StreamName,
    uri: &Uri,
) -> Result<Recordings, Refused> {
    let segments = Range::of(uri)?.segments(control, stream).await?;
    let mut spans = spans(&segments);
    let surplus = spans.len().saturating_sub(MAX_SPANS);
    spans.drain(..surplus);
    let state = control.recording_state(stream).await?;
    Ok(Recordings { state, spans })
}

fn spans(segments: &[Segment]) -> Vec<RecordedSpan> {
    let mut spans: Vec<RecordedSpan> = Vec::new();
    for segment in segments {
        let (from, to, bytes) = (segment.start_ms, segment.end_ms(), segment.bytes);
        match spans.last_mut() {
            Some(last) if from <= last.to + SPAN_GAP_MS => {
                last.to = last.to.max(to);
                last.bytes += bytes;
            }
            _ => spans.push(RecordedSpan { from, to, bytes }),
        }
    }
    spans
}

/// Deletes the segments that begin in a range.
#[utoipa::path(delete, path = "/api/streams/{name}/recordings", tag = "recordings",
    security(("account" = [])), params(Range),
    responses((status = 200, body = DeletedRecordings), (status = "4XX", body = Problem)))]
pub(crate) async fn delete(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(stream): PathId<StreamName>,
    uri: Uri,
) -> Result<Json<DeletedRecordings>, Refused> {
    let by = Some(&caller.token.account);
    Ok(Json(deleted(&site.control, &stream, by, &uri).await?))
}

/// Deletes what begins in the time that a query names; by the operator (`None`) of any stream.
pub(crate) async fn deleted(
    control: &Control,
    stream: &StreamName,
    by: Option<&AccountId>,
    uri: &Uri,
) -> Result<DeletedRecordings, Refused> {
    let range = Range::of(uri)?.ends()?;
    let deleted = control.delete_recordings(stream, by, range).await?;
    Ok(DeletedRecordings { deleted })
}

/// Lets a link without a bearer token load a film, soon.
#[utoipa::path(post, path = "/api/streams/{name}/recordings/ticket", tag = "recordings",
    security(("stream" = []), ("share" = []), ()),
    responses((status = 200, body = Ticket), (status = "4XX", body = Problem)))]
pub(crate) async fn ticket(
    State(site): State<Arc<Site>>,
    PathId(stream): PathId<StreamName>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Json<Ticket>, Refused> {
    authorize(&site, &headers, &uri, &stream, StreamAction::View).await?;
    let ticket = site.tickets.issue(&stream, crate::clock::unix_now_ms());
    Ok(Json(Ticket { ticket }))
}

/// `/{stream}/hls/index.m3u8` and `/{stream}/hls/START.mp4`.
async fn hls(
    State(site): State<Arc<Site>>,
    Path((stream, file)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refused> {
    let stream = named(&stream)?;
    authorize(&site, &headers, &uri, &stream, StreamAction::View).await?;
    if file == "index.m3u8" {
        return playlist(&site, &stream, Range::of(&uri)?).await;
    }
    let start_ms: Option<u64> = file
        .strip_suffix(".mp4")
        .and_then(|start| start.parse().ok());
    let start_ms = start_ms.ok_or(ProblemCode::NotFound)?;
    let since_ms = site.control.recorded_since(&stream).await?;
    let found = site.recordings.find(&stream, start_ms);
    let (path, segment) = found
        .filter(|(_, segment)| segment.start_ms >= since_ms)
        .ok_or(ProblemCode::NotFound)?;
    let response = file::respond(&path, segment.bytes, &headers).await?;
    response.ok_or_else(|| {
        site.recordings.forget(&stream, start_ms);
        ProblemCode::NotFound.into()
    })
}

async fn playlist(site: &Site, stream: &StreamName, range: Range) -> Result<Response, Refused> {
    let mut segments = range.segments(&site.control, stream).await?;
    if range.from.is_none() {
        // The latest run: what is live, or was last.
        let run = segments.last().map(|segment| segment.run_ms);
        segments.retain(|segment| Some(segment.run_ms) == run);
    }
    check_count(&segments)?;
    if segments.is_empty() {
        return Err(nothing_recorded());
    }
    let state = site.control.recording_state(stream).await?;
    let grows = range.to.is_none() && state == RecordingState::Recording;
    let head = [
        (CONTENT_TYPE, "application/vnd.apple.mpegurl"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((head, playlist::write(&segments, grows)).into_response())
}

/// `/{stream}/recording.mp4`: a span as one film.
async fn film(
    State(site): State<Arc<Site>>,
    Path(stream): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refused> {
    #[derive(Deserialize)]
    struct Ticketed {
        ticket: Option<String>,
    }
    let stream = named(&stream)?;
    let ticketed = Query::<Ticketed>::try_from_uri(&uri);
    match ticketed.ok().and_then(|Query(query)| query.ticket) {
        Some(ticket) => {
            let now_ms = crate::clock::unix_now_ms();
            let serves = site.tickets.serves(&stream, &ticket, now_ms);
            serves.then_some(()).ok_or(ProblemCode::Unauthorized)?;
        }
        None => drop(authorize(&site, &headers, &uri, &stream, StreamAction::View).await?),
    }
    let segments = Range::of(&uri)?.segments(&site.control, &stream).await?;
    check_count(&segments)?;
    let begin_ms = segments.first().ok_or_else(nothing_recorded)?.start_ms;
    let recordings = site.recordings.clone();
    let name = stream.clone();
    let export = tokio::task::spawn_blocking(move || recordings.export(&name, segments)).await;
    let export = export.map_err(|error| Refused::internal(&error))?;
    let export = export.map_err(|error| Refused::internal(&error))?;
    // Letters, digits, - and _ need no quoting beyond this (RFC 6266 §4.3).
    let name = format!("attachment; filename=\"{stream}-{begin_ms}.mp4\"");
    let mut response = Body::from_stream(stream::try_unfold(export, next)).into_response();
    let head = response.headers_mut();
    head.insert(CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
    head.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let name = HeaderValue::from_str(&name).expect("the name is ASCII");
    head.insert(CONTENT_DISPOSITION, name);
    Ok(response)
}

/// The next part of a film, read where reading may wait.
async fn next(mut export: Export) -> io::Result<Option<(Bytes, Export)>> {
    let read = tokio::task::spawn_blocking(move || {
        let part = export.next()?;
        Ok(part.map(|part| (Bytes::from(part), export)))
    });
    read.await.map_err(io::Error::other)?
}

fn named(stream: &str) -> Result<StreamName, Refused> {
    StreamName::parse(stream).map_err(|error| Refused::because(ProblemCode::NotFound, error))
}

fn check_count(segments: &[Segment]) -> Result<(), Refused> {
    if segments.len() > MAX_SEGMENTS {
        let detail = format!("more than {MAX_SEGMENTS} segments: ask for a shorter span");
        return Err(Refused::because(ProblemCode::BadMessage, detail));
    }
    Ok(())
}

fn nothing_recorded() -> Refused {
    Refused::because(ProblemCode::NotFound, "nothing is recorded there")
}
