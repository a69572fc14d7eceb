//! Accounts, devices, pairs, invites, keys: everything durable, in SQLite.
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

pub use accounts::Account;
pub use audit::AuditAction;
pub use database::{DatabaseError, OpenError, Registry};
pub use devices::{Device, RecordUpdateError, RenameError};
pub use invites::{RedeemError, Redeemed};
pub use keys::KillKeyError;
pub use new_pairs::{AddPairError, AddedPair};
pub use pairs::{Pair, PairError, PairSide, RevokedPair};
pub use revoked_devices::{DeviceError, RevokedDevice};
