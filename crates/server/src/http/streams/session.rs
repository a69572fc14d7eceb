//! `/{stream}/whip/{session}` and `/whep/{session}`: trickle, restart, end (RFC 9725 §4.3, §4.5),
//! and a viewer's answer to an offer of ours (draft-ietf-wish-whep, 406).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use gateway::{PatchError, Patched, Role, SessionId};
use protocol::problem::ProblemCode;

use super::super::refused::Refused;
use super::endpoint::{Endpoint, etag, is_of_type, text};
use super::{FRAGMENT, SDP, cors};
use crate::site::Site;
use crate::udp_loop::{OwnTag, SessionName};

pub(super) async fn handle(
    State(site): State<Arc<Site>>,
    stream: String,
    role: Role,
    id: String,
    request: Request,
) -> Result<Response, Refused> {
    let endpoint = Endpoint::of(&stream, role)?;
    if request.method() == Method::OPTIONS {
        return Ok(cors::options());
    }
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    endpoint.authorize(&site, &headers, &uri).await?;
    let id = SessionId::parse(&id).ok_or_else(gone)?;
    let session = endpoint.session(id);
    match *request.method() {
        Method::PATCH => patch(&site, session, request).await,
        Method::DELETE => delete(&site, session).await,
        Method::GET | Method::HEAD => {
            let is_there = site.media.has(session).await.map_err(Refused::stopped)?;
            is_there
                .then(|| StatusCode::NO_CONTENT.into_response())
                .ok_or_else(gone)
        }
        _ => Err(ProblemCode::MethodNotAllowed.into()),
    }
}

async fn patch(site: &Site, session: SessionName, request: Request) -> Result<Response, Refused> {
    if session.role == Role::Watch && is_of_type(request.headers(), SDP) {
        let sdp = text(request, SDP).await?;
        let answered = site.media.answered(session, sdp).await;
        answered.map_err(Refused::stopped)?.map_err(refused)?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let tag = tag(request.headers());
    let fragment = text(request, FRAGMENT).await?;
    let patched = site.media.patch(session, tag, fragment).await;
    match patched.map_err(Refused::stopped)?.map_err(refused)? {
        Patched::Trickled => Ok(StatusCode::NO_CONTENT.into_response()),
        Patched::Restarted { fragment, tag } => {
            let head = [(CONTENT_TYPE, FRAGMENT)];
            let mut response = (StatusCode::OK, head, fragment).into_response();
            response.headers_mut().insert(ETAG, etag(&tag));
            Ok(response)
        }
    }
}

async fn delete(site: &Site, session: SessionName) -> Result<Response, Refused> {
    let was_there = site.media.delete(session).await.map_err(Refused::stopped)?;
    was_there
        .then(|| StatusCode::OK.into_response())
        .ok_or_else(gone)
}

/// `If-Match`: one strong tag, or `*`, which some clients put between quotes.
fn tag(headers: &HeaderMap) -> Option<OwnTag> {
    let value = headers.get(IF_MATCH)?.to_str().ok()?.trim();
    Some(match value {
        "*" | "\"*\"" => OwnTag::Any,
        tag => OwnTag::Exact(tag.trim_matches('"').to_owned()),
    })
}

fn refused(error: PatchError) -> Refused {
    match &error {
        PatchError::NoSession => gone(),
        PatchError::Untagged => ProblemCode::PreconditionRequired.into(),
        PatchError::Stale => Refused::because(ProblemCode::PreconditionFailed, &error),
        PatchError::Malformed(_) | PatchError::Answer(_) => {
            Refused::because(ProblemCode::OfferMalformed, &error)
        }
        PatchError::NotOffered => Refused::because(ProblemCode::Conflict, &error),
        PatchError::NotRestartable => Refused::because(ProblemCode::RestartUnsupported, &error),
    }
}

fn gone() -> Refused {
    Refused::because(ProblemCode::NotFound, "no such session")
}
