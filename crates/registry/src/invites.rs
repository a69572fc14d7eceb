//! Setup and account links: stored as hashes, redeemed once.

use identity::{Assertion, SecretHash, VerifiedRecord};
use protocol::base64url;
use protocol::http::Role;
use protocol::id::AccountId;

use crate::accounts::{Account, insert_account, read_role};
use crate::assertions::insert_assertion;
use crate::audit::{self, AuditAction, Subject};
use crate::database::{DatabaseError, Registry, from_sql, to_sql};
use crate::devices::{find_device, insert_device, touch_device};

/// The account that an invite became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redeemed {
    /// The account.
    pub account: Account,
    /// Whether it is the first of this server.
    pub is_first: bool,
}

/// Why an invite cannot be redeemed.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// No invite has this secret.
    #[error("no invite has this secret")]
    Unknown,
    /// It was redeemed before.
    #[error("the invite was used before")]
    Used,
    /// It is too old.
    #[error("the invite has expired")]
    Expired,
    /// The device has an account. The invite stays open.
    #[error("the device has an account already")]
    DeviceKnown,
    /// The device was revoked. The invite stays open.
    #[error("the device is revoked")]
    DeviceRevoked,
    /// The device's assertion was used before. The invite stays open.
    #[error("the assertion was used before")]
    AssertionUsed,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<sqlx::Error> for RedeemError {
    fn from(error: sqlx::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

#[derive(sqlx::FromRow)]
struct InviteRow {
    role: String,
    expires_ms: i64,
    used_ms: Option<i64>,
}

impl Registry {
    /// Stores a setup invite, for an admin account, in place of every open one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create_setup_invite(
        &self,
        secret: &SecretHash,
        now_ms: u64,
        expires_ms: u64,
    ) -> Result<(), DatabaseError> {
        let mut transaction = self.write().await?;
        sqlx::query("DELETE FROM invites WHERE kind = 'setup' AND used_ms IS NULL")
            .execute(&mut *transaction)
            .await?;
        insert(
            &mut transaction,
            secret,
            ("setup", Role::Admin),
            (now_ms, expires_ms),
        )
        .await?;
        let action = AuditAction::SetupInviteCreated;
        audit::append(&mut transaction, action, Subject::default(), now_ms).await?;
        Ok(transaction.commit().await?)
    }

    /// Stores an invite for one more account, made by the admin `by`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create_account_invite(
        &self,
        secret: &SecretHash,
        role: Role,
        by: &AccountId,
        now_ms: u64,
        expires_ms: u64,
    ) -> Result<(), DatabaseError> {
        let mut transaction = self.write().await?;
        insert(
            &mut transaction,
            secret,
            ("account", role),
            (now_ms, expires_ms),
        )
        .await?;
        let subject = Subject {
            account: Some(by),
            ..Subject::default()
        };
        let action = AuditAction::AccountInviteCreated;
        audit::append(&mut transaction, action, subject, now_ms).await?;
        Ok(transaction.commit().await?)
    }

    /// Makes the account `account_id` (16 random bytes) with its first device and uses invite
    /// and assertion up, all or nothing. Whoever has no open invite writes nothing.
    ///
    /// # Errors
    /// The invite does not serve, or the device cannot join; the latter leaves the invite open.
    pub async fn redeem_invite(
        &self,
        secret: &SecretHash,
        record: &VerifiedRecord,
        assertion: &Assertion,
        account_id: AccountId,
        now_ms: u64,
    ) -> Result<Redeemed, RedeemError> {
        // A guess does not get to wait for the write lock, nor others for it.
        check_open(&mut *self.pool.acquire().await?, secret, now_ms).await?;
        let mut transaction = self.write().await?;
        let role = check_open(&mut transaction, secret, now_ms).await?;
        if let Some(device) = find_device(&mut transaction, record.device_id()).await? {
            let revoked = device.is_revoked();
            return Err(if revoked {
                RedeemError::DeviceRevoked
            } else {
                RedeemError::DeviceKnown
            });
        }
        if !insert_assertion(&mut transaction, assertion).await? {
            return Err(RedeemError::AssertionUsed);
        }
        let first = sqlx::query("SELECT 1 FROM accounts LIMIT 1");
        let is_first = first.fetch_optional(&mut *transaction).await?.is_none();
        let account = Account {
            account_id,
            role,
            created_ms: now_ms,
        };
        insert_account(&mut transaction, &account).await?;
        let subject = Subject {
            account: Some(&account.account_id),
            ..Subject::default()
        };
        audit::append(
            &mut transaction,
            AuditAction::AccountCreated,
            subject,
            now_ms,
        )
        .await?;
        insert_device(&mut transaction, record, &account.account_id, now_ms).await?;
        touch_device(&mut transaction, record.device_id(), now_ms).await?;
        sqlx::query("UPDATE invites SET used_ms = $2 WHERE secret_hash = $1")
            .bind(base64url::encode(secret.as_bytes()))
            .bind(to_sql(now_ms))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Redeemed { account, is_first })
    }
}

async fn insert(
    connection: &mut sqlx::SqliteConnection,
    secret: &SecretHash,
    (kind, role): (&'static str, Role),
    (now_ms, expires_ms): (u64, u64),
) -> Result<(), DatabaseError> {
    sqlx::query(
        "INSERT INTO invites (secret_hash, kind, role, created_ms, expires_ms) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(base64url::encode(secret.as_bytes()))
    .bind(kind)
    .bind(role.as_str())
    .bind(to_sql(now_ms))
    .bind(to_sql(expires_ms))
    .execute(connection)
    .await?;
    Ok(())
}

/// The role that an open invite gives. It stays open while the caller holds the write lock.
async fn check_open(
    connection: &mut sqlx::SqliteConnection,
    secret: &SecretHash,
    now_ms: u64,
) -> Result<Role, RedeemError> {
    let row: Option<InviteRow> =
        sqlx::query_as("SELECT role, expires_ms, used_ms FROM invites WHERE secret_hash = $1")
            .bind(base64url::encode(secret.as_bytes()))
            .fetch_optional(connection)
            .await?;
    let row = row.ok_or(RedeemError::Unknown)?;
    if row.used_ms.is_some() {
        return Err(RedeemError::Used);
    }
    if now_ms >= from_sql(row.expires_ms) {
        return Err(RedeemError::Expired);
    }
    Ok(read_role(&row.role)?)
}
