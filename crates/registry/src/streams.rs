//! Streams: whose a name is, whether anybody may view it, and whether it is recorded.

use protocol::id::{AccountId, ShareId};
use protocol::stream::StreamName;
use sqlx::SqliteConnection;

use crate::accounts::read_id;
use crate::audit::{self, AuditAction, Subject};
use crate::database::{DatabaseError, Registry, from_sql, to_sql};
use crate::shares;

/// The most streams of one account.
pub const MAX_STREAMS_PER_ACCOUNT: usize = 100;

/// A name that an account has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The name.
    pub name: StreamName,
    /// Whose it is.
    pub account: AccountId,
    /// Whether anybody may view it.
    pub is_public: bool,
    /// Whether it is recorded.
    pub is_recorded: bool,
    /// Since when the account has it, in Unix milliseconds.
    pub created_ms: u64,
}

/// What is said of a stream; what is not said stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamChange {
    /// Whether anybody may view it.
    pub is_public: Option<bool>,
    /// Whether it is recorded.
    pub is_recorded: Option<bool>,
}

/// Why a stream cannot be had or changed.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// Nobody has the name.
    #[error("no stream is called {name}")]
    NotFound {
        /// The name.
        name: StreamName,
    },
    /// Another account has the name.
    #[error("the stream {name} belongs to another account")]
    Taken {
        /// The name.
        name: StreamName,
    },
    /// The account has [`MAX_STREAMS_PER_ACCOUNT`].
    #[error("the account has {MAX_STREAMS_PER_ACCOUNT} streams, and no more are allowed")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<sqlx::Error> for StreamError {
    fn from(error: sqlx::Error) -> Self {
        DatabaseError::from(error).into()
    }
}

#[derive(sqlx::FromRow)]
struct StreamRow {
    name: String,
    account_id: String,
    is_public: i64,
    is_recorded: i64,
    created_ms: i64,
}

impl Registry {
    /// The stream of a name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn stream(&self, name: &StreamName) -> Result<Option<Stream>, DatabaseError> {
        find_stream(&mut *self.pool.acquire().await?, name).await
    }

    /// The streams of an account, or all of them, by name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn streams(&self, of: Option<&AccountId>) -> Result<Vec<Stream>, DatabaseError> {
        let rows: Vec<StreamRow> = sqlx::query_as(
            "SELECT name, account_id, is_public, is_recorded, created_ms FROM streams \
             WHERE $1 IS NULL OR account_id = $1 ORDER BY name",
        )
        .bind(of.map(AccountId::as_str))
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(StreamRow::read).collect()
    }

    /// The stream of a name, which becomes the account's where nobody has it.
    ///
    /// # Errors
    /// Another account has it, or the account has too many.
    pub async fn claim_stream(
        &self,
        name: &StreamName,
        account: &AccountId,
        now_ms: u64,
    ) -> Result<Stream, StreamError> {
        // A camera asks every five minutes: that waits for no writer.
        if let Some(stream) = self.stream(name).await? {
            return stream.of(Some(account));
        }
        let mut transaction = self.write().await?;
        let stream = find_or_insert(&mut transaction, name, account, now_ms).await?;
        transaction.commit().await?;
        Ok(stream)
    }

    /// Changes a stream. `by` an account, a name that nobody has becomes its; by the operator
    /// (`None`), the name must exist.
    ///
    /// # Errors
    /// As [`Registry::claim_stream`]; by the operator, nobody has the name.
    pub async fn put_stream(
        &self,
        name: &StreamName,
        by: Option<&AccountId>,
        change: StreamChange,
        now_ms: u64,
    ) -> Result<Stream, StreamError> {
        let mut transaction = self.write().await?;
        let before = match by {
            Some(account) => find_or_insert(&mut transaction, name, account, now_ms).await?,
            None => own_stream(&mut transaction, name, None).await?,
        };
        let stream = Stream {
            is_public: change.is_public.unwrap_or(before.is_public),
            is_recorded: change.is_recorded.unwrap_or(before.is_recorded),
            ..before.clone()
        };
        sqlx::query("UPDATE streams SET is_public = $2, is_recorded = $3 WHERE name = $1")
            .bind(name.as_str())
            .bind(i64::from(stream.is_public))
            .bind(i64::from(stream.is_recorded))
            .execute(&mut *transaction)
            .await?;
        for action in stream.changes_since(&before) {
            audit::append(&mut transaction, action, subject(name, by), now_ms).await?;
        }
        transaction.commit().await?;
        Ok(stream)
    }

    /// Writes down that an account, or the operator (`None`), deletes recordings of a stream.
    ///
    /// # Errors
    /// Nobody has the name, or another account than `by`.
    pub async fn note_deleted_recordings(
        &self,
        name: &StreamName,
        by: Option<&AccountId>,
        now_ms: u64,
    ) -> Result<(), StreamError> {
        let mut transaction = self.write().await?;
        own_stream(&mut transaction, name, by).await?;
        let (action, subject) = (AuditAction::RecordingsDeleted, subject(name, by));
        audit::append(&mut transaction, action, subject, now_ms).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets a stream with its shares, whose ids are returned: from here on anybody may have
    /// the name.
    ///
    /// # Errors
    /// Nobody has the name, or another account than `by`.
    pub async fn forget_stream(
        &self,
        name: &StreamName,
        by: Option<&AccountId>,
        now_ms: u64,
    ) -> Result<Vec<ShareId>, StreamError> {
        let mut transaction = self.write().await?;
        own_stream(&mut transaction, name, by).await?;
        let shares = shares::delete_all(&mut transaction, name).await?;
        sqlx::query("DELETE FROM streams WHERE name = $1")
            .bind(name.as_str())
            .execute(&mut *transaction)
            .await?;
        let action = AuditAction::StreamForgotten;
        audit::append(&mut transaction, action, subject(name, by), now_ms).await?;
        transaction.commit().await?;
        Ok(shares)
    }
}

