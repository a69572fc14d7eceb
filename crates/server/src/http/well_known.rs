//! `/.well-known/jwks.json` and `/trust/ca.crt`: public keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use protocol::http::Jwks;
use protocol::problem::{Problem, ProblemCode};

use super::refused::Refused;
use crate::site::Site;

/// The keys that verify tokens: previous, current, next.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "tokens", security(()),
    responses((status = 200, body = Jwks)))]
pub(crate) async fn jwks(State(site): State<Arc<Site>>) -> Json<Jwks> {
    Json(site.control.jwks())
}

/// The CA that signed this server's certificate, where the server made it.
#[utoipa::path(get, path = "/trust/ca.crt", tag = "server", security(()),
    responses((status = 200, body = str, content_type = "application/x-x509-ca-cert"),
        (status = "4XX", body = Problem)))]
pub(crate) async fn authority(State(site): State<Arc<Site>>) -> Result<Response, Refused> {
    let pem = site.ca_pem.clone().ok_or(ProblemCode::NotFound)?;
    let headers = [
        (CONTENT_TYPE, "application/x-x509-ca-cert"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"heliograph-ca.crt\"",
        ),
    ];
    Ok((headers, pem).into_response())
}
