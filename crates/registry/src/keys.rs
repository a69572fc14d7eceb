//! The signing keys of tokens, kept as seeds.

use identity::{KeyRing, RetiredKey, SigningKey, UnknownKey};
use protocol::base64url::{self, Base64Url};
use protocol::id::{AccountId, DeviceId};
use sqlx::SqliteConnection;

use crate::audit::{self, AuditAction, Subject};
use crate::database::{DatabaseError, Registry, from_sql, to_sql};

/// Why a key cannot be killed.
#[derive(Debug, thiserror::Error)]
pub enum KillKeyError {
    /// No such key.
    #[error(transparent)]
    UnknownKey(#[from] UnknownKey),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl Registry {
    /// The stored keys, or on the first start new ones from `fresh` seeds.
    ///
    /// # Errors
    /// The database failed.
    pub async fn load_or_create_key_ring(
        &self,
        fresh: [[u8; 32]; 2],
        now_ms: u64,
    ) -> Result<KeyRing, DatabaseError> {
        let mut transaction = self.write().await?;
        if let Some(ring) = load(&mut transaction).await? {
            return Ok(ring);
        }
        let [current, next] = fresh.map(SigningKey::from_seed);
        let ring = KeyRing::new(Vec::new(), current, next);
        store(&mut transaction, &ring, now_ms).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(ring)
    }

    /// The next key signs from here on; the current one verifies until its tokens have expired.
    ///
    /// # Errors
    /// The database failed, or no keys were made yet.
    pub async fn rotate_keys(
        &self,
        fresh: [u8; 32],
        by: Option<&AccountId>,
        now_ms: u64,
    ) -> Result<KeyRing, DatabaseError> {
        let mut transaction = self.write().await?;
        let ring = load(&mut transaction).await?;
        let ring = ring.ok_or(DatabaseError::Unreadable { what: "key ring" })?;
        let ring = ring.rotated(SigningKey::from_seed(fresh), now_ms / 1000);
        store(&mut transaction, &ring, now_ms).await?;
        let subject = Subject {
            account: by,
            ..Subject::default()
        };
        audit::append(&mut transaction, AuditAction::KeysRotated, subject, now_ms).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(ring)
    }

    /// Takes a key out of the ring: its tokens are refused, also after a restart.
    ///
    /// # Errors
    /// No key has this name, or the database failed.
    pub async fn kill_key(
        &self,
        kid: &DeviceId,
        fresh: [u8; 32],
        by: Option<&AccountId>,
        now_ms: u64,
    ) -> Result<KeyRing, KillKeyError> {
        let mut transaction = self.write().await?;
        let ring = load(&mut transaction).await?;
        let ring = ring.ok_or(DatabaseError::Unreadable { what: "key ring" })?;
        let ring = ring.without(kid, SigningKey::from_seed(fresh))?;
        store(&mut transaction, &ring, now_ms).await?;
        let subject = Subject {
            account: by,
            ..Subject::default()
        };
        audit::append(&mut transaction, AuditAction::KeyKilled, subject, now_ms).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(ring)
    }
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    place: String,
    seed: String,
    retired_s: Option<i64>,
}

impl KeyRow {
    fn key(&self) -> Result<SigningKey, DatabaseError> {
        let seed = Base64Url::parse(&self.seed);
        let seed = seed.map_err(|_| DatabaseError::Unreadable {
            what: "signing key",
        })?;
        Ok(SigningKey::from_seed(seed.0))
    }
}

async fn load(connection: &mut SqliteConnection) -> Result<Option<KeyRing>, DatabaseError> {
    let rows: Vec<KeyRow> = sqlx::query_as(
        "SELECT place, seed, retired_s FROM signing_keys ORDER BY retired_s DESC, stored_ms DESC",
    )
    .fetch_all(connection)
    .await?;
    let (mut retired, mut current, mut next) = (Vec::new(), None, None);
    for row in rows {
        let key = row.key()?;
        match (row.place.as_str(), row.retired_s) {
            ("current", None) => current = Some(key),
            ("next", None) => next = Some(key),
            (_, since) => retired.push(RetiredKey {
                key,
                retired_s: from_sql(since.unwrap_or_default()),
            }),
        }
    }
    match (current, next) {
        (Some(current), Some(next)) => Ok(Some(KeyRing::new(retired, current, next))),
        (None, None) => Ok(None),
        _ => Err(DatabaseError::Unreadable { what: "key ring" }),
    }
}

async fn store(
    connection: &mut SqliteConnection,
    ring: &KeyRing,
    now_ms: u64,
) -> Result<(), DatabaseError> {
    sqlx::query("DELETE FROM signing_keys")
        .execute(&mut *connection)
        .await?;
    let retired = ring.retired().iter();
    let retired = retired.map(|retired| ("retired", &retired.key, Some(to_sql(retired.retired_s))));
    let places = [
        ("current", ring.current(), None),
        ("next", ring.next(), None),
    ];
    for (place, key, retired_s) in retired.chain(places) {
        sqlx::query(
            "INSERT INTO signing_keys (place, kid, seed, stored_ms, retired_s) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(place)
        .bind(key.thumbprint().as_str())
        .bind(base64url::encode(key.seed()))
        .bind(to_sql(now_ms))
        .bind(retired_s)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
