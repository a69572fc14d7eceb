//! The admin interface while no server runs: the same router on the same database.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;

use super::StartError;
use super::derived::origins;
use crate::control::Control;
use crate::names::MachineNames;
use crate::settings::Settings;
use crate::tls::TlsIdentity;
use crate::{admin, files};

/// The admin interface on a database whose server does not run.
///
/// # Errors
/// What keeps the server from starting too.
pub async fn offline(settings: &Settings) -> Result<Router, StartError> {
    files::create_private_dir(&settings.data_dir).map_err(StartError::DataDir)?;
    let names = MachineNames::read();
    let identity = TlsIdentity::load(&settings.http.tls, &settings.data_dir, &names)?;
    let port = settings.http.listen.first().map_or(0, SocketAddr::port);
    let origins = origins(settings, identity.as_ref(), port);
    let control = Control::open(settings, Arc::new(origins)).await?;
    Ok(admin::router(Arc::new(control)))
}
