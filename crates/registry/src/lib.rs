//! Accounts, devices, pairs, invites, keys, streams: everything durable, in SQLite.
//!
//! Whatever takes more than one statement is one transaction; what was answered is on the disk.
//! Records and pairs are taken only as verified by the identity crate.

mod accounts;
mod assertions;
mod audit;
mod database;
mod devices;
mod invites;
mod keys;
mod new_pairs;
mod pairs;
mod revoked_devices;
mod shares;
mod streams;

pub use accounts::Account;
pub use audit::AuditAction;
pub use database::{DatabaseError, OpenError, Registry};
pub use devices::{Device, RecordUpdateError, RenameError};
pub use invites::{RedeemError, Redeemed};
pub use keys::KillKeyError;
pub use new_pairs::{AddPairError, AddedPair};
pub use pairs::{Pair, PairError, PairSide, RevokedPair};
pub use revoked_devices::{DeviceError, RevokedDevice};
pub use shares::{MAX_SHARES_PER_STREAM, OpenShareError, Share, ShareError};
pub use streams::{MAX_STREAMS_PER_ACCOUNT, Stream, StreamChange, StreamError};
