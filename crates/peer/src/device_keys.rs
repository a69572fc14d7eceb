//! The private keys of a device and the record that they signed.

use std::fmt;

use identity::{NoiseKey, SigningKey, VerifiedRecord};
use protocol::id::DeviceId;
use protocol::record::DeviceRecord;

/// Keys and record of one device, which belong together.
pub struct DeviceKeys {
    signing: SigningKey,
    noise: NoiseKey,
    record: VerifiedRecord,
}

impl DeviceKeys {
    /// Puts them together; `None` where the record is not of these keys.
    pub fn new(signing: SigningKey, noise: NoiseKey, record: VerifiedRecord) -> Option<Self> {
        let is_theirs = record.as_record().key == *signing.public()
            && record.as_record().x25519 == *noise.public();
        is_theirs.then_some(Self {
            signing,
            noise,
            record,
        })
    }

    /// The device's id.
    pub fn id(&self) -> &DeviceId {
        self.record.device_id()
    }

    /// The key that signs.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// The static key of the Noise handshakes.
    pub fn noise(&self) -> &NoiseKey {
        &self.noise
    }

    /// What the device says about itself.
    pub fn record(&self) -> &DeviceRecord {
        self.record.as_record()
    }
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKeys({})", self.id())
    }
}
