//! Assertions that were used: each works once, also after a restart.

use identity::Assertion;
use protocol::base64url;
use sqlx::SqliteConnection;

use crate::database::{DatabaseError, Registry, to_sql};
use crate::devices::touch_device;

impl Registry {
    /// Notes that an assertion was used, and that its device was seen. True the first time; it
    /// is on the disk by then.
    ///
    /// # Errors
    /// The database failed: the assertion must then be refused.
    pub async fn use_assertion(
        &self,
        assertion: &Assertion,
        now_ms: u64,
    ) -> Result<bool, DatabaseError> {
        let mut transaction = self.write().await?;
        let is_first = insert_assertion(&mut transaction, assertion).await?;
        if is_first {
            touch_device(&mut transaction, &assertion.issuer, now_ms).await?;
            transaction.commit().await?;
        }
        Ok(is_first)
    }

    /// Forgets those that are refused as expired by now. Returns how many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn prune_assertions(&self, now_s: u64) -> Result<u64, DatabaseError> {
        let deleted = sqlx::query("DELETE FROM used_assertions WHERE forget_after_s < $1")
            .bind(to_sql(now_s))
            .execute(&self.pool)
            .await?;
        Ok(deleted.rows_affected())
    }
}

/// Whether it was not there before.
pub(crate) async fn insert_assertion(
    connection: &mut SqliteConnection,
    assertion: &Assertion,
) -> Result<bool, DatabaseError> {
    let inserted = sqlx::query(
        "INSERT INTO used_assertions (issuer, jti_hash, forget_after_s) VALUES ($1, $2, $3) \
         ON CONFLICT DO NOTHING",
    )
    .bind(assertion.issuer.as_str())
    .bind(base64url::encode(&assertion.jti_hash))
    .bind(to_sql(assertion.forget_after_s))
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}
