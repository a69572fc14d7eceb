//! `/{stream}/whep/{session}/layers`: a viewer looks at the layers of a simulcast and asks for one
//! (the extension `layer` of draft-ietf-wish-whep).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::LINK;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use gateway::{LayerError, LayerState, Role, SessionId, TrackLayers};
use protocol::problem::ProblemCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::refused::Refused;
use super::cors;
use super::endpoint::{Endpoint, text};
use crate::site::Site;

const REL: &str = "urn:ietf:params:whep:ext:core:layer";

/// What a viewer asks for: without a layer none in particular.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    media_id: String,
    encoding_id: Option<String>,
}

/// Tells a viewer where it may choose a layer.
pub(super) fn advertise(headers: &mut HeaderMap, session: &str) {
    let link = format!("<{session}/layers>; rel=\"{REL}\"");
    headers.append(
        LINK,
        HeaderValue::from_str(&link).expect("a path fits a header"),
    );
}

pub(super) async fn handle(
    State(site): State<Arc<Site>>,
    Path((stream, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    if request.method() == Method::OPTIONS {
        return Ok(cors::options());
    }
    let endpoint = Endpoint::of(&stream, Role::Watch)?;
    let uri = request.uri().clone();
    endpoint.authorize(&site, request.headers(), &uri).await?;
    let id = SessionId::parse(&id).ok_or_else(gone)?;
    match *request.method() {
        Method::GET => {
            let layers = site.media.layers(id, endpoint.stream).await;
            let layers = layers.map_err(Refused::stopped)?.ok_or_else(gone)?;
            Ok(Json(listed(&layers)).into_response())
        }
        Method::POST => {
            let body = text(request, "application/json").await?;
            let asked: Asked = serde_json::from_str(&body)
                .map_err(|error| Refused::because(ProblemCode::BadMessage, error))?;
            let (mid, layer) = (asked.media_id, asked.encoding_id);
            let chosen = site.media.choose_layer(id, endpoint.stream, mid, layer);
            chosen.await.map_err(Refused::stopped)?.map_err(refused)?;
            Ok(StatusCode::OK.into_response())
        }
        _ => Err(ProblemCode::MethodNotAllowed.into()),
    }
}

/// By the track's mid: the layers that come, those that do not at present, and besides the one that
/// the viewer gets, and the one that it asked for.
pub(super) fn listed(track: &TrackLayers) -> Value {
    let of = |comes: bool| {
        let layers = track.layers.iter();
        let some = layers.filter(move |layer| layer.bitrate_bps.is_some() == comes);
        some.map(described).collect::<Vec<_>>()
    };
    json!({
        track.mid.as_str(): {
            "active": of(true),
            "inactive": of(false),
            "current": track.current,
            "pinned": track.pinned,
        }
    })
}

fn described(layer: &LayerState) -> Value {
    let (width, height) = layer.size.unzip();
    json!({
        "id": layer.id,
        "encodingId": layer.id,
        "bitrate": layer.bitrate_bps,
        "width": width,
        "height": height,
    })
}

fn refused(error: LayerError) -> Refused {
    match &error {
        LayerError::NoSession => gone(),
        LayerError::NoTrack(_) | LayerError::NoLayer(_) => {
            Refused::because(ProblemCode::BadMessage, &error)
        }
    }
}

fn gone() -> Refused {
    Refused::because(ProblemCode::NotFound, "no such session")
}
