//! Who publishes or watches a stream.

use axum::http::{HeaderMap, Uri};
use protocol::http::IceServer;
use protocol::id::DeviceId;
use protocol::problem::ProblemCode;
use protocol::stream::{StreamAction, StreamName};

use super::refused::Refused;
use crate::clock::unix_now;
use crate::signalling_loop::bearer;
use crate::site::Site;

/// Somebody who may.
#[derive(Debug)]
pub(crate) enum StreamCaller {
    /// A device of an account.
    Device(DeviceId),
}

impl StreamCaller {
    /// For the log.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            StreamCaller::Device(_) => "device",
        }
    }

    /// What the caller gathers candidates with.
    pub(crate) fn ice_servers(&self, site: &Site, host: &str) -> Vec<IceServer> {
        match self {
            StreamCaller::Device(device) => site.ice_servers(host, device, unix_now()).0,
        }
    }
}

/// Whether whoever asks may do this with the stream.
///
/// # Errors
/// Why not.
pub(crate) async fn authorize(
    site: &Site,
    headers: &HeaderMap,
    uri: &Uri,
    _stream: &StreamName,
    _action: StreamAction,
) -> Result<StreamCaller, Refused> {
    let token = bearer(headers, uri)?.ok_or(ProblemCode::Unauthorized)?;
    let token = site.verify_token(token)?;
    site.standing_role(&token).await?;
    Ok(StreamCaller::Device(token.device))
}
