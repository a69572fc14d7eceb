//! The disk behind [`Files`](super::Files): executes its orders, one after another, and reports.
//!
//! Everything here blocks; give it a thread of its own and bounded channels. Own files are read
//! where they are; the peer's are saved into one directory, see [`Saving`].

mod reading;
mod saving;

use std::io;

use super::{DiskReport, FileOrder};
pub use reading::{Reading, describe};
pub use saving::Saving;

/// Own files and the directory for the peer's.
#[derive(Debug)]
pub struct Disk {
    /// Own files.
    pub reading: Reading,
    /// The peer's; none on a device that takes no files.
    pub saving: Option<Saving>,
}

impl Disk {
    /// Does what is ordered; some orders have an answer.
    pub fn execute(&mut self, order: FileOrder) -> Option<DiskReport> {
        match order {
            FileOrder::Read { id, offset, length } => Some(self.reading.read(id, offset, length)),
            FileOrder::Release(id) => {
                self.reading.release(id);
                None
            }
            other => self.save(other),
        }
    }

    fn save(&mut self, order: FileOrder) -> Option<DiskReport> {
        let Some(saving) = &mut self.saving else {
            return match order {
                FileOrder::Begin { id, .. } => Some(DiskReport::WriteFailed {
                    id,
                    code: "refused",
                }),
                _ => None,
            };
        };
        let (id, done) = match order {
            FileOrder::Begin { id, offer } => (id, saving.begin(id, &offer).map(Some)),
            FileOrder::Write { id, offset, bytes } => (id, saving.write(id, offset, &bytes)),
            FileOrder::Restart(id) => (id, saving.restart(id).map(|()| None)),
            FileOrder::Finish(id) => {
                let finished = saving.finish(id);
                (
                    id,
                    finished.map(|name| Some(DiskReport::Finished { id, name })),
                )
            }
            FileOrder::Close { id, keep } => {
                saving.close(id, keep);
                return None;
            }
            FileOrder::Read { .. } | FileOrder::Release(_) => return None,
        };
        done.unwrap_or_else(|error| {
            let code = code_of(&error);
            tracing::debug!(%error, code, "a file cannot be stored");
            Some(DiskReport::WriteFailed { id, code })
        })
    }
}

/// What the peer is told of a failed write.
fn code_of(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            "disk-full"
        }
        _ => "write-failed",
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use super::*;

    /// `/dev/full` takes nothing and says why: the one full disk that every Linux has.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_called_one() {
        let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = full.write_all(&[0]).unwrap_err();
        assert_eq!(code_of(&error), "disk-full");
        assert_eq!(
            code_of(&io::ErrorKind::PermissionDenied.into()),
            "write-failed"
        );
    }
}
