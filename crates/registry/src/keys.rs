//! The signing keys of tokens, kept as seeds.

use identity::{KeyRing, SigningKey, UnknownKey};
use protocol::base64url::{self, Base64Url};
use protocol::id::{AccountId, DeviceId};
use sqlx::SqliteConnection;

use crate::audit::{self, AuditAction, Subject};
use crate::database::{DatabaseError, Registry, to_sql};

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
        let ring = KeyRing::new(None, current, next);
        store(&mut transaction, &ring, now_ms).await?;
        transaction.commit().await.map_err(DatabaseError::from)?;
        Ok(ring)
    }

    /// The next key signs from here on; the current one verifies for one more rotation.
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
        let ring = ring.rotated(SigningKey::from_seed(fresh));
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

async fn load(connection: &mut SqliteConnection) -> Result<Option<KeyRing>, DatabaseError> {
    let previous = load_key(connection, "previous").await?;
    let current = load_key(connection, "current").await?;
    let next = load_key(connection, "next").await?;
    match (current, next) {
        (Some(current), Some(next)) => Ok(Some(KeyRing::new(previous, current, next))),
        (None, None) => Ok(None),
        _ => Err(DatabaseError::Unreadable { what: "key ring" }),
    }
}

async fn load_key(
    connection: &mut SqliteConnection,
    place: &'static str,
) -> Result<Option<SigningKey>, DatabaseError> {
    let seed: Option<String> = sqlx::query_scalar("SELECT seed FROM signing_keys WHERE place = $1")
        .bind(place)
        .fetch_optional(connection)
        .await?;
    let Some(seed) = seed else { return Ok(None) };
    let seed = Base64Url::parse(&seed);
    let seed = seed.map_err(|_| DatabaseError::Unreadable {
        what: "signing key",
    })?;
    Ok(Some(SigningKey::from_seed(seed.0)))
}

async fn store(
    connection: &mut SqliteConnection,
    ring: &KeyRing,
    now_ms: u64,
) -> Result<(), DatabaseError> {
    sqlx::query("DELETE FROM signing_keys")
        .execute(&mut *connection)
        .await?;
    let previous = ring.previous().map(|key| ("previous", key));
    let places = [("current", ring.current()), ("next", ring.next())];
    for (place, key) in previous.into_iter().chain(places) {
        sqlx::query(
            "INSERT INTO signing_keys (place, kid, seed, stored_ms) VALUES ($1, $2, $3, $4)",
        )
        .bind(place)
        .bind(key.thumbprint().as_str())
        .bind(base64url::encode(key.seed()))
        .bind(to_sql(now_ms))
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
