//! Device records whose id and signature are right (`docs/protocol.md`, Device record).

use protocol::id::DeviceId;
use protocol::problem::ProblemCode;
use protocol::record::{DeviceRecord, FieldError};

use crate::ed25519::{SigningKey, verify_signature};
use crate::thumbprint::thumbprint;

/// A record that was verified; there is no other way to make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRecord(DeviceRecord);

/// Why a record is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A field breaks a rule.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// Another key's id.
    #[error("deviceId is not the thumbprint of its key")]
    NotThumbprint,
    /// Not signed by its key.
    #[error("the record's signature does not verify")]
    Signature,
}

impl RecordError {
    /// What the API answers.
    pub fn problem(&self) -> ProblemCode {
        ProblemCode::RecordInvalid
    }
}

impl VerifiedRecord {
    /// Checks fields, thumbprint and signature.
    ///
    /// # Errors
    /// The first of them that is wrong.
    pub fn new(record: DeviceRecord) -> Result<Self, RecordError> {
        record.check_fields()?;
        if thumbprint(&record.key) != record.device_id {
            return Err(RecordError::NotThumbprint);
        }
        if !verify_signature(&record.key, &record.signed_bytes(), &record.sig) {
            return Err(RecordError::Signature);
        }
        Ok(Self(record))
    }

    /// Signs the other fields of `record` with `key`, whose id and public half it gets.
    ///
    /// # Errors
    /// A field breaks a rule.
    pub fn sign(mut record: DeviceRecord, key: &SigningKey) -> Result<Self, FieldError> {
        record.key = *key.public();
        record.device_id = key.thumbprint();
        record.check_fields()?;
        record.sig = key.sign(&record.signed_bytes());
        Ok(Self(record))
    }

    /// The device.
    pub fn device_id(&self) -> &DeviceId {
        &self.0.device_id
    }

    /// The record.
    pub fn as_record(&self) -> &DeviceRecord {
        &self.0
    }

    /// The record.
    pub fn into_record(self) -> DeviceRecord {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use protocol::base64url::Base64Url;

    use super::*;
    use crate::testing::TestDevice;

    #[test]
    fn a_record_by_its_own_key_is_valid() {
        let record = TestDevice::new(1, "Ada's phone").record();
        assert_eq!(
            VerifiedRecord::new(record.clone()).unwrap().into_record(),
            record
        );
    }

    #[test]
    fn a_record_with_another_keys_id_is_refused() {
        let mut record = TestDevice::new(1, "Ada").record();
        record.device_id = TestDevice::new(2, "Eve").id();
        assert_eq!(VerifiedRecord::new(record), Err(RecordError::NotThumbprint));
    }

    #[test]
    fn a_record_that_was_changed_after_signing_is_refused() {
        let record = TestDevice::new(1, "Ada").record();
        let renamed = DeviceRecord {
            name: "Eve".to_owned(),
            ..record.clone()
        };
        assert_eq!(VerifiedRecord::new(renamed), Err(RecordError::Signature));
        let rekeyed = DeviceRecord {
            x25519: Base64Url([7; 32]),
            ..record
        };
        assert_eq!(VerifiedRecord::new(rekeyed), Err(RecordError::Signature));
    }

    #[test]
    fn a_well_signed_record_that_breaks_a_rule_is_refused() {
        let device = TestDevice::new(1, "Ada");
        let mut record = device.record();
        record.name = "a\nb".to_owned();
        record.sig = device.key().sign(&record.signed_bytes());
        let error = VerifiedRecord::new(record).unwrap_err();
        assert_eq!(error, RecordError::Field(FieldError::NameControl));
    }
}
