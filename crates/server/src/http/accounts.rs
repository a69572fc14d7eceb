//! What admins may: invite accounts and read the audit log.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use protocol::http::{Audit, Invite};
use protocol::problem::Problem;

use super::caller::AccountCaller;
use super::refused::Refused;
use crate::site::Site;

/// Makes a link with which somebody else sets up an account of role `member`.
#[utoipa::path(post, path = "/api/invites", tag = "accounts", security(("account" = ["admin"])),
    responses((status = 201, body = Invite), (status = "4XX", body = Problem)))]
pub(crate) async fn invite(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
) -> Result<(StatusCode, Json<Invite>), Refused> {
    caller.check_admin()?;
    let invite = site.control.invite_account(&caller.token.account).await?;
    Ok((StatusCode::CREATED, Json(invite)))
}

/// Pairings, revocations, key rotations and admin actions, newest first.
#[utoipa::path(get, path = "/api/audit", tag = "accounts", security(("account" = ["admin"])),
    responses((status = 200, body = Audit), (status = "4XX", body = Problem)))]
pub(crate) async fn audit(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
) -> Result<Json<Audit>, Refused> {
    caller.check_admin()?;
    Ok(Json(Audit {
        entries: site.control.audit().await?,
    }))
}
