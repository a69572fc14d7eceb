//! `POST /{stream}/whip` and `/whep`: an offer becomes a session.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use gateway::{Answer, MAX_SDP_BYTES, NewSession, OfferError, Role, SessionId};
use protocol::problem::{Problem, ProblemCode};
use protocol::stream::{StreamAction, StreamName};

use super::super::connection::Connection;
use super::super::host::host;
use super::super::refused::Refused;
use super::super::stream_caller::{self, StreamCaller};
use super::{ACCEPT_PATCH, ACCEPT_POST, FRAGMENT, SDP, cors, events, ice_link, layers};
use crate::edges::NotPulled;
use crate::site::Site;
use crate::udp_loop::SessionName;

/// When a player looks again whether somebody publishes.
const NOTHING_PUBLISHED_RETRY: Duration = Duration::from_secs(2);
/// When there may be room again.
const FULL_RETRY: Duration = Duration::from_secs(10);

/// A stream and what is done with it, as a path says it.
pub(super) struct Endpoint {
    pub(super) stream: StreamName,
    pub(super) role: Role,
}

impl Endpoint {
    /// # Errors
    /// `not-found` where the path is none of a stream.
    pub(super) fn of(stream: &str, role: Role) -> Result<Self, Refused> {
        let stream = StreamName::parse(stream)
            .map_err(|error| Refused::because(ProblemCode::NotFound, error))?;
        Ok(Self { stream, role })
    }

    /// # Errors
    /// Why this request may not do what the path is for.
    pub(super) async fn authorize(
        &self,
        site: &Site,
        headers: &HeaderMap,
        uri: &Uri,
    ) -> Result<StreamCaller, Refused> {
        let action = match self.role {
            Role::Publish => StreamAction::Publish,
            Role::Watch => StreamAction::View,
        };
        stream_caller::authorize(site, headers, uri, &self.stream, action).await
    }

    pub(super) fn session(&self, id: SessionId) -> SessionName {
        SessionName {
            id,
            stream: self.stream.clone(),
            role: self.role,
        }
    }
}

pub(super) async fn handle(
    State(site): State<Arc<Site>>,
    Extension(connection): Extension<Connection>,
    stream: String,
    role: Role,
    request: Request,
) -> Result<Response, Refused> {
    let endpoint = Endpoint::of(&stream, role)?;
    match *request.method() {
        Method::POST => open(&site, &connection, &endpoint, request).await,
        Method::OPTIONS => Ok(cors::options()),
        Method::GET | Method::HEAD => Ok(described(&endpoint)),
        _ => Err(ProblemCode::MethodNotAllowed.into()),
    }
}

/// What stands at the endpoint for those who only look (RFC 9725 §4.2).
fn described(endpoint: &Endpoint) -> Response {
    let head = [
        (ACCEPT_POST, SDP),
        (CONTENT_TYPE, SDP),
        (ALLOW, "POST, OPTIONS, GET, HEAD"),
    ];
    // What a HEAD of WHEP promises is what its POST brings (draft-ietf-wish-whep §4).
    let status = match endpoint.role {
        Role::Publish => StatusCode::NO_CONTENT,
        Role::Watch => StatusCode::OK,
    };
    (status, head).into_response()
}

async fn open(
    site: &Site,
    connection: &Connection,
    endpoint: &Endpoint,
    request: Request,
) -> Result<Response, Refused> {
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let caller = endpoint.authorize(site, &headers, &uri).await?;
    caller.vouch_for(connection);
    let (host, client) = (host(&headers), connection.peer.ip());
    let sdp = text(request, SDP).await?;
    let id = SessionId(crate::random::bytes());
    let new = NewSession {
        id,
        stream: endpoint.stream.clone(),
        role: endpoint.role,
        holders: caller.holders(),
        until: caller.left().map(|left| Instant::now() + left),
        external: site.media_external.current(Instant::now()).await,
    };
    let answer = answered(site, new, sdp, &headers).await?;
    // Revoked in between, it was not there to be ended: one of the two always sees the other.
    if let Err(refused) = endpoint.authorize(site, &headers, &uri).await {
        let ended = site.media.delete(endpoint.session(id)).await;
        ended.map_err(Refused::stopped)?;
        return Err(refused);
    }
    tracing::info!(session = %id, stream = %endpoint.stream, caller = caller.kind(), "session opened");
    let location = format!("{}/{id}", uri.path());
    let via = site.edges.via(&endpoint.stream, &headers).await;
    Ok(opened(&answer, &location, |headers| {
        if endpoint.role == Role::Watch {
            headers.extend(via);
            events::advertise(headers, &location);
            layers::advertise(headers, &location);
        }
        ice_link::append(
            headers,
            &caller.ice_servers(site, host, client, &endpoint.stream),
        );
    }))
}

