//! A JSON request body: bounded, of the right media type, refused with what is wrong with it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use protocol::json::{DecodeError, check_message};
use protocol::problem::ProblemCode;
use serde::de::DeserializeOwned;

use super::refused::Refused;
use crate::site::Site;

/// The largest body of the API: two records, two signatures, and room.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

/// The body as a `T`.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<Site>> for JsonBody<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Refused> {
        let media_type = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let is_json = media_type.is_some_and(|value| {
            value
                .split(';')
                .next()
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        });
        if !is_json {
            return Err(ProblemCode::UnsupportedMediaType.into());
        }
        // A body gets as long as its headers did.
        let limit = site.settings.limits.header_timeout;
        let read = tokio::time::timeout(limit, Bytes::from_request(request, site)).await;
        let read = read.map_err(|_| {
            let detail = format!("the body took longer than {limit:?}");
            Refused::because(ProblemCode::BadJson, detail)
        })?;
        let bytes = read.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let detail = format!("the limit is {MAX_BODY_BYTES} bytes");
                Refused::because(ProblemCode::TooLarge, detail)
            }
            _ => Refused::because(ProblemCode::BadJson, "the body ended early"),
        })?;
        decode(&bytes).map(Self)
    }
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Refused::because(ProblemCode::BadJson, error))?;
    check_message(text, MAX_BODY_BYTES).map_err(refused)?;
    serde_json::from_str(text).map_err(|error| refused(error.into()))
}

fn refused(error: DecodeError) -> Refused {
    let code = match error {
        DecodeError::TooLarge { .. } => ProblemCode::TooLarge,
        DecodeError::TooDeep | DecodeError::BadJson(_) => ProblemCode::BadJson,
        DecodeError::BadMessage(_) | DecodeError::UnknownType(_) => ProblemCode::BadMessage,
    };
    Refused::because(code, error)
}
