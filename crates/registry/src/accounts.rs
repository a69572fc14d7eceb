//! Accounts: who owns devices.

use protocol::http::Role;
use protocol::id::AccountId;
use sqlx::SqliteConnection;

use crate::database::{DatabaseError, Registry, to_sql};

/// Who owns devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub account_id: AccountId,
    /// What it may do.
    pub role: Role,
    /// When it was made, in Unix milliseconds.
    pub created_ms: u64,
}

impl Registry {
    /// Whether the first account exists.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_set_up(&self) -> Result<bool, DatabaseError> {
        let row = sqlx::query("SELECT 1 FROM accounts LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }
}

pub(crate) async fn insert_account(
    connection: &mut SqliteConnection,
    account: &Account,
) -> Result<(), DatabaseError> {
    sqlx::query("INSERT INTO accounts (account_id, role, created_ms) VALUES ($1, $2, $3)")
        .bind(account.account_id.as_str())
        .bind(account.role.as_str())
        .bind(to_sql(account.created_ms))
        .execute(connection)
        .await?;
    Ok(())
}

pub(crate) fn read_role(text: &str) -> Result<Role, DatabaseError> {
    match text {
        "admin" => Ok(Role::Admin),
        "member" => Ok(Role::Member),
        _ => Err(DatabaseError::Unreadable { what: "role" }),
    }
}

pub(crate) fn read_id<T, E>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
    what: &'static str,
) -> Result<T, DatabaseError> {
    parse(text).map_err(|_| DatabaseError::Unreadable { what })
}
