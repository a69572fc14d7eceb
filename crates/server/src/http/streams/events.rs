//! `/{stream}/whep/{session}/events`: who comes and goes, and which layers there are, as server-sent events (the extension
//! `server-sent-events` of draft-ietf-wish-whep).
//!
//! A viewer says by POST which events it wants and is told the address of its event stream. That
//! address cannot be guessed and is its only key: the `EventSource` of a page sends no token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::header::{ALLOW, LINK, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::sse::Sse;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use gateway::{Role, SessionId};
use protocol::base64url;
use protocol::problem::ProblemCode;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::super::refused::Refused;
use super::cors;
use super::endpoint::Endpoint;
use crate::site::Site;
use crate::udp_loop::SessionName;

mod reading;

use reading::Reading;

const REL: &str = "urn:ietf:params:whep:ext:core:server-sent-events";
/// As [`Kind`] reads them.
const KINDS: &str = "active,inactive,layers,reconnect,viewercount";
/// A list of these is no longer.
const MAX_LIST_BYTES: usize = 1024;

/// What a viewer may want to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Somebody publishes.
    Active,
    /// Nobody does any more.
    Inactive,
    /// Which layers its picture may be had in, and which one it gets.
    Layers,
    /// The viewer is to come again: the server stops, or layers are published that it cannot adapt
    /// to as it is.
    Reconnect,
    /// How many watch.
    ViewerCount,
}

/// The event stream of a session.
#[derive(Debug, Clone)]
struct EventStream {
    id: String,
    session: SessionName,
    kinds: Vec<Kind>,
    /// Cancelled when the viewer wants no more of it.
    ended: CancellationToken,
}

/// One event stream for each session at most.
#[derive(Debug, Default)]
pub(crate) struct EventStreams(Mutex<HashMap<SessionId, EventStream>>);

impl EventStreams {
    /// Takes the place of the one before.
    fn insert(&self, stream: EventStream) {
        let mut streams = self.0.lock().expect("no holder panics");
        if let Some(before) = streams.insert(stream.session.id, stream) {
            before.ended.cancel();
        }
    }

    fn find(&self, session: SessionId, id: &str) -> Option<EventStream> {
        let streams = self.0.lock().expect("no holder panics");
        streams
            .get(&session)
            .filter(|stream| stream.id == id)
            .cloned()
    }

    fn remove(&self, session: SessionId, id: &str) -> bool {
        let mut streams = self.0.lock().expect("no holder panics");
        let is_there = streams.get(&session).is_some_and(|stream| stream.id == id);
        if is_there && let Some(stream) = streams.remove(&session) {
            stream.ended.cancel();
        }
        is_there
    }

    fn sessions(&self) -> Vec<(SessionName, String)> {
        let streams = self.0.lock().expect("no holder panics");
        streams
            .values()
            .map(|stream| (stream.session.clone(), stream.id.clone()))
            .collect()
    }
}

/// Tells a viewer where it may ask for events.
pub(super) fn advertise(headers: &mut HeaderMap, session: &str) {
    let link = format!("<{session}/events>; rel=\"{REL}\"; events=\"{KINDS}\"");
    headers.append(
        LINK,
        HeaderValue::from_str(&link).expect("a path fits a header"),
    );
}

/// `…/events`: a list of events becomes an event stream.
pub(super) async fn handle(
    State(site): State<Arc<Site>>,
    Path((stream, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    match *request.method() {
        Method::OPTIONS => return Ok(cors::options()),
        Method::POST => {}
        _ => return Err(ProblemCode::MethodNotAllowed.into()),
    }
    let endpoint = Endpoint::of(&stream, Role::Watch)?;
    let uri = request.uri().clone();
    endpoint.authorize(&site, request.headers(), &uri).await?;
    let session = SessionId::parse(&id).ok_or_else(gone)?;
    let session = endpoint.session(session);
    if !site
        .media
        .has(session.clone())
        .await
        .map_err(Refused::stopped)?
    {
        return Err(gone());
    }
    let kinds = kinds(request).await?;
    sweep(&site).await?;
    let id = base64url::encode(&crate::random::bytes::<16>());
    let location = format!("{}/{id}", uri.path());
    let ended = CancellationToken::new();
    site.event_streams.insert(EventStream {
        id,
        session,
        kinds,
        ended,
    });
    Ok((StatusCode::CREATED, [(LOCATION, location)]).into_response())
}

/// `…/events/{id}`: the event stream.
pub(super) async fn handle_stream(
    State(site): State<Arc<Site>>,
    Path((_, session, id)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    let session = SessionId::parse(&session).ok_or_else(gone)?;
    match *request.method() {
        Method::OPTIONS => Ok(([(ALLOW, "GET, DELETE")], cors::options()).into_response()),
        Method::GET => {
            let stream = site.event_streams.find(session, &id).ok_or_else(gone)?;
            let follow = site.media.follow(session, stream.session.stream.clone());
            let followed = follow.await.map_err(Refused::stopped)?;
            let reading = Reading::new(Arc::clone(&site), stream, followed);
            Ok(Sse::new(stream::unfold(reading, Reading::next)).into_response())
        }
        Method::DELETE => match site.event_streams.remove(session, &id) {
            true => Ok(StatusCode::OK.into_response()),
            false => Err(gone()),
        },
        _ => Err(ProblemCode::MethodNotAllowed.into()),
    }
}

/// The events that a body lists; all of them where there is no body.
async fn kinds(request: Request) -> Result<Vec<Kind>, Refused> {
    let too_large = || {
        let detail = format!("more than {MAX_LIST_BYTES} bytes");
        Refused::because(ProblemCode::TooLarge, detail)
    };
    let body = Bytes::from_request(request, &())
        .await
        .map_err(|_| too_large())?;
    if body.len() > MAX_LIST_BYTES {
        return Err(too_large());
    }
    if body.is_empty() {
        return Ok(vec![
            Kind::Active,
            Kind::Inactive,
            Kind::Layers,
            Kind::Reconnect,
            Kind::ViewerCount,
        ]);
    }
    serde_json::from_slice(&body).map_err(|error| {
        let detail = format!("not a list of {KINDS}: {error}");
        Refused::because(ProblemCode::BadMessage, detail)
    })
}

/// Forgets the event streams of sessions that are over, once there are more than sessions may be.
async fn sweep(site: &Site) -> Result<(), Refused> {
    let streams = site.event_streams.sessions();
    if streams.len() < site.settings.limits.gateway_sessions {
        return Ok(());
    }
    for (session, id) in streams {
        let number = session.id;
        if !site.media.has(session).await.map_err(Refused::stopped)? {
            site.event_streams.remove(number, &id);
        }
    }
    Ok(())
}

fn gone() -> Refused {
    Refused::because(
        ProblemCode::NotFound,
        "no such session, or no such event stream of it",
    )
}
