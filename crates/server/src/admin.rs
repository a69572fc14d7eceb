//! The admin interface: what `helio` commands speak to. Over `data_dir/admin.sock` (0600) while
//! the server runs, in the command's own process on the same database while it does not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};
use protocol::http::recordings::{DeletedRecordings, Recordings};
use protocol::http::streams::{CreatedShare, NewShare, PutStream, Shares, Stream, Streams};
use protocol::http::{Audit, Devices, Invite, Pair, Pairs, Rename};
use protocol::id::{DeviceId, PairId, ShareId};
use protocol::problem::ProblemCode;
use protocol::stream::StreamName;
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use crate::control::Control;
use crate::http::path_id::PathId;
use crate::http::recordings;
use crate::http::refused::Refused;

/// Where the socket of a server with this data directory is.
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("admin.sock")
}

/// Binds the socket; one that a killed server left behind is replaced.
pub(crate) fn bind(data_dir: &Path) -> std::io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    let path = socket_path(data_dir);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // The directory is 0700, so nobody else can connect before the mode is set.
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves until told to stop.
pub(crate) async fn serve(listener: UnixListener, control: Arc<Control>, stop: CancellationToken) {
    let serving =
        axum::serve(listener, router(control)).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = serving.await {
        tracing::error!(%error, "admin socket ended");
    }
}

/// The interface itself, for whatever carries requests to it.
pub(crate) fn router(control: Arc<Control>) -> Router {
    Router::new()
        .route("/setup", post(setup))
        .route("/devices", get(devices))
        .route(
            "/devices/{id}",
            patch(rename_device).merge(delete(revoke_device)),
        )
        .route("/pairs", get(pairs).merge(post(add_pair)))
        .route("/pairs/{id}", patch(rename_pair).merge(delete(revoke_pair)))
        .route("/streams", get(streams))
        .route("/streams/{name}", put(put_stream))
        .route(
            "/streams/{name}/recordings",
            get(list_recordings).merge(delete(delete_recordings)),
        )
        .route(
            "/streams/{name}/shares",
            get(shares).merge(post(create_share)),
        )
        .route("/streams/{name}/shares/{id}", delete(revoke_share))
        .route("/keys", get(keys))
        .route("/keys/rotate", post(rotate))
        .route("/keys/{kid}", delete(kill))
        .route("/audit", get(audit))
        .fallback(nothing_here)
        .with_state(control)
}

async fn nothing_here() -> Refused {
    Refused::because(
        ProblemCode::NotFound,
        "no device, pair, key, stream or share has such an id",
    )
}

async fn setup(State(control): State<Arc<Control>>) -> Result<Json<Invite>, Refused> {
    Ok(Json(control.setup_invite().await?))
}

async fn devices(State(control): State<Arc<Control>>) -> Result<Json<Devices>, Refused> {
    Ok(Json(Devices {
        devices: control.devices(None, None).await?,
    }))
}

