//! How pairs begin: with both signatures, or by an admin's word.

use identity::{VerifiedPair, VerifiedRecord};
use protocol::id::{AccountId, DeviceId, PairId};
use sqlx::SqliteConnection;

use crate::accounts::read_id;
use crate::audit::{self, AuditAction, Subject};
use crate::database::{DatabaseError, Registry, to_sql};
use crate::devices::{Device, find_device, insert_device, update_record};
use crate::pairs::{Pair, find_pair, mark_revoked};

/// A pair that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedPair {
    /// The pair.
    pub pair: Pair,
    /// The device that joined the inviter's account, where it was not known.
    pub new_device: Option<DeviceId>,
    /// Older pairs of the same two devices, revoked with it, and whose sockets to cut.
    pub replaced: Vec<PairId>,
}

/// Why a pair is not added.
#[derive(Debug, thiserror::Error)]
pub enum AddPairError {
    /// The device that asks is neither of the two.
    #[error("the inviter is neither of the two devices")]
    NotOneOfThem,
    /// The device is on no account.
    #[error("no account has the device {device}")]
    UnknownDevice {
        /// Which.
        device: DeviceId,
    },
    /// The device was revoked: it makes a new identity before it pairs again.
    #[error("the device {device} is revoked")]
    DeviceRevoked {
        /// Which.
        device: DeviceId,
    },
    /// The pair was revoked: its id never comes back.
    #[error("the pair is revoked")]
    PairRevoked,
    /// The id is another pair's.
    #[error("the pair id is taken by another pair")]
    Taken,
    /// A device does not pair with itself.
    #[error("the two devices are one")]
    SameDevice,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<sqlx::Error> for AddPairError {
    fn from(error: sqlx::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

impl Registry {
    /// Stores a pair, all or nothing. A device that no account has joins the inviter's; a known
    /// one keeps its own. Of two devices one pair is live: the one stored last. Adding the same pair again changes nothing, so that a lost answer can
    /// be asked for again.
    ///
    /// # Errors
    /// A device or the pair is revoked, or the inviter is not one of the two.
    pub async fn add_pair(
        &self,
        pair: &VerifiedPair,
        inviter: &DeviceId,
        now_ms: u64,
    ) -> Result<AddedPair, AddPairError> {
        let statement = pair.statement();
        if *inviter != statement.a && *inviter != statement.b {
            return Err(AddPairError::NotOneOfThem);
        }
        let mut transaction = self.write().await?;
        let account = live_device(&mut transaction, inviter).await?.account;
        let mut new_device = None;
        for record in pair.records() {
            if !keep_device(&mut transaction, record, &account, now_ms).await? {
                new_device = Some(record.device_id().clone());
            }
        }
        let devices = [&statement.a, &statement.b];
        if let Some(stored) = find_pair(&mut transaction, &statement.pair_id).await? {
            let pair = check_same(stored, devices)?;
            return Ok(AddedPair {
                pair,
                new_device: None,
                replaced: Vec::new(),
            });
        }
        let signatures = pair.signatures().map(|signature| signature.to_string());
        let id = &statement.pair_id;
        insert(
            &mut transaction,
            id,
            devices,
            Some(&signatures),
            statement.time,
        )
        .await?;
        let subject = Subject {
            account: Some(&account),
            pair: Some(id),
            ..Subject::default()
        };
        audit::append(&mut transaction, AuditAction::PairAdded, subject, now_ms).await?;
        let replaced = replace(&mut transaction, devices, id, &account, now_ms).await?;
        let pair = reread(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(AddedPair {
            pair,
            new_device,
            replaced,
        })
    }

    /// Joins two known devices without their signatures, for foreign clients. Everybody is told
    /// that it is not verified. `pair_id` is 32 random bytes.
    ///
    /// # Errors
    /// One of the devices is not known or revoked, or they are one.
    pub async fn add_unverified_pair(
        &self,
        pair_id: &PairId,
        devices: [&DeviceId; 2],
        by: Option<&AccountId>,
        now_ms: u64,
    ) -> Result<Pair, AddPairError> {
        let [one, other] = devices;
        if one == other {
            return Err(AddPairError::SameDevice);
        }
        let devices = if one < other {
            [one, other]
        } else {
            [other, one]
        };
        let mut transaction = self.write().await?;
        for device in devices {
            live_device(&mut transaction, device).await?;
        }
        if find_pair(&mut transaction, pair_id).await?.is_some() {
            return Err(AddPairError::Taken);
        }
        insert(&mut transaction, pair_id, devices, None, now_ms).await?;
        let subject = Subject {
            account: by,
            pair: Some(pair_id),
            ..Subject::default()
        };
        let action = AuditAction::UnverifiedPairAdded;
        audit::append(&mut transaction, action, subject, now_ms).await?;
        let pair = reread(&mut transaction, pair_id).await?;
        transaction.commit().await?;
        Ok(pair)
    }
}

async fn live_device(
    connection: &mut SqliteConnection,
    device: &DeviceId,
) -> Result<Device, AddPairError> {
    let stored = find_device(connection, device).await?;
    let stored = stored.ok_or_else(|| AddPairError::UnknownDevice {
        device: device.clone(),
    })?;
    if stored.is_revoked() {
        return Err(AddPairError::DeviceRevoked {
            device: device.clone(),
        });
    }
    Ok(stored)
}

/// Adds the device to `account` where it is not known, else takes its record if that is newer.
/// Returns whether it was known.
async fn keep_device(
    connection: &mut SqliteConnection,
    record: &VerifiedRecord,
    account: &AccountId,
    now_ms: u64,
) -> Result<bool, AddPairError> {
    let device = record.device_id();
    match find_device(connection, device).await? {
        Some(stored) if stored.is_revoked() => Err(AddPairError::DeviceRevoked {
            device: device.clone(),
        }),
        Some(stored) => {
            if record.as_record().created > stored.record.created {
                update_record(connection, record).await?;
            }
            Ok(true)
        }
        None => {
            insert_device(connection, record, account, now_ms).await?;
            Ok(false)
        }
    }
}

/// The stored pair, if it is live and between the same two.
fn check_same(stored: Pair, devices: [&DeviceId; 2]) -> Result<Pair, AddPairError> {
    if stored.is_revoked() {
        return Err(AddPairError::PairRevoked);
    }
    if !stored.is_verified || !devices.iter().all(|device| stored.has_device(device)) {
        return Err(AddPairError::Taken);
    }
    Ok(stored)
}

async fn insert(
    connection: &mut SqliteConnection,
    pair: &PairId,
    [a, b]: [&DeviceId; 2],
    signatures: Option<&[String; 2]>,
    created_ms: u64,
) -> Result<(), DatabaseError> {
    sqlx::query(
        "INSERT INTO device_pairs (pair_id, device_a, device_b, created_ms, sig_a, sig_b) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(pair.as_str())
    .bind(a.as_str())
    .bind(b.as_str())
    .bind(to_sql(created_ms))
    .bind(signatures.map(|[sig_a, _]| sig_a))
    .bind(signatures.map(|[_, sig_b]| sig_b))
    .execute(connection)
    .await?;
    Ok(())
}

/// Revokes what the two devices had before the pair `by`.
async fn replace(
    connection: &mut SqliteConnection,
    [a, b]: [&DeviceId; 2],
    by: &PairId,
    account: &AccountId,
    now_ms: u64,
) -> Result<Vec<PairId>, DatabaseError> {
    let older: Vec<String> = sqlx::query_scalar(
        "SELECT pair_id FROM device_pairs WHERE device_a = $1 AND device_b = $2 \
         AND pair_id <> $3 AND revoked_ms IS NULL ORDER BY created_ms, pair_id",
    )
    .bind(a.as_str())
    .bind(b.as_str())
    .bind(by.as_str())
    .fetch_all(&mut *connection)
    .await?;
    let mut replaced = Vec::with_capacity(older.len());
    for pair in older {
        let pair = read_id(&pair, PairId::parse, "pair id")?;
        mark_revoked(connection, &pair, Some(account), Some(by), now_ms).await?;
        replaced.push(pair);
    }
    Ok(replaced)
}

async fn reread(connection: &mut SqliteConnection, pair: &PairId) -> Result<Pair, DatabaseError> {
    let stored = find_pair(connection, pair).await?;
    stored.ok_or(DatabaseError::Unreadable { what: "pair" })
}