/// The gateway's answer; where nobody publishes here, once the stream is pulled from elsewhere.
async fn answered(
    site: &Site,
    new: NewSession,
    sdp: String,
    headers: &HeaderMap,
) -> Result<Answer, Refused> {
    let (stream, edges) = (&new.stream, &site.edges);
    if new.role == Role::Watch {
        edges.check(stream, headers).await.map_err(not_pulled)?;
    }
    let ask = || site.media.offer(new.clone(), sdp.clone());
    let answer = ask().await.map_err(Refused::stopped)?;
    if answer != Err(OfferError::NothingPublished) {
        return answer.map_err(refused);
    }
    edges.pull(stream, headers).await.map_err(not_pulled)?;
    ask().await.map_err(Refused::stopped)?.map_err(refused)
}

/// 201 with an answer, or 406 with an offer of ours and how long it is valid
/// (draft-ietf-wish-whep, "Server Sends Counter-Offer").
fn opened(answer: &Answer, location: &str, links: impl FnOnce(&mut HeaderMap)) -> Response {
    let valid_until = httpdate::fmt_http_date(SystemTime::now() + gateway::CONNECT_WITHIN);
    let (status, content_type, patches) = match answer.is_counter_offer {
        false => (StatusCode::CREATED, SDP.to_owned(), FRAGMENT.to_owned()),
        true => (
            StatusCode::NOT_ACCEPTABLE,
            format!("{SDP}; valid-until=\"{valid_until}\""),
            format!("{SDP}, {FRAGMENT}"),
        ),
    };
    let head = [
        (CONTENT_TYPE, content_type.as_str()),
        (ACCEPT_PATCH, patches.as_str()),
        (LOCATION, location),
    ];
    let mut response = (status, head, answer.sdp.clone()).into_response();
    let headers = response.headers_mut();
    headers.insert(ETAG, etag(&answer.tag));
    links(headers);
    response
}

/// A strong entity tag (RFC 9110 §8.8.3).
pub(super) fn etag(tag: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{tag}\"")).expect("ICE characters fit a header")
}

/// Its media type without parameters; empty where it names none.
fn essence(headers: &HeaderMap) -> &str {
    let given = headers.get(CONTENT_TYPE);
    let given = given.and_then(|value| value.to_str().ok()).unwrap_or("");
    given.split(';').next().unwrap_or("").trim()
}

pub(super) fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    essence(headers).eq_ignore_ascii_case(media_type)
}

/// The body, where it is text of this type.
pub(super) async fn text(request: Request, media_type: &str) -> Result<String, Refused> {
    if !is_of_type(request.headers(), media_type) {
        let essence = essence(request.headers());
        let detail = format!("\"{essence}\" is not {media_type}");
        return Err(Refused::because(ProblemCode::UnsupportedMediaType, detail));
    }
    let body = Bytes::from_request(request, &())
        .await
        .map_err(|_| too_large())?;
    if body.len() > MAX_SDP_BYTES {
        return Err(too_large());
    }
    String::from_utf8(body.into())
        .map_err(|_| Refused::because(ProblemCode::OfferMalformed, "not UTF-8"))
}

fn too_large() -> Refused {
    Refused::because(
        ProblemCode::TooLarge,
        format!("more than {MAX_SDP_BYTES} bytes"),
    )
}

fn refused(error: OfferError) -> Refused {
    match &error {
        OfferError::Malformed(_) => Refused::because(ProblemCode::OfferMalformed, &error),
        OfferError::Unsupported(_) => Refused::because(ProblemCode::OfferUnsupported, &error),
        OfferError::NothingPublished => waits(
            ProblemCode::NothingPublished,
            &error,
            NOTHING_PUBLISHED_RETRY,
        ),
        OfferError::TooManySessions { .. } => waits(ProblemCode::Unavailable, &error, FULL_RETRY),
    }
}

fn not_pulled(why: NotPulled) -> Refused {
    waits(ProblemCode::NothingPublished, &why, NOTHING_PUBLISHED_RETRY)
}

fn waits(code: ProblemCode, why: &impl ToString, wait: Duration) -> Refused {
    let problem = Problem::new(code).with_detail(why.to_string());
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    Refused::from(problem.with_retry_after_ms(wait_ms))
}
