//! The audit log: pairings, revocations, key changes and what admins did. Entries are written in
//! the transaction of what they tell.

use protocol::http::{AuditEntry, MAX_AUDIT_ENTRIES};
use protocol::id::{AccountId, DeviceId, PairId, ShareId};
use protocol::stream::StreamName;
use sqlx::SqliteConnection;

use crate::accounts::read_id;
use crate::database::{DatabaseError, Registry, from_sql, to_sql};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuditAction {
    /// A setup link was made.
    SetupInviteCreated,
    /// An account link was made.
    AccountInviteCreated,
    /// An invite became an account.
    AccountCreated,
    /// A device joined an account.
    DeviceAdded,
    /// A device was revoked.
    DeviceRevoked,
    /// Two devices paired.
    PairAdded,
    /// An admin joined two devices without their signatures.
    UnverifiedPairAdded,
    /// A pair was revoked.
    PairRevoked,
    /// A pair ended because its two devices paired again.
    PairReplaced,
    /// The signing keys were rotated.
    KeysRotated,
    /// A signing key was killed.
    KeyKilled,
    /// An account took a stream's name.
    StreamAdded,
    /// Anybody may view a stream.
    StreamOpened,
    /// Only its account and the holders of shares may view a stream.
    StreamClosed,
    /// A stream is recorded.
    RecordingBegun,
    /// A stream is recorded no longer.
    RecordingEnded,
    /// Recordings of a stream were deleted.
    RecordingsDeleted,
    /// A stream's name was given up, and its shares with it.
    StreamForgotten,
    /// A share of a stream was made.
    ShareCreated,
    /// A share of a stream was revoked.
    ShareRevoked,
}

/// What an entry is about.
#[derive(Debug, Default)]
pub(crate) struct Subject<'a> {
    pub(crate) account: Option<&'a AccountId>,
    pub(crate) device: Option<&'a DeviceId>,
    pub(crate) pair: Option<&'a PairId>,
    /// The pair that took its place.
    pub(crate) replaced_by: Option<&'a PairId>,
    pub(crate) stream: Option<&'a StreamName>,
    pub(crate) share: Option<&'a ShareId>,
}

#[derive(sqlx::FromRow)]
struct AuditRow {
    time_ms: i64,
    action: String,
    account_id: Option<String>,
    device_id: Option<String>,
    pair_id: Option<String>,
    replaced_by: Option<String>,
    stream: Option<String>,
    share_id: Option<String>,
}

impl AuditAction {
    /// The name in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            AuditAction::SetupInviteCreated => "setup-invite-created",
            AuditAction::AccountInviteCreated => "account-invite-created",
            AuditAction::AccountCreated => "account-created",
            AuditAction::DeviceAdded => "device-added",
            AuditAction::DeviceRevoked => "device-revoked",
            AuditAction::PairAdded => "pair-added",
            AuditAction::UnverifiedPairAdded => "unverified-pair-added",
            AuditAction::PairRevoked => "pair-revoked",
            AuditAction::PairReplaced => "pair-replaced",
            AuditAction::KeysRotated => "keys-rotated",
            AuditAction::KeyKilled => "key-killed",
            AuditAction::StreamAdded => "stream-added",
            AuditAction::StreamOpened => "stream-opened",
            AuditAction::StreamClosed => "stream-closed",
            AuditAction::RecordingBegun => "recording-begun",
            AuditAction::RecordingEnded => "recording-ended",
            AuditAction::RecordingsDeleted => "recordings-deleted",
            AuditAction::StreamForgotten => "stream-forgotten",
            AuditAction::ShareCreated => "share-created",
            AuditAction::ShareRevoked => "share-revoked",
        }
    }
}

impl Registry {
    /// The newest entries first, at most [`MAX_AUDIT_ENTRIES`].
    ///
    /// # Errors
    /// The database failed.
    pub async fn audit_log(&self) -> Result<Vec<AuditEntry>, DatabaseError> {
        let rows: Vec<AuditRow> = sqlx::query_as(
            "SELECT time_ms, action, account_id, device_id, pair_id, replaced_by, stream, \
             share_id FROM audit_log ORDER BY sequence DESC LIMIT $1",
        )
        .bind(i64::try_from(MAX_AUDIT_ENTRIES).expect("a small number"))
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(AuditRow::read).collect()
    }
}

impl AuditRow {
    fn read(self) -> Result<AuditEntry, DatabaseError> {
        let account = self
            .account_id
            .map(|id| read_id(&id, AccountId::parse, "account id"));
        let device = self
            .device_id
            .map(|id| read_id(&id, DeviceId::parse, "device id"));
        let stream = self
            .stream
            .map(|name| read_id(&name, StreamName::parse, "stream name"));
        let share = self
            .share_id
            .map(|id| read_id(&id, ShareId::parse, "share id"));
        let pair = |id: Option<String>| {
            id.map(|id| read_id(&id, PairId::parse, "pair id"))
                .transpose()
        };
        Ok(AuditEntry {
            time: from_sql(self.time_ms),
            action: self.action,
            account: account.transpose()?,
            device: device.transpose()?,
            pair: pair(self.pair_id)?,
            replaced_by: pair(self.replaced_by)?,
            stream: stream.transpose()?,
            share: share.transpose()?,
        })
    }
}

/// Appends an entry. The caller holds the write lock, so that `sequence` has no gap or double.
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    action: AuditAction,
    subject: Subject<'_>,
    now_ms: u64,
) -> Result<(), DatabaseError> {
    sqlx::query(
        "INSERT INTO audit_log \
         (sequence, time_ms, action, account_id, device_id, pair_id, replaced_by, stream, share_id) \
         SELECT COALESCE(MAX(sequence), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8 FROM audit_log",
    )
    .bind(to_sql(now_ms))
    .bind(action.as_str())
    .bind(subject.account.map(AccountId::as_str))
    .bind(subject.device.map(DeviceId::as_str))
    .bind(subject.pair.map(PairId::as_str))
    .bind(subject.replaced_by.map(PairId::as_str))
    .bind(subject.stream.map(StreamName::as_str))
    .bind(subject.share.map(ShareId::as_str))
    .execute(connection)
    .await?;
    Ok(())
}