impl Stream {
    /// The stream, if `account` has it; any stream for the operator.
    fn of(self, account: Option<&AccountId>) -> Result<Self, StreamError> {
        match account {
            Some(account) if *account != self.account => {
                Err(StreamError::Taken { name: self.name })
            }
            _ => Ok(self),
        }
    }
}

impl Stream {
    /// What the audit log tells of a change.
    fn changes_since(&self, before: &Self) -> Vec<AuditAction> {
        let mut changes = Vec::new();
        if self.is_public != before.is_public {
            changes.push(match self.is_public {
                true => AuditAction::StreamOpened,
                false => AuditAction::StreamClosed,
            });
        }
        if self.is_recorded != before.is_recorded {
            changes.push(match self.is_recorded {
                true => AuditAction::RecordingBegun,
                false => AuditAction::RecordingEnded,
            });
        }
        changes
    }
}

impl StreamRow {
    fn read(self) -> Result<Stream, DatabaseError> {
        Ok(Stream {
            name: read_id(&self.name, StreamName::parse, "stream name")?,
            account: read_id(&self.account_id, AccountId::parse, "account id")?,
            is_public: self.is_public != 0,
            is_recorded: self.is_recorded != 0,
            created_ms: from_sql(self.created_ms),
        })
    }
}

/// A stream that `by` may change.
pub(crate) async fn own_stream(
    connection: &mut SqliteConnection,
    name: &StreamName,
    by: Option<&AccountId>,
) -> Result<Stream, StreamError> {
    match find_stream(connection, name).await? {
        Some(stream) => stream.of(by),
        None => Err(StreamError::NotFound { name: name.clone() }),
    }
}

async fn find_stream(
    connection: &mut SqliteConnection,
    name: &StreamName,
) -> Result<Option<Stream>, DatabaseError> {
    let row: Option<StreamRow> = sqlx::query_as(
        "SELECT name, account_id, is_public, is_recorded, created_ms FROM streams WHERE name = $1",
    )
    .bind(name.as_str())
    .fetch_optional(connection)
    .await?;
    row.map(StreamRow::read).transpose()
}

/// The caller holds the write lock.
async fn find_or_insert(
    connection: &mut SqliteConnection,
    name: &StreamName,
    account: &AccountId,
    now_ms: u64,
) -> Result<Stream, StreamError> {
    if let Some(stream) = find_stream(connection, name).await? {
        return stream.of(Some(account));
    }
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM streams WHERE account_id = $1")
        .bind(account.as_str())
        .fetch_one(&mut *connection)
        .await?;
    if from_sql(count) >= MAX_STREAMS_PER_ACCOUNT as u64 {
        return Err(StreamError::TooMany);
    }
    sqlx::query(
        "INSERT INTO streams (name, account_id, is_public, created_ms) VALUES ($1, $2, 0, $3)",
    )
    .bind(name.as_str())
    .bind(account.as_str())
    .bind(to_sql(now_ms))
    .execute(&mut *connection)
    .await?;
    let subject = subject(name, Some(account));
    audit::append(connection, AuditAction::StreamAdded, subject, now_ms).await?;
    Ok(Stream {
        name: name.clone(),
        account: account.clone(),
        is_public: false,
        is_recorded: false,
        created_ms: now_ms,
    })
}

fn subject<'a>(name: &'a StreamName, by: Option<&'a AccountId>) -> Subject<'a> {
    Subject {
        account: by,
        stream: Some(name),
        ..Subject::default()
    }
}
