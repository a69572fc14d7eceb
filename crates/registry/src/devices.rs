//! Devices: their records, labels, and their end.

use identity::VerifiedRecord;
use protocol::http::Role;
use protocol::id::{AccountId, DeviceId};
use protocol::record::{DeviceRecord, FieldError, check_name};
use sqlx::SqliteConnection;

use crate::accounts::{read_id, read_role};
use crate::audit::{self, AuditAction, Subject};
use crate::database::{DatabaseError, Registry, from_sql, to_sql};

/// A device and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// What it says about itself.
    pub record: DeviceRecord,
    /// Whose it is.
    pub account: AccountId,
    /// What its account may do.
    pub role: Role,
    /// What its account calls it.
    pub label: Option<String>,
    /// When it joined, in Unix milliseconds.
    pub added_ms: u64,
    /// When it last proved itself, in Unix milliseconds.
    pub last_seen_ms: Option<u64>,
    /// When it was revoked, in Unix milliseconds.
    pub revoked_ms: Option<u64>,
}

/// Why a device or a pair cannot be renamed.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// No such device or pair, or it is revoked.
    #[error("no such device or pair")]
    NotFound,
    /// The label breaks a rule.
    #[error(transparent)]
    Label(#[from] FieldError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Why a record does not take the place of the stored one.
#[derive(Debug, thiserror::Error)]
pub enum RecordUpdateError {
    /// No such device.
    #[error("no such device")]
    NotFound,
    /// The device is revoked.
    #[error("the device is revoked")]
    Revoked,
    /// The stored record was signed later.
    #[error("the stored record was signed later, at {stored_ms} ms")]
    Older {
        /// When, in Unix milliseconds.
        stored_ms: u64,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

#[derive(sqlx::FromRow)]
struct DeviceRow {
    record: String,
    account_id: String,
    role: String,
    label: Option<String>,
    added_ms: i64,
    last_seen_ms: Option<i64>,
    revoked_ms: Option<i64>,
}

impl Device {
    /// Its id.
    pub fn id(&self) -> &DeviceId {
        &self.record.device_id
    }

    /// Whether it was revoked.
    pub fn is_revoked(&self) -> bool {
        self.revoked_ms.is_some()
    }
}

impl Registry {
    /// A device, also a revoked one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn device(&self, device: &DeviceId) -> Result<Option<Device>, DatabaseError> {
        let mut connection = self.pool.acquire().await?;
        find_device(&mut connection, device).await
    }

    /// The devices of an account that are not revoked, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn devices_of_account(
        &self,
        account: &AccountId,
    ) -> Result<Vec<Device>, DatabaseError> {
        let rows: Vec<DeviceRow> = sqlx::query_as(
            "SELECT d.*, a.role FROM devices d JOIN accounts a ON a.account_id = d.account_id \
             WHERE d.account_id = $1 AND d.revoked_ms IS NULL ORDER BY d.added_ms, d.device_id",
        )
        .bind(account.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(DeviceRow::read).collect()
    }

    /// Every device, also revoked ones, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn all_devices(&self) -> Result<Vec<Device>, DatabaseError> {
        let rows: Vec<DeviceRow> = sqlx::query_as(
            "SELECT d.*, a.role FROM devices d JOIN accounts a ON a.account_id = d.account_id \
             ORDER BY d.added_ms, d.device_id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(DeviceRow::read).collect()
    }

    /// Gives a device a label; an empty one takes it away.
    ///
    /// # Errors
    /// No such live device, or the label breaks the rules of names.
    pub async fn rename_device(&self, device: &DeviceId, label: &str) -> Result<(), RenameError> {
        let updated = sqlx::query(
            "UPDATE devices SET label = $2 WHERE device_id = $1 AND revoked_ms IS NULL",
        )
        .bind(device.as_str())
        .bind(read_label(label)?)
        .execute(&self.pool)
        .await
        .map_err(DatabaseError::from)?;
        if updated.rows_affected() == 1 {
            Ok(())
        } else {
            Err(RenameError::NotFound)
        }
    }

    /// Replaces a device's record by one that was signed at the same time or later. That it is
    /// of the same key follows from its id.
    ///
    /// # Errors
    /// The device is not known or revoked, or the stored record is newer.
    pub async fn put_record(&self, record: &VerifiedRecord) -> Result<Device, RecordUpdateError> {
        let mut transaction = self.write().await?;
        let stored = find_device(&mut transaction, record.device_id()).await?;
        let stored = stored.ok_or(RecordUpdateError::NotFound)?;
        if stored.is_revoked() {
            return Err(RecordUpdateError::Revoked);
        }
        if stored.record.created > record.as_record().created {
            return Err(RecordUpdateError::Older {
                stored_ms: stored.record.created,
            });
        }
        update_record(&mut transaction, record).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(Device {
            record: record.as_record().clone(),
            ..stored
        })
    }
}

impl DeviceRow {
    fn read(self) -> Result<Device, DatabaseError> {
        Ok(Device {
            record: serde_json::from_str(&self.record).map_err(|_| DatabaseError::Unreadable {
                what: "device record",
            })?,
            account: read_id(&self.account_id, AccountId::parse, "account id")?,
            role: read_role(&self.role)?,
            label: self.label,
            added_ms: from_sql(self.added_ms),
            last_seen_ms: self.last_seen_ms.map(from_sql),
            revoked_ms: self.revoked_ms.map(from_sql),
        })
    }
}

/// The label to store: none for an empty one.
pub(crate) fn read_label(label: &str) -> Result<Option<&str>, FieldError> {
    if label.is_empty() {
        return Ok(None);
    }
    check_name(label).map(|()| Some(label))
}

pub(crate) async fn find_device(
    connection: &mut SqliteConnection,
    device: &DeviceId,
) -> Result<Option<Device>, DatabaseError> {
    let row: Option<DeviceRow> = sqlx::query_as(
        "SELECT d.*, a.role FROM devices d JOIN accounts a ON a.account_id = d.account_id \
         WHERE d.device_id = $1",
    )
    .bind(device.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(DeviceRow::read).transpose()
}

/// Adds a device that no account has, with its entry in the audit log.
pub(crate) async fn insert_device(
    connection: &mut SqliteConnection,
    record: &VerifiedRecord,
    account: &AccountId,
    now_ms: u64,
) -> Result<(), DatabaseError> {
    sqlx::query(
        "INSERT INTO devices (device_id, account_id, record, added_ms) VALUES ($1, $2, $3, $4)",
    )
    .bind(record.device_id().as_str())
    .bind(account.as_str())
    .bind(to_json(record))
    .bind(to_sql(now_ms))
    .execute(&mut *connection)
    .await?;
    let subject = Subject {
        account: Some(account),
        device: Some(record.device_id()),
        ..Subject::default()
    };
    audit::append(connection, AuditAction::DeviceAdded, subject, now_ms).await
}

/// Notes that a device proved itself.
pub(crate) async fn touch_device(
    connection: &mut SqliteConnection,
    device: &DeviceId,
    now_ms: u64,
) -> Result<(), DatabaseError> {
    sqlx::query("UPDATE devices SET last_seen_ms = $2 WHERE device_id = $1")
        .bind(device.as_str())
        .bind(to_sql(now_ms))
        .execute(connection)
        .await?;
    Ok(())
}

pub(crate) async fn update_record(
    connection: &mut SqliteConnection,
    record: &VerifiedRecord,
) -> Result<(), DatabaseError> {
    sqlx::query("UPDATE devices SET record = $2 WHERE device_id = $1")
        .bind(record.device_id().as_str())
        .bind(to_json(record))
        .execute(connection)
        .await?;
    Ok(())
}

fn to_json(record: &VerifiedRecord) -> String {
    serde_json::to_string(record.as_record()).expect("a record of strings and numbers")
}
