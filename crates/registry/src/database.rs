//! The database file: how it is opened, and what can go wrong with any query.

use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};

/// How long a writer waits for another.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// SQLite has one writer; a few readers beside it are enough.
const MAX_CONNECTIONS: u32 = 4;
/// Owner only: the file holds the keys that sign tokens.
const FILE_MODE: u32 = 0o600;

/// Everything durable. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Registry {
    pub(crate) pool: SqlitePool,
}

/// Why the registry cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not `sqlite:PATH`.
    #[error("the registry url {url:?} is not sqlite:PATH")]
    Url {
        /// The URL.
        url: String,
    },
    /// The file cannot be made or its mode not set.
    #[error("the registry file {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not a database, or locked by another program.
    #[error("the registry cannot be opened")]
    Database(#[source] sqlx::Error),
    /// The schema cannot be brought up to date.
    #[error("the registry's schema cannot be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// A query failed, or found what this program never wrote.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The query failed.
    #[error("the registry failed")]
    Query(#[from] sqlx::Error),
    /// A stored value cannot be read.
    #[error("the registry holds an unreadable {what}")]
    Unreadable {
        /// Which value.
        what: &'static str,
    },
}

impl Registry {
    /// Opens `sqlite:PATH`, makes the file (mode 0600) and the tables where they are missing.
    ///
    /// # Errors
    /// Another kind of URL, an unwritable path, or a file that is no database.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let path = url.strip_prefix("sqlite:").filter(|path| !path.is_empty());
        let path = path.ok_or_else(|| OpenError::Url {
            url: url.to_owned(),
        })?;
        Self::open_file(Path::new(path)).await
    }

    /// Opens a file, as [`Registry::open`] does.
    ///
    /// # Errors
    /// An unwritable path, or a file that is no database.
    pub async fn open_file(path: &Path) -> Result<Self, OpenError> {
        restrict(path).map_err(|source| OpenError::File {
            path: path.to_owned(),
            source,
        })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            // NORMAL may lose the last transactions when the power fails; an answer was given.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .connect_with(options)
            .await
            .map_err(OpenError::Database)?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { pool })
    }

    /// Waits for running queries and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that may write. Taking the write lock at once means that what it reads
    /// stays true until it commits, and that it never fails half way for another writer.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, DatabaseError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// SQLite gives its `-wal` and `-shm` files the mode of the database.
fn restrict(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(FILE_MODE))
}

/// A time as SQL stores it.
pub(crate) fn to_sql(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// A time as SQL stored it.
pub(crate) fn from_sql(time: i64) -> u64 {
    u64::try_from(time).unwrap_or(0)
}
