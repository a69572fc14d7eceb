//! The id in a path: one that cannot be an id is a path that does not exist.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use protocol::problem::ProblemCode;
use serde::de::DeserializeOwned;

use super::refused::Refused;

/// The `{id}` of a route.
#[derive(Debug)]
pub(crate) struct PathId<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for PathId<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id))
            .map_err(|rejection: PathRejection| {
                Refused::because(ProblemCode::NotFound, rejection.body_text())
            })
    }
}
