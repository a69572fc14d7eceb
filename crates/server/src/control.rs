//! What people decide: invites, names, revocations, keys. HTTP, admin socket and CLI end here.
//!
//! The registry is written first, then the loops are told, so that whoever asks the registry
//! afterwards and whoever was there before both learn of it.

use std::error::Error;
use std::sync::{Arc, OnceLock, RwLock};

use identity::{Assertion, KeyRing, OneTimeSecret, SecretHash, VerifiedRecord};
use protocol::http::{AuditEntry, Invite, Jwks, Role, SetupReply};
use protocol::id::{AccountId, DeviceId};
use protocol::problem::ProblemCode;
use registry::{DatabaseError, KillKeyError, RedeemError, Registry};

use crate::clock::{unix_now, unix_now_ms};
use crate::http::refused::Refused;
use crate::names::Origins;
use crate::random;
use crate::recording::Recordings;
use crate::settings::Settings;
use crate::signalling_loop::SignallingHandle;
use crate::udp_loop::{MediaHandle, TurnHandle};

mod devices;
mod pairs;
mod recordings;
mod streams;

/// How long setup and account invites serve.
const INVITE_LIFE_MS: u64 = 15 * 60 * 1000;

/// The loops of a server that runs.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) signalling: SignallingHandle,
    pub(crate) turn: TurnHandle,
    pub(crate) media: MediaHandle,
    pub(crate) recordings: Recordings,
}

/// The registry, and the loops where they run.
#[derive(Debug)]
pub(crate) struct Control {
    registry: Registry,
    keys: RwLock<Arc<KeyRing>>,
    origins: Arc<Origins>,
    live: OnceLock<Live>,
}

