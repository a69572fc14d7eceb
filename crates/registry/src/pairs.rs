//! Pairs: who may link with whom, and their end. How they begin is in `new_pairs`.

use protocol::id::{AccountId, DeviceId, PairId};
use sqlx::SqliteConnection;

use crate::accounts::read_id;
use crate::audit::{self, AuditAction, Subject};
use crate::database::{DatabaseError, Registry, from_sql, to_sql};
use crate::devices::{Device, RenameError, find_device, read_label};

/// Two devices that may link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The pair.
    pub pair_id: PairId,
    /// Whether both devices signed it.
    pub is_verified: bool,
    /// When they paired, in Unix milliseconds.
    pub created_ms: u64,
    /// When it was revoked, in Unix milliseconds.
    pub revoked_ms: Option<u64>,
    /// The lower device id first.
    pub sides: [PairSide; 2],
}

/// One device of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairSide {
    /// The device.
    pub device: Device,
    /// What its account calls the pair.
    pub label: Option<String>,
}

/// A pair that was revoked, and whose sockets to cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedPair {
    /// The pair.
    pub pair_id: PairId,
    /// Its devices.
    pub devices: [DeviceId; 2],
}

/// Why a pair cannot be revoked.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// No such pair, or it was revoked before.
    #[error("no such pair")]
    NotFound,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

#[derive(sqlx::FromRow)]
struct PairRow {
    pair_id: String,
    device_a: String,
    device_b: String,
    created_ms: i64,
    sig_a: Option<String>,
    label_a: Option<String>,
    label_b: Option<String>,
    revoked_ms: Option<i64>,
}

impl Pair {
    /// Whether it or one of its devices was revoked.
    pub fn is_revoked(&self) -> bool {
        self.revoked_ms.is_some() || self.sides.iter().any(|side| side.device.is_revoked())
    }

    /// Whether the device is one of the two.
    pub fn has_device(&self, device: &DeviceId) -> bool {
        self.sides.iter().any(|side| side.device.id() == device)
    }

    /// Whether one of the two is the account's.
    pub fn has_account(&self, account: &AccountId) -> bool {
        self.sides
            .iter()
            .any(|side| side.device.account == *account)
    }

    /// The other device of the pair.
    pub fn peer_of(&self, device: &DeviceId) -> Option<&Device> {
        let [a, b] = &self.sides;
        match device {
            device if a.device.id() == device => Some(&b.device),
            device if b.device.id() == device => Some(&a.device),
            _ => None,
        }
    }

    /// What the account calls it.
    pub fn label_for(&self, account: &AccountId) -> Option<&str> {
        let side = self
            .sides
            .iter()
            .find(|side| side.device.account == *account)?;
        side.label.as_deref()
    }
}

impl Registry {
    /// A pair, also a revoked one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pair(&self, pair: &PairId) -> Result<Option<Pair>, DatabaseError> {
        let mut connection = self.pool.acquire().await?;
        find_pair(&mut connection, pair).await
    }

    /// The pairs with a device of the account that are not revoked, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pairs_of_account(&self, account: &AccountId) -> Result<Vec<Pair>, DatabaseError> {
        let mut connection = self.pool.acquire().await?;
        let rows: Vec<PairRow> = sqlx::query_as(
            "SELECT p.* FROM device_pairs p JOIN devices a ON a.device_id = p.device_a \
             JOIN devices b ON b.device_id = p.device_b \
             WHERE p.revoked_ms IS NULL AND (a.account_id = $1 OR b.account_id = $1) \
             ORDER BY p.created_ms, p.pair_id",
        )
        .bind(account.as_str())
        .fetch_all(&mut *connection)
        .await?;
        read_all(&mut connection, rows).await
    }

    /// Every pair, also revoked ones, oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn all_pairs(&self) -> Result<Vec<Pair>, DatabaseError> {
        let mut connection = self.pool.acquire().await?;
        let rows: Vec<PairRow> =
            sqlx::query_as("SELECT * FROM device_pairs ORDER BY created_ms, pair_id")
                .fetch_all(&mut *connection)
                .await?;
        read_all(&mut connection, rows).await
    }

    /// Gives a pair the label that `account` sees; an empty one takes it away.
    ///
    /// # Errors
    /// No such live pair of the account, or the label breaks the rules of names.
    pub async fn rename_pair(
        &self,
        pair: &PairId,
        account: &AccountId,
        label: &str,
    ) -> Result<(), RenameError> {
        let label = read_label(label)?;
        let mut transaction = self.write().await?;
        let stored = find_pair(&mut transaction, pair).await?;
        let stored = stored.filter(|stored| !stored.is_revoked() && stored.has_account(account));
        let [a, b] = stored.ok_or(RenameError::NotFound)?.sides;
        let is_own = |side: &PairSide| side.device.account == *account;
        let (label_a, label_b) = (a.label.as_deref(), b.label.as_deref());
        sqlx::query("UPDATE device_pairs SET label_a = $2, label_b = $3 WHERE pair_id = $1")
            .bind(pair.as_str())
            .bind(if is_own(&a) { label } else { label_a })
            .bind(if is_own(&b) { label } else { label_b })
            .execute(&mut *transaction)
            .await
            .map_err(DatabaseError::from)?;
        Ok(transaction.commit().await.map_err(DatabaseError::from)?)
    }

    /// Revokes a pair, for good. Says what to cut.
    ///
    /// # Errors
    /// No such live pair.
    pub async fn revoke_pair(
        &self,
        pair: &PairId,
        by: Option<&AccountId>,
        now_ms: u64,
    ) -> Result<RevokedPair, PairError> {
        let mut transaction = self.write().await?;
        let stored = find_pair(&mut transaction, pair).await?;
        let stored = stored.filter(|stored| stored.revoked_ms.is_none());
        let [a, b] = stored.ok_or(PairError::NotFound)?.sides;
        mark_revoked(&mut transaction, pair, by, None, now_ms).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        let devices = [a.device.record.device_id, b.device.record.device_id];
        Ok(RevokedPair {
            pair_id: pair.clone(),
            devices,
        })
    }
}

