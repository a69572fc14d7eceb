//! A device's disk: its own files, parts of the peer's, and what of those is whole.

use std::collections::BTreeMap;

use peer::files::{DiskReport, FileOffer, FileOrder, IncomingId, OutgoingId, Stored};
use protocol::file::FileKey;

#[derive(Debug, Default)]
pub(super) struct Disk {
    own: BTreeMap<OutgoingId, Vec<u8>>,
    /// Parts stay when their channel closes.
    parts: BTreeMap<FileKey, Vec<u8>>,
    incoming: BTreeMap<IncomingId, FileOffer>,
    /// Name and contents.
    whole: Vec<(String, Vec<u8>)>,
}

impl Disk {
    pub(super) fn keep(&mut self, id: OutgoingId, bytes: Vec<u8>) {
        self.own.insert(id, bytes);
    }

    pub(super) fn whole(&self) -> &[(String, Vec<u8>)] {
        &self.whole
    }

    /// Does what is ordered; what it answers, if anything.
    pub(super) fn execute(&mut self, order: FileOrder) -> Option<DiskReport> {
        match order {
            FileOrder::Read { id, offset, length } => {
                let file = self.own.get(&id)?;
                let from = usize::try_from(offset).ok()?;
                let bytes = file.get(from..from + length)?.to_vec();
                Some(DiskReport::Read { id, offset, bytes })
            }
            FileOrder::Release(id) => {
                self.own.remove(&id);
                None
            }
            FileOrder::Begin { id, offer } => {
                let part = self.parts.entry(offer.key).or_default();
                let mut hasher = Box::new(blake3::Hasher::new());
                hasher.update(part);
                let offset = hasher.count();
                self.incoming.insert(id, offer);
                let stored = Stored { offset, hasher };
                Some(DiskReport::Begun { id, stored })
            }
            FileOrder::Write { id, offset, bytes } => {
                let part = self.part(id)?;
                assert_eq!(offset, part.len() as u64, "at the end of what is stored");
                part.extend(bytes);
                let offset = part.len() as u64;
                Some(DiskReport::Written { id, offset })
            }
            FileOrder::Restart(id) => {
                self.part(id)?.clear();
                None
            }
            FileOrder::Finish(id) => {
                let offer = self.incoming.remove(&id)?;
                let bytes = self.parts.remove(&offer.key)?;
                self.whole.push((offer.name.clone(), bytes));
                let name = offer.name;
                Some(DiskReport::Finished { id, name })
            }
            FileOrder::Close { id, keep } => {
                let offer = self.incoming.remove(&id)?;
                if !keep {
                    self.parts.remove(&offer.key);
                }
                None
            }
        }
    }

    fn part(&mut self, id: IncomingId) -> Option<&mut Vec<u8>> {
        let key = self.incoming.get(&id)?.key;
        self.parts.get_mut(&key)
    }
}
