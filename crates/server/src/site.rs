//! What handlers share: settings, names, tokens, and the way to registry and loops.

use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use identity::{Assertion, ReadAssertion, Scope, Token};
use protocol::base64url::Base64Url;
use protocol::http::{IceServer, Role};
use protocol::id::{AccountId, DeviceId};
use protocol::problem::ProblemCode;
use signalling::{Admission, Denial, LinkGrant, Renewal};
use tokio_util::sync::CancellationToken;

use crate::clock::unix_now;
use crate::control::Control;
use crate::edges::Edges;
use crate::external_addresses::ExternalAddresses;
use crate::gate::Gate;
use crate::http::refused::Refused;
use crate::http::streams::EventStreams;
use crate::ice_servers::IceServers;
use crate::names::Origins;
use crate::recording::Recordings;
use crate::settings::Settings;
use crate::signalling_loop::{Directory, Question, SignallingHandle};
use crate::telemetry::Telemetry;
use crate::tickets::Tickets;
use crate::udp_loop::MediaHandle;

/// One per server.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) settings: Arc<Settings>,
    pub(crate) origins: Arc<Origins>,
    pub(crate) control: Arc<Control>,
    pub(crate) signalling: SignallingHandle,
    pub(crate) media: MediaHandle,
    pub(crate) media_external: ExternalAddresses,
    pub(crate) recordings: Recordings,
    pub(crate) edges: Edges,
    pub(crate) tickets: Tickets,
    pub(crate) ice: Arc<RwLock<IceServers>>,
    pub(crate) telemetry: Telemetry,
    pub(crate) gate: Gate,
    pub(crate) event_streams: EventStreams,
    /// PEM of the CA, where we made it.
    pub(crate) ca_pem: Option<String>,
    /// Cancelled when clients are told to go elsewhere.
    pub(crate) draining: CancellationToken,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
}

impl Site {
    /// What a token says, if this server signed it and it serves.
    pub(crate) fn verify_token(&self, token: &str) -> Result<Token, Refused> {
        let keys = self.control.keys();
        keys.verify(self.origins.invite(), token, unix_now().as_secs())
            .map_err(|error| Refused::because(error.problem(), error))
    }

    /// The role of a token's account, if its device still stands.
    pub(crate) async fn standing_role(&self, token: &Token) -> Result<Role, Refused> {
        let device = self.control.standing_device(&token.device).await?;
        if device.account != token.account {
            return Err(ProblemCode::UnknownDevice.into());
        }
        Ok(device.role)
    }

    /// What an assertion says, if `key` signed it for this server and it has not expired. That
    /// it works once is for the caller to see to.
    pub(crate) fn verify_assertion(
        &self,
        assertion: &str,
        key: &Base64Url<32>,
    ) -> Result<Assertion, Refused> {
        let origins: Vec<String> = self.origins.all().map(str::to_owned).collect();
        ReadAssertion::read(assertion)
            .and_then(|read| read.verify(key, &origins, unix_now().as_secs()))
            .map_err(|error| Refused::because(error.problem(), error))
    }

    /// A token of five minutes.
    pub(crate) fn issue_token(&self, holder: (&AccountId, &DeviceId), scope: &Scope) -> String {
        let now_s = unix_now().as_secs();
        self.control.keys().issue(
            self.origins.invite(),
            holder,
            scope,
            now_s,
            crate::random::bytes(),
        )
    }

    /// What a device gathers candidates with, and until when, in Unix seconds.
    pub(crate) fn ice_servers(
        &self,
        host: &str,
        device: &DeviceId,
        now: Duration,
    ) -> (Vec<IceServer>, u64) {
        ice_servers(&self.ice, host, device, now)
    }

    /// What somebody without a device gathers candidates with; `guest` is whom relays are counted
    /// for.
    pub(crate) fn guest_ice_servers(
        &self,
        host: &str,
        guest: &str,
        now: Duration,
    ) -> Vec<IceServer> {
        self.ice
            .read()
            .expect("no holder of the list panics")
            .for_guest(host, guest, now)
    }

    /// The list as a client of the gateway needs it.
    pub(crate) fn beside_media(&self, host: &str, list: Vec<IceServer>) -> Vec<IceServer> {
        self.ice
            .read()
            .expect("no holder of the list panics")
            .beside_media(host, list)
    }

    /// Whether a page at `origin` may speak to us.
    pub(crate) fn origin_allowed(&self, origin: &str) -> bool {
        self.origins.contains(origin)
    }
}

fn ice_servers(
    ice: &RwLock<IceServers>,
    host: &str,
    device: &DeviceId,
    now: Duration,
) -> (Vec<IceServer>, u64) {
    ice.read()
        .expect("no holder of the list panics")
        .for_device(host, device, now)
}

/// Answers the signalling hub's questions.
#[derive(Debug)]
pub(crate) struct SiteDirectory {
    pub(crate) control: Arc<Control>,
    pub(crate) ice: Arc<RwLock<IceServers>>,
    pub(crate) origins: Arc<Origins>,
}

impl Directory for SiteDirectory {
    async fn admit(&self, question: Question) -> Result<Option<Admission>, Denial> {
        let device = self
            .control
            .look_up_device(&question.device)
            .await
            .map_err(|_| Denial::Unavailable)?;
        let is_standing = device.is_some_and(|device| device.account == question.account);
        if !is_standing {
            return Err(Denial::Revoked);
        }
        let Some(pair) = question.pair else {
            return Ok(None);
        };
        let pair = self
            .control
            .look_up_pair(&pair)
            .await
            .map_err(|_| Denial::Unavailable)?;
        let peer =
            pair.and_then(|pair| pair.peer_of(&question.device).map(|peer| peer.id().clone()));
        let peer = peer.ok_or(Denial::Revoked)?;
        let (ice_servers, ice_servers_exp) =
            ice_servers(&self.ice, &question.host, &question.device, unix_now());
        Ok(Some(Admission {
            peer,
            ice_servers,
            ice_servers_exp,
        }))
    }

    async fn verify(&self, token: String, host: Arc<str>) -> Option<Renewal> {
        let now = unix_now();
        let token = self
            .control
            .keys()
            .verify(self.origins.invite(), &token, now.as_secs())
            .ok()?;
        let grant = link_grant(&token, now, Instant::now())?;
        let (ice_servers, _) = ice_servers(&self.ice, &host, &token.device, now);
        Some(Renewal {
            grant,
            exp: token.expires_s,
            ice_servers,
        })
    }
}

/// What a link token lets a socket do; its end on the hub's clock.
pub(crate) fn link_grant(token: &Token, unix: Duration, now: Instant) -> Option<LinkGrant> {
    let pair = token.link_pair().ok()?.clone();
    let left = Duration::from_secs(token.expires_s).saturating_sub(unix);
    Some(LinkGrant {
        device: token.device.clone(),
        pair,
        account: token.account.clone(),
        kid: token.kid.to_string(),
        expires: now + left,
    })
}
