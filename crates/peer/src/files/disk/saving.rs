//! The peer's files on their way into a directory.
//!
//! A file grows as `.NAME.part` beside `.NAME.part.json`, which says whose and which it is, and
//! gets its name once it is whole and on the disk. What a killed process leaves is found again by
//! peer and key; its length says where to go on, and its hash (read anew, since what the system
//! had not written may be lost with the power) whether the peer may do so.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::files::name::numbered;
use crate::files::{DiskReport, FileOffer, IncomingId, MAX_FILE_NAME_BYTES, Stored, sanitise};

const PART: &str = ".part";
const SIDECAR: &str = ".part.json";
/// A name whose sidecar is still a file name.
const MAX_SAVED_NAME_BYTES: usize = MAX_FILE_NAME_BYTES - SIDECAR.len() - 1;
/// How many files of one name may stand beside each other.
const MAX_NUMBER: u32 = 10_000;

/// What a part is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Sidecar {
    peer: String,
    key: String,
    size: u64,
    /// The name it gets, if it is still free.
    name: String,
}

#[derive(Debug)]
struct Part {
    path: PathBuf,
    name: String,
    file: File,
}

/// A directory that takes the files of one peer.
#[derive(Debug)]
pub struct Saving {
    directory: PathBuf,
    peer: String,
    parts: BTreeMap<IncomingId, Part>,
}

impl Saving {
    /// Saves the files of the device `peer` into `directory`, which it makes where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn into_directory(directory: &Path, peer: &str) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            peer: peer.to_owned(),
            parts: BTreeMap::new(),
        })
    }

    /// Whether a part of this offer is here: it was accepted before and may go on without asking.
    pub fn knows(&self, offer: &FileOffer) -> bool {
        self.find(offer).is_some()
    }

    pub(super) fn begin(&mut self, id: IncomingId, offer: &FileOffer) -> io::Result<DiskReport> {
        let part = match self.find(offer) {
            Some((path, name)) => {
                let file = OpenOptions::new().read(true).write(true).open(&path)?;
                Part { path, name, file }
            }
            None => self.create(offer)?,
        };
        let mut hasher = Box::new(blake3::Hasher::new());
        hasher.update_reader(&part.file)?;
        let offset = hasher.count();
        let stored = Stored { offset, hasher };
        self.parts.insert(id, part);
        Ok(DiskReport::Begun { id, stored })
    }

    pub(super) fn write(
        &mut self,
        id: IncomingId,
        offset: u64,
        bytes: &[u8],
    ) -> io::Result<Option<DiskReport>> {
        // Orders that were on their way when an earlier one failed.
        let Some(part) = self.parts.get_mut(&id) else {
            return Ok(None);
        };
        part.file.seek(SeekFrom::Start(offset))?;
        let written = part.file.write_all(bytes);
        if written.is_err() {
            // Half a chunk is no end to go on from.
            part.file.set_len(offset)?;
        }
        let offset = offset + bytes.len() as u64;
        written.map(|()| Some(DiskReport::Written { id, offset }))
    }

    pub(super) fn restart(&mut self, id: IncomingId) -> io::Result<()> {
        self.parts
            .get(&id)
            .map_or(Ok(()), |part| part.file.set_len(0))
    }

    /// Gives a whole file its name, once it is on the disk; returns the name.
    pub(super) fn finish(&mut self, id: IncomingId) -> io::Result<String> {
        let part = self.parts.get(&id).ok_or(io::ErrorKind::NotFound)?;
        part.file.sync_all()?;
        let name = self.reserve(&part.name)?;
        fs::rename(&part.path, self.directory.join(&name))?;
        fs::remove_file(sidecar_of(&part.path))?;
        File::open(&self.directory)?.sync_all()?;
        self.parts.remove(&id);
        Ok(name)
    }

    pub(super) fn close(&mut self, id: IncomingId, keep: bool) {
        let Some(part) = self.parts.remove(&id) else {
            return;
        };
        if keep {
            return;
        }
        for path in [sidecar_of(&part.path), part.path] {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, "a part of a file that is over cannot be removed");
            }
        }
    }

    /// The part of an offer and the name it shall have.
    fn find(&self, offer: &FileOffer) -> Option<(PathBuf, String)> {
        let wanted = (&self.peer, &format!("{:?}", offer.key), offer.size);
        let entries = fs::read_dir(&self.directory).ok()?;
        entries.flatten().find_map(|entry| {
            let path = entry.path();
            let name = path.file_name()?.to_str()?;
            let part = self.directory.join(name.strip_suffix(".json")?);
            // No name of a peer's choice begins with a dot: it cannot forge a sidecar.
            let is_sidecar = name.starts_with('.') && name.ends_with(SIDECAR);
            if !is_sidecar || !part.symlink_metadata().ok()?.is_file() {
                return None;
            }
            let sidecar: Sidecar = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            let is_it = (&sidecar.peer, &sidecar.key, sidecar.size) == wanted;
            is_it.then(|| (part, sanitise(&sidecar.name, MAX_SAVED_NAME_BYTES)))
        })
    }

    fn create(&self, offer: &FileOffer) -> io::Result<Part> {
        let wanted = sanitise(&offer.name, MAX_SAVED_NAME_BYTES);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        for name in candidates(&wanted) {
            let path = self.directory.join(format!(".{name}{PART}"));
            if self.directory.join(&name).symlink_metadata().is_ok() {
                continue;
            }
            let file = match options.open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                file => file?,
            };
            let sidecar = Sidecar {
                peer: self.peer.clone(),
                key: format!("{:?}", offer.key),
                size: offer.size,
                name: name.clone(),
            };
            let json = serde_json::to_vec(&sidecar).map_err(io::Error::from)?;
            if let Err(error) = fs::write(sidecar_of(&path), json) {
                fs::remove_file(&path)?;
                return Err(error);
            }
            return Ok(Part { path, name, file });
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// A name that nobody else has, taken by an empty file that the whole one replaces.
    fn reserve(&self, wanted: &str) -> io::Result<String> {
        for name in candidates(wanted) {
            let path = self.directory.join(&name);
            match OpenOptions::new().write(true).create_new(true).open(path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(_) => return Ok(name),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// The name, then `NAME (2)` and so on.
fn candidates(name: &str) -> impl Iterator<Item = String> {
    let more = (2..=MAX_NUMBER).map(move |number| numbered(name, number, MAX_SAVED_NAME_BYTES));
    std::iter::once(name.to_owned()).chain(more)
}

fn sidecar_of(part: &Path) -> PathBuf {
    let mut path = part.as_os_str().to_owned();
    path.push(".json");
    path.into()
}
