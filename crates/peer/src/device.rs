//! A native device: its keys, its signed record, and the directory that it remembers things in.

use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::rand;
use identity::{NoiseKey, SigningKey, VerifiedRecord};
use protocol::base64url::Base64Url;
use protocol::id::DeviceId;
use protocol::record::{DeviceKind, DeviceRecord, FieldError};

use crate::device_keys::DeviceKeys;
use crate::store::{Store, StoreError, StoredIdentity};

/// What this program can do, as its record says: `ctl` and `telemetry` inside Noise, and files.
pub const FEATURES: [&str; 2] = ["ctl-noise", "file"];

/// A device that exists: keys, record, memory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Device {
    keys: Arc<DeviceKeys>,
    store: Store,
}

/// How a new device introduces itself.
#[derive(Debug, Clone)]
pub struct DeviceProfile {
    /// 1 to 64 characters.
    pub name: String,
    /// What kind of device it is.
    pub kind: DeviceKind,
    /// When it is made, in Unix milliseconds.
    pub now_ms: u64,
}

/// Why there is no device.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Nothing was paired here yet.
    #[error("{0} holds no device yet: pair it with `helio pair`")]
    None(PathBuf),
    /// Its memory is not usable.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The name breaks a rule.
    #[error(transparent)]
    Name(#[from] FieldError),
    /// The file's record is not one of the file's keys.
    #[error("{0}: the record is not signed by its keys; restore or delete the file")]
    OtherKeys(PathBuf),
}

impl Device {
    /// The device that lives in a directory.
    ///
    /// # Errors
    /// There is none, or its files cannot be used; a key file that others may read is refused.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, DeviceError> {
        let store = Store::new(dir);
        let stored = store.identity()?;
        let stored = stored.ok_or_else(|| DeviceError::None(store.dir().to_owned()))?;
        Self::of(store, stored)
    }

    /// The device that lives in a directory, or a new one, made from randomness.
    ///
    /// # Errors
    /// The files cannot be used, or the name of a new one breaks a rule.
    pub fn open_or_create(
        dir: impl Into<PathBuf>,
        profile: &DeviceProfile,
    ) -> Result<Self, DeviceError> {
        let store = Store::new(dir);
        let stored = match store.identity()? {
            Some(stored) => stored,
            None => store.add_identity(generate(profile)?)?,
        };
        Self::of(store, stored)
    }

    fn of(store: Store, stored: StoredIdentity) -> Result<Self, DeviceError> {
        let path = store.dir().join("device.json");
        let keys = read_keys(stored).ok_or(DeviceError::OtherKeys(path))?;
        Ok(Self {
            keys: Arc::new(keys),
            store,
        })
    }

    /// Its keys and record.
    pub fn keys(&self) -> &Arc<DeviceKeys> {
        &self.keys
    }

    /// Its memory.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its id.
    pub fn id(&self) -> &DeviceId {
        self.keys.id()
    }
}

/// The keys of a file; `None` where its record is not theirs.
fn read_keys(stored: StoredIdentity) -> Option<DeviceKeys> {
    let signing = SigningKey::from_seed(stored.ed25519_seed.0);
    let noise = NoiseKey::from_secret(stored.x25519_secret.0);
    let record = VerifiedRecord::new(stored.record).ok()?;
    DeviceKeys::new(signing, noise, record)
}

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system has randomness");
    bytes
}

/// Keys that nobody knows, for a machine that is no device yet.
pub(crate) fn nobody() -> Arc<DeviceKeys> {
    let profile = DeviceProfile {
        name: "nobody".to_owned(),
        kind: DeviceKind::Desktop,
        now_ms: 0,
    };
    let generated = generate(&profile).expect("the name breaks no rule");
    Arc::new(read_keys(generated).expect("a fresh record is its keys'"))
}

fn generate(profile: &DeviceProfile) -> Result<StoredIdentity, FieldError> {
    let (seed, secret) = (random(), random());
    let signing = SigningKey::from_seed(seed);
    let record = DeviceRecord {
        device_id: signing.thumbprint(),
        key: *signing.public(),
        x25519: *NoiseKey::from_secret(secret).public(),
        name: profile.name.clone(),
        kind: profile.kind,
        features: FEATURES.map(str::to_owned).to_vec(),
        created: profile.now_ms,
        sig: Base64Url([0; 64]),
    };
    let record = VerifiedRecord::sign(record, &signing)?;
    Ok(StoredIdentity {
        record: record.into_record(),
        ed25519_seed: Base64Url(seed),
        x25519_secret: Base64Url(secret),
    })
}

#[cfg(test)]
mod tests;