async fn rename_device(
    State(control): State<Arc<Control>>,
    PathId(id): PathId<DeviceId>,
    Json(body): Json<Rename>,
) -> Result<StatusCode, Refused> {
    control.rename_device(&id, &body.label).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revoke_device(
    State(control): State<Arc<Control>>,
    PathId(id): PathId<DeviceId>,
) -> Result<StatusCode, Refused> {
    control.revoke_device(&id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn pairs(State(control): State<Arc<Control>>) -> Result<Json<Pairs>, Refused> {
    Ok(Json(Pairs {
        pairs: control.pairs(None).await?,
    }))
}

/// Two devices that shall be paired without their consent.
#[derive(Deserialize)]
struct Unverified {
    a: DeviceId,
    b: DeviceId,
    unverified: bool,
}

async fn add_pair(
    State(control): State<Arc<Control>>,
    Json(body): Json<Unverified>,
) -> Result<Json<Pair>, Refused> {
    if !body.unverified {
        let detail = "a verified pair is made by the two devices themselves";
        return Err(Refused::because(ProblemCode::BadMessage, detail));
    }
    Ok(Json(control.add_unverified_pair(&body.a, &body.b).await?))
}

async fn rename_pair(
    State(control): State<Arc<Control>>,
    PathId(id): PathId<PairId>,
    Json(body): Json<Rename>,
) -> Result<StatusCode, Refused> {
    control.rename_pair(&id, None, &body.label).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revoke_pair(
    State(control): State<Arc<Control>>,
    PathId(id): PathId<PairId>,
) -> Result<StatusCode, Refused> {
    control.revoke_pair(&id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn streams(State(control): State<Arc<Control>>) -> Result<Json<Streams>, Refused> {
    Ok(Json(Streams {
        streams: control.streams(None).await?,
    }))
}

async fn put_stream(
    State(control): State<Arc<Control>>,
    PathId(name): PathId<StreamName>,
    Json(body): Json<PutStream>,
) -> Result<Json<Stream>, Refused> {
    let put = control.put_stream(&name, None, &body).await?;
    Ok(Json(put))
}

async fn list_recordings(
    State(control): State<Arc<Control>>,
    PathId(stream): PathId<StreamName>,
    uri: Uri,
) -> Result<Json<Recordings>, Refused> {
    Ok(Json(recordings::listed(&control, &stream, &uri).await?))
}

async fn delete_recordings(
    State(control): State<Arc<Control>>,
    PathId(stream): PathId<StreamName>,
    uri: Uri,
) -> Result<Json<DeletedRecordings>, Refused> {
    let deleted = recordings::deleted(&control, &stream, None, &uri).await?;
    Ok(Json(deleted))
}

async fn shares(
    State(control): State<Arc<Control>>,
    PathId(stream): PathId<StreamName>,
) -> Result<Json<Shares>, Refused> {
    Ok(Json(Shares {
        shares: control.shares(&stream, None).await?,
    }))
}

async fn create_share(
    State(control): State<Arc<Control>>,
    PathId(stream): PathId<StreamName>,
    Json(asked): Json<NewShare>,
) -> Result<Json<CreatedShare>, Refused> {
    Ok(Json(control.create_share(&stream, None, asked).await?))
}

async fn revoke_share(
    State(control): State<Arc<Control>>,
    PathId((stream, share)): PathId<(StreamName, ShareId)>,
) -> Result<StatusCode, Refused> {
    control.revoke_share(&stream, &share, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A key as `helio keys` lists it.
#[derive(Serialize)]
struct Key {
    kid: String,
    state: &'static str,
}

#[derive(Serialize)]
struct Keys {
    keys: Vec<Key>,
}

fn listed(control: &Control) -> Json<Keys> {
    let ring = control.keys();
    let retired = ring.retired().iter().enumerate().rev();
    let retired = retired.map(|(later, retired)| {
        let state = if later == 0 { "previous" } else { "retired" };
        (&retired.key, state)
    });
    let keys = retired.chain([(ring.current(), "current"), (ring.next(), "next")]);
    let keys = keys.map(|(key, state)| Key {
        kid: key.thumbprint().to_string(),
        state,
    });
    Json(Keys {
        keys: keys.collect(),
    })
}

async fn keys(State(control): State<Arc<Control>>) -> Json<Keys> {
    listed(&control)
}

async fn rotate(State(control): State<Arc<Control>>) -> Result<Json<Keys>, Refused> {
    control.rotate_keys().await?;
    Ok(listed(&control))
}

async fn kill(
    State(control): State<Arc<Control>>,
    PathId(kid): PathId<DeviceId>,
) -> Result<Json<Keys>, Refused> {
    control.kill_key(&kid).await?;
    Ok(listed(&control))
}

async fn audit(State(control): State<Arc<Control>>) -> Result<Json<Audit>, Refused> {
    Ok(Json(Audit {
        entries: control.audit().await?,
    }))
}
