//! Own files on their way to the peer.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use protocol::file::FileKey;

use crate::files::{DiskReport, FileOffer, OutgoingId};

/// The files that may be read, opened when they are first needed.
#[derive(Debug, Default)]
pub struct Reading(BTreeMap<OutgoingId, Source>);

#[derive(Debug)]
struct Source {
    path: PathBuf,
    key: FileKey,
    file: Option<File>,
}

/// What to offer of a file.
///
/// # Errors
/// When it cannot be looked at, is no regular file, or has no name in UTF-8.
pub fn describe(path: &Path) -> io::Result<FileOffer> {
    let path = path.canonicalize()?;
    let metadata = path.metadata()?;
    if !metadata.is_file() {
        let message = "only regular files can be sent";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let name = path.file_name().unwrap_or_default();
    Ok(FileOffer {
        name: name.to_string_lossy().into_owned(),
        size: metadata.len(),
        key: key_of(&path, &metadata),
    })
}

/// The same for the same path, size and time of change.
fn key_of(path: &Path, metadata: &Metadata) -> FileKey {
    let changed = metadata.modified().ok();
    let changed = changed.and_then(|changed| changed.duration_since(UNIX_EPOCH).ok());
    let nanos = changed.unwrap_or_default().as_nanos();
    let mut hasher = blake3::Hasher::new_derive_key("heliograph file key v1");
    hasher.update(&metadata.len().to_be_bytes());
    hasher.update(&nanos.to_be_bytes());
    hasher.update(path.as_os_str().as_encoded_bytes());
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    FileKey(key)
}

impl Reading {
    /// Lets an offered file be read.
    pub fn add(&mut self, id: OutgoingId, path: PathBuf, offer: &FileOffer) {
        let key = offer.key;
        let file = None;
        self.0.insert(id, Source { path, key, file });
    }

    pub(super) fn read(&mut self, id: OutgoingId, offset: u64, length: usize) -> DiskReport {
        let bytes = match self.0.get_mut(&id) {
            Some(source) => source.read(offset, length),
            None => Err("read-failed"),
        };
        match bytes {
            Ok(bytes) => DiskReport::Read { id, offset, bytes },
            Err(code) => DiskReport::ReadFailed { id, code },
        }
    }

    pub(super) fn release(&mut self, id: OutgoingId) {
        self.0.remove(&id);
    }
}

impl Source {
    fn read(&mut self, offset: u64, length: usize) -> Result<Vec<u8>, &'static str> {
        let file = self.unchanged().map_err(|error| {
            tracing::debug!(%error, "a file cannot be read");
            "read-failed"
        })?;
        let Some(file) = file else {
            return Err("changed");
        };
        let mut bytes = Vec::with_capacity(length);
        let read = file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| file.take(length as u64).read_to_end(&mut bytes));
        match read {
            Ok(count) if count == length => Ok(bytes),
            Ok(_) => Err("changed"),
            Err(_) => Err("read-failed"),
        }
    }

    /// The open file, or none when it is not the one that was offered.
    fn unchanged(&mut self) -> io::Result<Option<&mut File>> {
        if self.file.is_none() {
            self.file = Some(File::open(&self.path)?);
        }
        let path = self.path.canonicalize()?;
        let (key, file) = (self.key, self.file.as_mut());
        let Some(file) = file else {
            return Ok(None);
        };
        let is_same = key_of(&path, &file.metadata()?) == key;
        Ok(is_same.then_some(file))
    }
}
