//! What a device remembers, in one directory: its keys, its pairs, the times of signatures, the
//! certificates of its servers. A file each, so that a change writes little.
//!
//! ```text
//! device.json             both private keys and the signed record
//! pairs/<pairId>.json     the peer's pinned record and the pair secret
//! times/<pairId>.json     the highest `ts` signed and accepted; outlives its pair
//! servers/<host>.json     the origin, and the certificate authority it was first seen with
//! lock                    held while something is changed
//! ```
//!
//! Files have mode 0600 and are replaced whole, so that a reader needs no lock and a `kill -9`
//! leaves the earlier contents. Whoever changes something holds the lock from reading to writing.

use std::io;
use std::path::{Path, PathBuf};

use protocol::id::{DeviceId, PairId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use files::Locked;
pub use files::StoreError;
pub use home::home_dir;
pub use records::{PairState, PinnedServer, StoredIdentity, StoredPair};

mod files;
mod home;
mod records;

/// The device's memory. Any number may be open at once, in any number of processes.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

/// The highest signature times of a pair, in Unix milliseconds; 0 before the first.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Times {
    own: u64,
    peer: u64,
}

impl Store {
    /// The memory in a directory, which is made (mode 0700) when something is first kept.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The device's keys and record; `None` before they were made.
    ///
    /// # Errors
    /// A file that cannot be read, or that others than its owner may read.
    pub fn identity(&self) -> Result<Option<StoredIdentity>, StoreError> {
        self.read(&self.identity_path())
    }

    /// Keeps a first identity, or returns the one that another process was quicker with.
    ///
    /// # Errors
    /// As [`Store::identity`], or the directory cannot be written.
    pub fn add_identity(&self, identity: StoredIdentity) -> Result<StoredIdentity, StoreError> {
        let locked = self.lock()?;
        if let Some(earlier) = self.identity()? {
            return Ok(earlier);
        }
        locked.write(&self.identity_path(), &identity)?;
        Ok(identity)
    }

    /// Replaces the identity, after a rename.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn put_identity(&self, identity: &StoredIdentity) -> Result<(), StoreError> {
        self.lock()?.write(&self.identity_path(), identity)
    }

    /// All pairs, oldest first.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn pairs(&self) -> Result<Vec<StoredPair>, StoreError> {
        let mut pairs: Vec<StoredPair> = self.read_all("pairs")?;
        pairs.sort_by_key(|pair| (pair.created, pair.pair_id.clone()));
        Ok(pairs)
    }

    /// One pair.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn pair(&self, pair: &PairId) -> Result<Option<StoredPair>, StoreError> {
        self.read(&self.pair_path(pair))
    }

    /// The newest pair with a device that is not waiting for its server's word.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn pair_with(&self, device: &DeviceId) -> Result<Option<StoredPair>, StoreError> {
        let mut pairs = self.pairs()?;
        pairs.retain(|pair| pair.peer.device_id == *device && pair.state == PairState::Paired);
        Ok(pairs.pop())
    }

    /// Keeps a pair, or what changed of it.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn put_pair(&self, pair: &StoredPair) -> Result<(), StoreError> {
        self.lock()?.write(&self.pair_path(&pair.pair_id), pair)
    }

    /// A kept pair is one that its server holds.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn confirm_pair(&self, pair: &PairId) -> Result<(), StoreError> {
        let locked = self.lock()?;
        let path = self.pair_path(pair);
        let Some(mut pair) = self.read::<StoredPair>(&path)? else {
            return Ok(());
        };
        pair.state = PairState::Paired;
        locked.write(&path, &pair)
    }

    /// Forgets a pair and its secret. Signature times stay, so that replays stay refused.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn delete_pair(&self, pair: &PairId) -> Result<(), StoreError> {
        self.lock()?.delete(&self.pair_path(pair))
    }

    /// The next `ts` to sign with: max(now, last + 1), remembered. Unix milliseconds.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn next_own_time(&self, pair: &PairId, now_ms: u64) -> Result<u64, StoreError> {
        let locked = self.lock()?;
        let path = self.times_path(pair);
        let mut times: Times = self.read(&path)?.unwrap_or_default();
        times.own = now_ms.max(times.own + 1);
        locked.write(&path, &times)?;
        Ok(times.own)
    }

    /// The `ts` of the newest signature that was accepted, in Unix milliseconds; 0 before the first.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn peer_time(&self, pair: &PairId) -> Result<u64, StoreError> {
        let times: Option<Times> = self.read(&self.times_path(pair))?;
        Ok(times.unwrap_or_default().peer)
    }

    /// Remembers the `ts` of a signature that was accepted; false when it is not above what was
    /// accepted before, and the message a replay. Two processes cannot accept one message.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn raise_peer_time(&self, pair: &PairId, ts: u64) -> Result<bool, StoreError> {
        let locked = self.lock()?;
        let path = self.times_path(pair);
        let mut times: Times = self.read(&path)?.unwrap_or_default();
        if ts <= times.peer {
            return Ok(false);
        }
        times.peer = ts;
        locked.write(&path, &times)?;
        Ok(true)
    }

    /// Every server this device has an account or a pair on.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn servers(&self) -> Result<Vec<PinnedServer>, StoreError> {
        self.read_all("servers")
    }

    /// What is remembered of a server.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn server(&self, origin: &str) -> Result<Option<PinnedServer>, StoreError> {
        self.read(&self.server_path(origin))
    }

    /// Remembers a server and the certificate authority to expect of it.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn put_server(&self, server: &PinnedServer) -> Result<(), StoreError> {
        self.lock()?
            .write(&self.server_path(&server.origin), server)
    }

    /// Where a server is remembered: what to delete to forget it.
    pub fn server_path(&self, origin: &str) -> PathBuf {
        self.dir.join("servers").join(server_file_name(origin))
    }

    fn identity_path(&self) -> PathBuf {
        self.dir.join("device.json")
    }

    fn pair_path(&self, pair: &PairId) -> PathBuf {
        self.dir.join("pairs").join(format!("{pair}.json"))
    }

    fn times_path(&self, pair: &PairId) -> PathBuf {
        self.dir.join("times").join(format!("{pair}.json"))
    }

    fn lock(&self) -> Result<Locked, StoreError> {
        Locked::take(&self.dir)
    }

    fn read<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, StoreError> {
        files::read_private(path)
    }

    fn read_all<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<T>, StoreError> {
        let dir = self.dir.join(kind);
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::file(&dir, error)),
        };
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| StoreError::file(&dir, error))?;
        paths.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        });
        paths.sort();
        // One that was deleted since the directory was read is no fault.
        let read = paths.iter().map(|path| self.read(path));
        read.filter_map(Result::transpose).collect()
    }
}

/// `https://192.168.1.5:8443` is kept as `192.168.1.5_8443.json`. Plain HTTP has no certificate,
/// but the server is remembered all the same, under another name.
fn server_file_name(origin: &str) -> String {
    let (scheme, host) = origin.split_once("://").unwrap_or(("", origin));
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let host: String = host
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    match scheme {
        "https" => format!("{host}.json"),
        _ => format!("{scheme}_{host}.json"),
    }
}

#[cfg(test)]
mod tests;
