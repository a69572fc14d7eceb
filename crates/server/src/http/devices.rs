//! `/api/devices`: the devices of the caller's account.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use identity::VerifiedRecord;
use protocol::http::{Device, Devices, Rename};
use protocol::id::DeviceId;
use protocol::problem::{Problem, ProblemCode};
use protocol::record::DeviceRecord;

use super::caller::AccountCaller;
use super::json_body::JsonBody;
use super::path_id::PathId;
use super::refused::Refused;
use crate::site::Site;

/// The account's devices that are not revoked.
#[utoipa::path(get, path = "/api/devices", tag = "devices", security(("account" = [])),
    responses((status = 200, body = Devices), (status = "4XX", body = Problem)))]
pub(crate) async fn list(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
) -> Result<Json<Devices>, Refused> {
    let devices = site
        .control
        .devices(Some(&caller.token.account), Some(&caller.token.device))
        .await?;
    Ok(Json(Devices { devices }))
}

/// Gives a device another name in lists; an empty one takes it away.
#[utoipa::path(patch, path = "/api/devices/{id}", tag = "devices", security(("account" = [])),
    request_body = Rename,
    responses((status = 200, body = Device), (status = "4XX", body = Problem)))]
pub(crate) async fn rename(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(id): PathId<DeviceId>,
    JsonBody(body): JsonBody<Rename>,
) -> Result<Json<Device>, Refused> {
    check_own(&site, &caller, &id).await?;
    site.control.rename_device(&id, &body.label).await?;
    Ok(Json(
        site.control.device(&id, Some(&caller.token.device)).await?,
    ))
}

/// A device's new description of itself, signed by its key.
#[utoipa::path(put, path = "/api/devices/{id}/record", tag = "devices", security(("account" = [])),
    request_body = DeviceRecord,
    responses((status = 200, body = Device), (status = "4XX", body = Problem)))]
pub(crate) async fn put_record(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(id): PathId<DeviceId>,
    JsonBody(record): JsonBody<DeviceRecord>,
) -> Result<Json<Device>, Refused> {
    let record =
        VerifiedRecord::new(record).map_err(|error| Refused::because(error.problem(), error))?;
    if id != caller.token.device || *record.device_id() != id {
        return Err(Refused::because(
            ProblemCode::Forbidden,
            "a device describes itself only",
        ));
    }
    site.control.put_record(&record).await?;
    Ok(Json(site.control.device(&id, Some(&id)).await?))
}

/// Cuts a device off at once: sockets, links and relays.
#[utoipa::path(delete, path = "/api/devices/{id}", tag = "devices", security(("account" = [])),
    responses((status = 204), (status = "4XX", body = Problem)))]
pub(crate) async fn revoke(
    State(site): State<Arc<Site>>,
    caller: AccountCaller,
    PathId(id): PathId<DeviceId>,
) -> Result<StatusCode, Refused> {
    check_own(&site, &caller, &id).await?;
    site.control
        .revoke_device(&id, Some(&caller.token.account))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Another account's device does not exist for this one.
async fn check_own(site: &Site, caller: &AccountCaller, id: &DeviceId) -> Result<(), Refused> {
    let device = site.control.standing_device(id).await;
    match device {
        Ok(device) if device.account == caller.token.account => Ok(()),
        _ => Err(ProblemCode::NotFound.into()),
    }
}
