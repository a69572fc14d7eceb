//! `POST /api/setup`: a setup or account invite becomes an account with its first device.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use identity::{OneTimeSecret, VerifiedRecord};
use protocol::http::{SetupReply, SetupRequest};
use protocol::problem::{Problem, ProblemCode};

use super::json_body::JsonBody;
use super::refused::Refused;
use crate::site::Site;

/// Redeems an invite, once.
#[utoipa::path(post, path = "/api/setup", tag = "devices", security(()), request_body = SetupRequest,
    responses((status = 201, body = SetupReply), (status = "4XX", body = Problem)))]
pub(crate) async fn redeem(
    State(site): State<Arc<Site>>,
    JsonBody(request): JsonBody<SetupRequest>,
) -> Result<(StatusCode, Json<SetupReply>), Refused> {
    let secret = OneTimeSecret::parse(&request.secret)
        .map_err(|error| Refused::because(ProblemCode::InviteUnknown, error))?;
    let record = VerifiedRecord::new(request.record)
        .map_err(|error| Refused::because(error.problem(), error))?;
    let assertion = site.verify_assertion(&request.assertion, &record.as_record().key)?;
    let reply = site
        .control
        .redeem_invite(&secret.hash(), &record, &assertion)
        .await?;
    tracing::info!(device = %reply.device_id, role = reply.role.as_str(), "account set up");
    Ok((StatusCode::CREATED, Json(reply)))
}