/// Why there is no registry.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file.
    #[error("registry.url: {0}{cause}", cause = because(.0))]
    Open(#[from] registry::OpenError),
    /// What it holds.
    #[error("registry.url: {0}{cause}", cause = because(.0))]
    Read(#[from] DatabaseError),
}

/// `: cause: its cause`, for people.
fn because(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.map(|cause| format!(": {cause}")).collect()
}

impl Control {
    /// Opens the registry and its keys, making both at the first start.
    pub(crate) async fn open(
        settings: &Settings,
        origins: Arc<Origins>,
    ) -> Result<Self, OpenError> {
        let registry = Registry::open_file(&settings.registry_path).await?;
        let fresh = [random::bytes(), random::bytes()];
        let keys = registry
            .load_or_create_key_ring(fresh, unix_now_ms())
            .await?;
        let keys = RwLock::new(Arc::new(keys));
        Ok(Self {
            registry,
            keys,
            origins,
            live: OnceLock::new(),
        })
    }

    /// From here on the loops are told of what is decided.
    pub(crate) fn go_live(&self, live: Live) {
        let is_first = self.live.set(live).is_ok();
        debug_assert!(is_first, "a server goes live once");
    }

    pub(crate) async fn is_set_up(&self) -> Result<bool, Refused> {
        self.registry.is_set_up().await.map_err(failed)
    }

    /// A setup link of role `admin`; older ones end.
    pub(crate) async fn setup_invite(&self) -> Result<Invite, Refused> {
        let (secret, now_ms) = (OneTimeSecret::from_bytes(random::bytes()), unix_now_ms());
        let (hash, expires_ms) = (secret.hash(), now_ms + INVITE_LIFE_MS);
        let stored = self.registry.create_setup_invite(&hash, now_ms, expires_ms);
        stored.await.map_err(failed)?;
        Ok(self.invite(&secret, expires_ms))
    }

    /// A setup link of role `member`.
    pub(crate) async fn invite_account(&self, by: &AccountId) -> Result<Invite, Refused> {
        let (secret, now_ms) = (OneTimeSecret::from_bytes(random::bytes()), unix_now_ms());
        let (hash, expires_ms) = (secret.hash(), now_ms + INVITE_LIFE_MS);
        let stored =
            self.registry
                .create_account_invite(&hash, Role::Member, by, now_ms, expires_ms);
        stored.await.map_err(failed)?;
        Ok(self.invite(&secret, expires_ms))
    }

    fn invite(&self, secret: &OneTimeSecret, expires_ms: u64) -> Invite {
        let url = format!("{}/setup#{}", self.origins.invite(), secret.reveal());
        Invite { url, expires_ms }
    }

    /// An invite and the device's assertion become an account with its first device, once.
    pub(crate) async fn redeem_invite(
        &self,
        secret: &SecretHash,
        record: &VerifiedRecord,
        assertion: &Assertion,
    ) -> Result<SetupReply, Refused> {
        let account_id = AccountId::from_bytes(&random::bytes());
        let redeemed = self
            .registry
            .redeem_invite(secret, record, assertion, account_id, unix_now_ms())
            .await;
        let redeemed = redeemed.map_err(|error| match error {
            RedeemError::Unknown => Refused::from(ProblemCode::InviteUnknown),
            RedeemError::Used => Refused::from(ProblemCode::InviteUsed),
            RedeemError::Expired => Refused::from(ProblemCode::InviteExpired),
            RedeemError::DeviceKnown => Refused::because(ProblemCode::Conflict, error),
            RedeemError::DeviceRevoked => Refused::because(ProblemCode::Revoked, error),
            RedeemError::AssertionUsed => Refused::from(ProblemCode::AssertionUsed),
            RedeemError::Database(error) => failed(error),
        })?;
        let device_id = record.device_id().clone();
        Ok(SetupReply {
            account_id: redeemed.account.account_id,
            device_id,
            role: redeemed.account.role,
        })
    }

    /// Records that an assertion was used and its device seen, durably; the second time is
    /// refused.
    pub(crate) async fn spend_assertion(&self, assertion: &Assertion) -> Result<(), Refused> {
        match self.registry.use_assertion(assertion, unix_now_ms()).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(ProblemCode::AssertionUsed.into()),
            Err(error) => Err(failed(error)),
        }
    }

    /// Forgets used assertions that are refused as expired by now.
    pub(crate) async fn forget_assertions(&self) -> Result<(), DatabaseError> {
        let pruned = self.registry.prune_assertions(unix_now().as_secs()).await;
        pruned.map(drop)
    }

    /// The keys that sign and verify tokens.
    pub(crate) fn keys(&self) -> Arc<KeyRing> {
        self.keys
            .read()
            .expect("no holder of the keys panics")
            .clone()
    }

    pub(crate) fn jwks(&self) -> Jwks {
        self.keys().jwks()
    }

    /// The next key signs from here on.
    pub(crate) async fn rotate_keys(&self) -> Result<(), Refused> {
        let ring = self
            .registry
            .rotate_keys(random::bytes(), None, unix_now_ms())
            .await;
        self.replace_keys(ring.map_err(failed)?);
        Ok(())
    }

    /// Refuses a key and drops every socket it opened.
    pub(crate) async fn kill_key(&self, kid: &DeviceId) -> Result<(), Refused> {
        let ring = self
            .registry
            .kill_key(kid, random::bytes(), None, unix_now_ms())
            .await;
        let ring = ring.map_err(|error| match error {
            KillKeyError::UnknownKey(error) => Refused::because(ProblemCode::NotFound, error),
            KillKeyError::Database(error) => failed(error),
        })?;
        self.replace_keys(ring);
        if let Some(live) = self.live.get() {
            live.signalling.drop_key(kid.to_string()).await;
            live.media.kill_key(kid.as_str());
        }
        Ok(())
    }

    fn replace_keys(&self, ring: KeyRing) {
        *self.keys.write().expect("no holder of the keys panics") = Arc::new(ring);
    }

    /// Newest first.
    pub(crate) async fn audit(&self) -> Result<Vec<AuditEntry>, Refused> {
        self.registry.audit_log().await.map_err(failed)
    }

    /// Which of the devices have a signalling socket; none where no server runs.
    async fn online(&self, devices: Vec<DeviceId>) -> Vec<bool> {
        match self.live.get() {
            Some(live) => live.signalling.online(devices).await,
            None => vec![false; devices.len()],
        }
    }
}

/// The registry is at fault, not the client.
fn failed(error: DatabaseError) -> Refused {
    Refused::internal(&error)
}
