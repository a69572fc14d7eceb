//! Shares: codes that let somebody without an account publish to a stream, or view it, until
//! they end. Of a code only the hash is stored.

use identity::SecretHash;
use protocol::base64url;
use protocol::id::{AccountId, ShareId};
use protocol::record::{FieldError, check_name};
use protocol::stream::{StreamAction, StreamName};
use sqlx::SqliteConnection;

use crate::accounts::read_id;
use crate::audit::{self, AuditAction, Subject};
use crate::database::{DatabaseError, Registry, from_sql, to_sql};
use crate::streams::{StreamError, own_stream};

/// The most shares of one stream that serve at the same time.
pub const MAX_SHARES_PER_STREAM: usize = 100;
/// How many ended shares of a stream are remembered, to tell their holders that they ended.
const REMEMBERED_ENDED_SHARES: i64 = 100;

/// What a code opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Which share.
    pub id: ShareId,
    /// Of which stream.
    pub stream: StreamName,
    /// What its holder may do.
    pub action: StreamAction,
    /// Whom it is for; may be empty.
    pub label: String,
    /// When it was made, in Unix milliseconds.
    pub created_ms: u64,
    /// From when it no longer serves, in Unix milliseconds.
    pub expires_ms: u64,
}

/// Why a share is not made or ended.
#[derive(Debug, thiserror::Error)]
pub enum ShareError {
    /// The stream is not the account's.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The stream has no such share, or it ended.
    #[error("the stream has no such share")]
    NotFound,
    /// The label breaks a rule.
    #[error(transparent)]
    Label(#[from] FieldError),
    /// The stream has [`MAX_SHARES_PER_STREAM`].
    #[error("the stream has {MAX_SHARES_PER_STREAM} shares, and no more are allowed")]
    TooMany,
}

/// Why a code opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum OpenShareError {
    /// No share has it.
    #[error("no share has this code")]
    Unknown,
    /// The share was revoked.
    #[error("the share was revoked")]
    Revoked,
    /// The share is past its end.
    #[error("the share has expired")]
    Expired,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<sqlx::Error> for ShareError {
    fn from(error: sqlx::Error) -> Self {
        Self::Stream(error.into())
    }
}

impl From<DatabaseError> for ShareError {
    fn from(error: DatabaseError) -> Self {
        Self::Stream(error.into())
    }
}

#[derive(sqlx::FromRow)]
struct ShareRow {
    share_id: String,
    stream: String,
    action: String,
    label: String,
    created_ms: i64,
    expires_ms: i64,
    revoked_ms: Option<i64>,
}

impl Registry {
    /// Stores a share of a stream that `by` has, under the hash of its code.
    ///
    /// # Errors
    /// Not its stream, a label that breaks the rules of names, or too many shares.
    pub async fn create_share(
        &self,
        share: &Share,
        code: &SecretHash,
        by: Option<&AccountId>,
    ) -> Result<(), ShareError> {
        if !share.label.is_empty() {
            check_name(&share.label)?;
        }
        let (stream, now_ms) = (&share.stream, share.created_ms);
        let mut transaction = self.write().await?;
        own_stream(&mut transaction, stream, by).await?;
        if live_shares(&mut transaction, stream, now_ms).await?.len() >= MAX_SHARES_PER_STREAM {
            return Err(ShareError::TooMany);
        }
        forget_ended(&mut transaction, stream, now_ms).await?;
        sqlx::query(
            "INSERT INTO shares \
             (share_id, stream, action, label, code_hash, created_ms, expires_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(share.id.as_str())
        .bind(stream.as_str())
        .bind(share.action.as_str())
        .bind(&share.label)
        .bind(base64url::encode(code.as_bytes()))
        .bind(to_sql(now_ms))
        .bind(to_sql(share.expires_ms))
        .execute(&mut *transaction)
        .await?;
        let subject = subject(stream, &share.id, by);
        audit::append(&mut transaction, AuditAction::ShareCreated, subject, now_ms).await?;
        Ok(transaction.commit().await?)
    }

    /// The shares that serve of a stream that `by` has, oldest first.
    ///
    /// # Errors
    /// Not its stream.
    pub async fn shares(
        &self,
        stream: &StreamName,
        by: Option<&AccountId>,
        now_ms: u64,
    ) -> Result<Vec<Share>, StreamError> {
        let mut connection = self.pool.acquire().await?;
        own_stream(&mut connection, stream, by).await?;
        Ok(live_shares(&mut connection, stream, now_ms).await?)
    }

    /// The share of a code.
    ///
    /// # Errors
    /// No share has the code, or it ended; which of both is told.
    pub async fn open_share(
        &self,
        code: &SecretHash,
        now_ms: u64,
    ) -> Result<Share, OpenShareError> {
        let row: Option<ShareRow> = sqlx::query_as("SELECT * FROM shares WHERE code_hash = $1")
            .bind(base64url::encode(code.as_bytes()))
            .fetch_optional(&self.pool)
            .await
            .map_err(DatabaseError::from)?;
        let row = row.ok_or(OpenShareError::Unknown)?;
        if row.revoked_ms.is_some() {
            return Err(OpenShareError::Revoked);
        }
        if now_ms >= from_sql(row.expires_ms) {
            return Err(OpenShareError::Expired);
        }
        Ok(row.read()?)
    }

    /// Ends a share of a stream that `by` has.
    ///
    /// # Errors
    /// Not its stream, or no such share that serves.
    pub async fn revoke_share(
        &self,
        stream: &StreamName,
        share: &ShareId,
        by: Option<&AccountId>,
        now_ms: u64,
    ) -> Result<(), ShareError> {
        let mut transaction = self.write().await?;
        own_stream(&mut transaction, stream, by).await?;
        let updated = sqlx::query(
            "UPDATE shares SET revoked_ms = $3 \
             WHERE share_id = $1 AND stream = $2 AND revoked_ms IS NULL",
        )
        .bind(share.as_str())
        .bind(stream.as_str())
        .bind(to_sql(now_ms))
        .execute(&mut *transaction)
        .await?;
        if updated.rows_affected() == 0 {
            return Err(ShareError::NotFound);
        }
        let subject = subject(stream, share, by);
        audit::append(&mut transaction, AuditAction::ShareRevoked, subject, now_ms).await?;
        Ok(transaction.commit().await?)
    }
}

impl ShareRow {
    fn read(self) -> Result<Share, DatabaseError> {
        let action = StreamAction::from_word(&self.action);
        Ok(Share {
            id: read_id(&self.share_id, ShareId::parse, "share id")?,
            stream: read_id(&self.stream, StreamName::parse, "stream name")?,
            action: action.ok_or(DatabaseError::Unreadable {
                what: "stream action",
            })?,
            label: self.label,
            created_ms: from_sql(self.created_ms),
            expires_ms: from_sql(self.expires_ms),
        })
    }
}

/// Deletes the shares of a stream and says which there were.
pub(crate) async fn delete_all(
    connection: &mut SqliteConnection,
    stream: &StreamName,
) -> Result<Vec<ShareId>, DatabaseError> {
    let ids: Vec<String> =
        sqlx::query_scalar("DELETE FROM shares WHERE stream = $1 RETURNING share_id")
            .bind(stream.as_str())
            .fetch_all(connection)
            .await?;
    ids.iter()
        .map(|id| read_id(id, ShareId::parse, "share id"))
        .collect()
}

async fn live_shares(
    connection: &mut SqliteConnection,
    stream: &StreamName,
    now_ms: u64,
) -> Result<Vec<Share>, DatabaseError> {
    let rows: Vec<ShareRow> = sqlx::query_as(
        "SELECT * FROM shares WHERE stream = $1 AND revoked_ms IS NULL AND expires_ms > $2 \
         ORDER BY created_ms, share_id",
    )
    .bind(stream.as_str())
    .bind(to_sql(now_ms))
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(ShareRow::read).collect()
}

/// Deletes all shares that ended but for the newest: whoever makes and revokes shares in a loop
/// does not fill the disk.
async fn forget_ended(
    connection: &mut SqliteConnection,
    stream: &StreamName,
    now_ms: u64,
) -> Result<(), DatabaseError> {
    sqlx::query(
        "DELETE FROM shares \
         WHERE stream = $1 AND (revoked_ms IS NOT NULL OR expires_ms <= $2) AND share_id NOT IN (\
         SELECT share_id FROM shares \
         WHERE stream = $1 AND (revoked_ms IS NOT NULL OR expires_ms <= $2) \
         ORDER BY created_ms DESC, share_id LIMIT $3)",
    )
    .bind(stream.as_str())
    .bind(to_sql(now_ms))
    .bind(REMEMBERED_ENDED_SHARES)
    .execute(connection)
    .await?;
    Ok(())
}

fn subject<'a>(
    stream: &'a StreamName,
    share: &'a ShareId,
    by: Option<&'a AccountId>,
) -> Subject<'a> {
    Subject {
        account: by,
        stream: Some(stream),
        share: Some(share),
        ..Subject::default()
    }
}
