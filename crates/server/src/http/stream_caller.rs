//! Who calls for a stream: a device with a stream token, the holder of a share's code, or, where
//! anybody may view it, anyone.
//!
//! Both kinds of credential are bearer tokens, so that media programs can send either.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::{HeaderMap, Uri};
use identity::ShareCode;
use protocol::http::IceServer;
use protocol::id::{DeviceId, ShareId};
use protocol::problem::ProblemCode;
use protocol::stream::{StreamAction, StreamName};

use super::connection::Connection;
use super::refused::Refused;
use crate::clock::unix_now;
use crate::ice_servers::{share_guest, viewer_guest};
use crate::signalling_loop::bearer;
use crate::site::Site;

/// By what right somebody may do something with a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StreamCaller {
    /// A device with a stream token, known and not revoked, and the key that signed the token.
    Device { device: DeviceId, kid: DeviceId },
    /// The holder of a code, which serves until then, in Unix milliseconds.
    Share { share: ShareId, expires_ms: u64 },
    /// Nobody in particular, viewing a public stream.
    Anyone,
}

/// Whether the request may do this, and by what right.
///
/// # Errors
/// `unauthorized` where a credential is missing. Of a token: what is wrong with it, or with its
/// device; `not-found` or `forbidden` where the stream is not its account's. Of a code: that no
/// share has it, or that the share ended. `wrong-scope` where either is for another action or
/// stream.
pub(crate) async fn authorize(
    site: &Site,
    headers: &HeaderMap,
    uri: &Uri,
    stream: &StreamName,
    action: StreamAction,
) -> Result<StreamCaller, Refused> {
    match bearer(headers, uri)? {
        None => anyone(site, stream, action).await,
        Some(text) => match ShareCode::parse(text) {
            Some(code) => holder(site, &code, stream, action).await,
            None => device(site, text, stream, action).await,
        },
    }
}

impl StreamCaller {
    /// For the log.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Device { .. } => "device",
            Self::Share { .. } => "share",
            Self::Anyone => "anyone",
        }
    }

    /// By what names its right is revoked; none where anybody has it.
    pub(crate) fn holders(&self) -> Vec<String> {
        match self {
            Self::Device { device, kid } => vec![device.to_string(), kid.to_string()],
            Self::Share { share, .. } => vec![share_guest(share)],
            Self::Anyone => Vec::new(),
        }
    }

    /// How long what it opens may last; without end where it is revoked and not outlived.
    pub(crate) fn left(&self) -> Option<Duration> {
        match self {
            Self::Share { expires_ms, .. } => {
                Some(Duration::from_millis(*expires_ms).saturating_sub(unix_now()))
            }
            Self::Device { .. } | Self::Anyone => None,
        }
    }

    /// What the caller gathers candidates with. A guest's relay reaches the stream only, and its
    /// credentials are for our own relay: another's would take them for a device's.
    pub(crate) fn ice_servers(
        &self,
        site: &Site,
        host: &str,
        client: IpAddr,
        stream: &StreamName,
    ) -> Vec<IceServer> {
        let now = unix_now();
        let list = match self {
            Self::Device { device, .. } => site.ice_servers(host, device, now).0,
            Self::Share { share, .. } => site.guest_ice_servers(host, &share_guest(share), now),
            Self::Anyone => site.guest_ice_servers(host, &viewer_guest(stream, client), now),
        };
        site.beside_media(host, list)
    }

    /// Lets a connection that showed a credential no longer count as a stranger's.
    pub(crate) fn vouch_for(&self, connection: &Connection) {
        match self {
            Self::Device { .. } | Self::Share { .. } => connection.authenticated(),
            Self::Anyone => {}
        }
    }
}

/// A stream that does not exist is refused as one that is not public.
async fn anyone(
    site: &Site,
    stream: &StreamName,
    action: StreamAction,
) -> Result<StreamCaller, Refused> {
    match action {
        StreamAction::View if site.control.is_public_stream(stream).await? => {
            Ok(StreamCaller::Anyone)
        }
        _ => Err(ProblemCode::Unauthorized.into()),
    }
}

async fn holder(
    site: &Site,
    code: &ShareCode,
    stream: &StreamName,
    action: StreamAction,
) -> Result<StreamCaller, Refused> {
    let share = site.control.open_share(code).await?;
    if (share.action, &share.stream) != (action, stream) {
        let detail = format!(
            "the share is for {}:{}, not {action}:{stream}",
            share.action, share.stream
        );
        return Err(Refused::because(ProblemCode::WrongScope, detail));
    }
    Ok(StreamCaller::Share {
        share: share.id,
        expires_ms: share.expires_ms,
    })
}

async fn device(
    site: &Site,
    token: &str,
    stream: &StreamName,
    action: StreamAction,
) -> Result<StreamCaller, Refused> {
    let token = site.verify_token(token)?;
    token
        .check_stream(action, stream)
        .map_err(|error| Refused::because(ProblemCode::WrongScope, error))?;
    site.standing_role(&token).await?;
    // The name may have been given up, and taken by another account, since the token was issued.
    let checked = site.control.check_stream(stream, action, &token.account);
    checked.await?;
    Ok(StreamCaller::Device {
        device: token.device,
        kid: token.kid,
    })
}
