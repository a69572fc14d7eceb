//! Private files that are read whole and replaced whole.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why the device's memory could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("{path}: {error}")]
    File {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("{path} has mode {mode:03o}, so others may read its keys: run `chmod 600 {path}`")]
    LooseMode {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It does not hold what it should.
    #[error("{path} does not hold what it should ({error}): restore or delete it")]
    Contents {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: serde_json::Error,
    },
}

impl StoreError {
    pub(super) fn file(path: &Path, error: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            error,
        }
    }
}

/// The JSON of a file that only its owner may read; `None` where there is none.
pub(super) fn read_private<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, StoreError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::file(path, error)),
    };
    let failed = |error| StoreError::file(path, error);
    // Of the open file, not of the name: it may be replaced meanwhile.
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(StoreError::LooseMode {
            path: path.to_owned(),
            mode,
        });
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(failed)?;
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|error| StoreError::Contents {
            path: path.to_owned(),
            error,
        })
}

/// The right to change something; let go when dropped, also by a process that dies.
pub(super) struct Locked {
    _file: File,
}

impl Locked {
    /// Waits until no other process changes anything in `dir`, which is made if need be.
    pub(super) fn take(dir: &Path) -> Result<Self, StoreError> {
        create_private_dir(dir)?;
        let path = dir.join("lock");
        let failed = |error| StoreError::file(&path, error);
        let file = private().truncate(false).open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(Self { _file: file })
    }

    /// Replaces a file. After an error or a `kill -9` it has its earlier contents.
    pub(super) fn write(&self, path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
        let dir = path.parent().unwrap_or(Path::new("."));
        create_private_dir(dir)?;
        let failed = |error| StoreError::file(path, error);
        let mut text = serde_json::to_vec_pretty(value).expect("records have string keys only");
        text.push(b'\n');
        // Under the lock nobody else writes this name; what a killed process left is overwritten.
        let temporary = path.with_extension("tmp");
        let mut file = private().truncate(true).open(&temporary).map_err(failed)?;
        // A leftover may have been made with another mode.
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(failed)?;
        file.write_all(&text).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&temporary, path).map_err(failed)?;
        sync_dir(dir)
    }

    /// Deletes a file; one that is not there is deleted already.
    pub(super) fn delete(&self, path: &Path) -> Result<(), StoreError> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::file(path, error))
            }
            _ => sync_dir(path.parent().unwrap_or(Path::new("."))),
        }
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

fn create_private_dir(dir: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(dir);
    made.map_err(|error| StoreError::file(dir, error))
}

/// Makes names durable, not only contents.
fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // A file system may not know how, and the deletion of what never was needs none.
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound) => {
            Err(StoreError::file(dir, error))
        }
        _ => Ok(()),
    }
}
