//! A JSON request body: bounded, of the right media type, refused with what is wrong with it.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use protocol::problem::ProblemCode;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::refused::Refused;

/// The largest body of the API: two records, two signatures, and room.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

/// The body as a `T`.
#[derive(Debug)]
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
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
        let bytes = Bytes::from_request(request, state).await.map_err(|_| {
            Refused::because(
                ProblemCode::TooLarge,
                format!("the limit is {MAX_BODY_BYTES} bytes"),
            )
        })?;
        decode(&bytes).map(Self)
    }
}

/// `serde_json` itself stops at 128 levels of nesting.
fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(bytes).map_err(|error| {
        let code = match error.classify() {
            Category::Data => ProblemCode::BadMessage,
            Category::Io | Category::Syntax | Category::Eof => ProblemCode::BadJson,
        };
        Refused::because(code, error)
    })
}
