//! How a device ends: for good, and its pairs with it.

use protocol::id::{AccountId, DeviceId};

use crate::audit::{self, AuditAction, Subject};
use crate::database::{DatabaseError, Registry, to_sql};
use crate::devices::find_device;
use crate::pairs::{self, RevokedPair};

/// What ends with a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedDevice {
    /// The device.
    pub device: DeviceId,
    /// Whose it was.
    pub account: AccountId,
    /// Its pairs, revoked with it.
    pub pairs: Vec<RevokedPair>,
}

/// Why a device cannot be revoked.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No such device, or it was revoked before.
    #[error("no such device")]
    NotFound,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Registry {
    /// Revokes a device and all its pairs, for good. Says what to cut.
    ///
    /// # Errors
    /// No such live device.
    pub async fn revoke_device(
        &self,
        device: &DeviceId,
        by: Option<&AccountId>,
        now_ms: u64,
    ) -> Result<RevokedDevice, DeviceError> {
        let mut transaction = self.write().await?;
        let stored = find_device(&mut transaction, device).await?;
        let stored = stored
            .filter(|stored| !stored.is_revoked())
            .ok_or(DeviceError::NotFound)?;
        sqlx::query("UPDATE devices SET revoked_ms = $2 WHERE device_id = $1")
            .bind(device.as_str())
            .bind(to_sql(now_ms))
            .execute(&mut *transaction)
            .await
            .map_err(DatabaseError::from)?;
        let subject = Subject {
            account: by,
            device: Some(device),
            ..Subject::default()
        };
        audit::append(
            &mut transaction,
            AuditAction::DeviceRevoked,
            subject,
            now_ms,
        )
        .await?;
        let pairs = pairs::revoke_pairs_of(&mut transaction, device, by, now_ms).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(RevokedDevice {
            device: device.clone(),
            account: stored.account,
            pairs,
        })
    }
}