/// Revokes every live pair of a device.
pub(crate) async fn revoke_pairs_of(
    connection: &mut SqliteConnection,
    device: &DeviceId,
    by: Option<&AccountId>,
    now_ms: u64,
) -> Result<Vec<RevokedPair>, DatabaseError> {
    let rows: Vec<PairRow> = sqlx::query_as(
        "SELECT * FROM device_pairs WHERE revoked_ms IS NULL \
         AND (device_a = $1 OR device_b = $1) ORDER BY pair_id",
    )
    .bind(device.as_str())
    .fetch_all(&mut *connection)
    .await?;
    let mut revoked = Vec::with_capacity(rows.len());
    for row in rows {
        let pair_id = read_id(&row.pair_id, PairId::parse, "pair id")?;
        mark_revoked(connection, &pair_id, by, None, now_ms).await?;
        revoked.push(RevokedPair {
            pair_id,
            devices: row.devices()?,
        });
    }
    Ok(revoked)
}

/// Ends a pair; `replaced_by` is the one that took its place.
pub(crate) async fn mark_revoked(
    connection: &mut SqliteConnection,
    pair: &PairId,
    by: Option<&AccountId>,
    replaced_by: Option<&PairId>,
    now_ms: u64,
) -> Result<(), DatabaseError> {
    sqlx::query("UPDATE device_pairs SET revoked_ms = $2 WHERE pair_id = $1")
        .bind(pair.as_str())
        .bind(to_sql(now_ms))
        .execute(&mut *connection)
        .await?;
    let subject = Subject {
        account: by,
        pair: Some(pair),
        replaced_by,
        ..Subject::default()
    };
    let action = match replaced_by {
        Some(_) => AuditAction::PairReplaced,
        None => AuditAction::PairRevoked,
    };
    audit::append(connection, action, subject, now_ms).await
}

pub(crate) async fn find_pair(
    connection: &mut SqliteConnection,
    pair: &PairId,
) -> Result<Option<Pair>, DatabaseError> {
    let row: Option<PairRow> = sqlx::query_as("SELECT * FROM device_pairs WHERE pair_id = $1")
        .bind(pair.as_str())
        .fetch_optional(&mut *connection)
        .await?;
    match row {
        Some(row) => row.read(connection).await.map(Some),
        None => Ok(None),
    }
}

async fn read_all(
    connection: &mut SqliteConnection,
    rows: Vec<PairRow>,
) -> Result<Vec<Pair>, DatabaseError> {
    let mut pairs = Vec::with_capacity(rows.len());
    for row in rows {
        pairs.push(row.read(connection).await?);
    }
    Ok(pairs)
}

impl PairRow {
    fn devices(&self) -> Result<[DeviceId; 2], DatabaseError> {
        let read = |id: &str| read_id(id, DeviceId::parse, "device id");
        Ok([read(&self.device_a)?, read(&self.device_b)?])
    }

    async fn read(self, connection: &mut SqliteConnection) -> Result<Pair, DatabaseError> {
        let [a, b] = self.devices()?;
        let missing = DatabaseError::Unreadable {
            what: "device of a pair",
        };
        let a = find_device(connection, &a).await?;
        let b = find_device(connection, &b).await?;
        let (Some(a), Some(b)) = (a, b) else {
            return Err(missing);
        };
        Ok(Pair {
            pair_id: read_id(&self.pair_id, PairId::parse, "pair id")?,
            is_verified: self.sig_a.is_some(),
            created_ms: from_sql(self.created_ms),
            revoked_ms: self.revoked_ms.map(from_sql),
            sides: [
                PairSide {
                    device: a,
                    label: self.label_a,
                },
                PairSide {
                    device: b,
                    label: self.label_b,
                },
            ],
        })
    }
}
