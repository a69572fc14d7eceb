//! The files that the peer sends: offered, accepted, written in order, checked at the end.

use std::collections::{BTreeMap, BTreeSet};

use protocol::file::{FileFrame, FileKey, Hash, MAX_OPEN_OFFERS, WINDOW_BYTES};

use super::{FileEvent, FileOffer, FileOrder, FileOver, IncomingId, Outbox, Stored};

/// How many finished files are remembered for the case that the sender did not hear of it.
const MAX_REMEMBERED: usize = 1024;
/// How much is stored before the sender hears of it again.
const PROGRESS_BYTES: u64 = 256 * 1024;

enum State {
    /// Somebody has to decide.
    Offered,
    /// The disk looks for what it has.
    Beginning,
    Receiving(Box<Receiving>),
}

struct File {
    offer: FileOffer,
    state: State,
}

impl File {
    /// Whether the disk was told to finish it.
    fn is_finishing(&self) -> bool {
        match &self.state {
            State::Receiving(receiving) => {
                receiving.is_whole && receiving.stored == self.offer.size
            }
            State::Offered | State::Beginning => false,
        }
    }
}

struct Receiving {
    hasher: blake3::Hasher,
    /// Came in, up to here.
    taken: u64,
    /// Stored, up to here.
    stored: u64,
    /// What the sender was told of that.
    told: u64,
    /// No chunk has come: the first one may be at 0.
    is_fresh: bool,
    is_whole: bool,
}

/// The peer's files on this channel.
#[derive(Default)]
pub(super) struct Incoming {
    files: BTreeMap<IncomingId, File>,
    /// Finished on this channel.
    finished: BTreeSet<FileKey>,
    /// Finished on an earlier channel: the sender may not have heard of it.
    unheard: BTreeSet<FileKey>,
    /// The disk was told to finish them when the channel closed, and has not answered.
    late: BTreeMap<IncomingId, FileKey>,
    /// Offers of such files: what becomes of them is known with the disk's answer.
    deferred: Vec<(IncomingId, FileOffer)>,
}

impl Incoming {
    pub(super) fn handle_offer(&mut self, id: IncomingId, offer: FileOffer, outbox: &mut Outbox) {
        if self.files.contains_key(&id) {
            return self.fail(id, "bad-order", true, outbox);
        }
        if self.late.values().any(|key| *key == offer.key) {
            if self.deferred.len() < MAX_OPEN_OFFERS {
                self.deferred.push((id, offer));
            }
            return;
        }
        if self.unheard.remove(&offer.key) {
            // This answer may get lost as well; asked again on this channel, it is another wish.
            self.finished.insert(offer.key);
            return outbox
                .replies
                .push_back(FileFrame::Received { id: id.wire });
        }
        if self.files.len() >= MAX_OPEN_OFFERS {
            return outbox.refuse(id.wire, "too-many");
        }
        // Two of one key would write into one file.
        if self.files.values().any(|file| file.offer.key == offer.key) {
            return outbox.refuse(id.wire, "refused");
        }
        let file = File {
            offer: offer.clone(),
            state: State::Offered,
        };
        self.files.insert(id, file);
        outbox.events.push_back(FileEvent::Offered { id, offer });
    }

    pub(super) fn accept(&mut self, id: IncomingId, outbox: &mut Outbox) -> Result<(), FileOver> {
        let file = self.files.get_mut(&id).ok_or(FileOver)?;
        if matches!(file.state, State::Offered) {
            file.state = State::Beginning;
            let offer = file.offer.clone();
            outbox.orders.push_back(FileOrder::Begin { id, offer });
        }
        Ok(())
    }

    pub(super) fn refuse(&mut self, id: IncomingId, outbox: &mut Outbox) -> Result<(), FileOver> {
        let file = self.files.remove(&id).ok_or(FileOver)?;
        let code = match file.state {
            State::Offered => "refused",
            State::Beginning | State::Receiving(_) => "cancelled",
        };
        close(id, &file, false, outbox);
        outbox.refuse(id.wire, code);
        Ok(())
    }

    pub(super) fn handle_begun(&mut self, id: IncomingId, stored: Stored, outbox: &mut Outbox) {
        let Some(file) = self.files.get_mut(&id) else {
            return;
        };
        if !matches!(file.state, State::Beginning) {
            return;
        }
        // More than the whole is of another file.
        let stored = if stored.offset > file.offer.size {
            outbox.orders.push_back(FileOrder::Restart(id));
            Stored::default()
        } else {
            stored
        };
        let Stored { offset, hasher } = stored;
        let hash = *hasher.finalize().as_bytes();
        file.state = State::Receiving(Box::new(Receiving {
            hasher: *hasher,
            taken: offset,
            stored: offset,
            told: offset,
            is_fresh: true,
            is_whole: false,
        }));
        let id = id.wire;
        outbox
            .replies
            .push_back(FileFrame::Accept { id, offset, hash });
    }

    pub(super) fn handle_chunk(
        &mut self,
        id: IncomingId,
        offset: u64,
        bytes: Vec<u8>,
        outbox: &mut Outbox,
    ) {
        // Chunks on their way when the file was refused.
        let Some(file) = self.files.get(&id) else {
            return;
        };
        let size = file.offer.size;
        let unstored = self.unstored() + bytes.len() as u64;
        let Some(receiving) = self.receiving_mut(id) else {
            return self.fail(id, "bad-order", true, outbox);
        };
        if offset == 0 && receiving.is_fresh && receiving.taken > 0 {
            receiving.hasher = blake3::Hasher::new();
            (receiving.taken, receiving.stored, receiving.told) = (0, 0, 0);
            outbox.orders.push_back(FileOrder::Restart(id));
        }
        receiving.is_fresh = false;
        let end = offset + bytes.len() as u64;
        if offset != receiving.taken || end > size || unstored > WINDOW_BYTES {
            return self.fail(id, "bad-order", true, outbox);
        }
        receiving.taken = end;
        receiving.hasher.update(&bytes);
        outbox
            .orders
            .push_back(FileOrder::Write { id, offset, bytes });
    }

    pub(super) fn handle_done(&mut self, id: IncomingId, hash: Hash, outbox: &mut Outbox) {
        let Some(file) = self.files.get(&id) else {
            return;
        };
        let size = file.offer.size;
        let Some(receiving) = self.receiving_mut(id) else {
            return self.fail(id, "bad-order", true, outbox);
        };
        if receiving.taken != size || receiving.is_whole {
            return self.fail(id, "bad-order", true, outbox);
        }
        if receiving.hasher.finalize() != hash {
            return self.fail(id, "hash-differs", false, outbox);
        }
        receiving.is_whole = true;
        if receiving.stored == size {
            outbox.orders.push_back(FileOrder::Finish(id));
        }
    }

    pub(super) fn handle_cancel(&mut self, id: IncomingId, code: String, outbox: &mut Outbox) {
        let Some(file) = self.files.remove(&id) else {
            return;
        };
        // What could not be read now may be read another time.
        close(id, &file, code == "read-failed", outbox);
        outbox.events.push_back(FileEvent::NotReceived { id, code });
    }

    pub(super) fn handle_written(&mut self, id: IncomingId, offset: u64, outbox: &mut Outbox) {
        let Some(receiving) = self.receiving_mut(id) else {
            return;
        };
        // The answer to a write before a restart says nothing of what is stored now.
        if offset > receiving.taken || offset < receiving.stored {
            return;
        }
        receiving.stored = offset;
        let is_whole = receiving.is_whole && offset == receiving.taken;
        let stored = offset;
        outbox.events.push_back(FileEvent::Receiving { id, stored });
        if is_whole {
            outbox.orders.push_back(FileOrder::Finish(id));
        }
    }

    pub(super) fn handle_finished(&mut self, id: IncomingId, name: String, outbox: &mut Outbox) {
        if let Some(key) = self.late.remove(&id) {
            self.unheard.insert(key);
            outbox.events.push_back(FileEvent::Received { id, name });
            return self.answer_deferred(key, outbox);
        }
        if let Some(file) = self.files.remove(&id) {
            if self.finished.len() < MAX_REMEMBERED {
                self.finished.insert(file.offer.key);
            }
            outbox
                .replies
                .push_back(FileFrame::Received { id: id.wire });
            outbox.events.push_back(FileEvent::Received { id, name });
        }
    }

    pub(super) fn handle_write_failed(
        &mut self,
        id: IncomingId,
        code: &'static str,
        outbox: &mut Outbox,
    ) {
        if let Some(key) = self.late.remove(&id) {
            self.answer_deferred(key, outbox);
            return;
        }
        // Not an answer to what was ordered on an earlier channel.
        let file = self.files.get(&id);
        if file.is_some_and(|file| !matches!(file.state, State::Offered)) {
            self.fail(id, code, true, outbox);
        }
    }

    pub(super) fn handle_closed(&mut self, outbox: &mut Outbox) {
        // A link may break again before the sender asks: what was unheard stays so.
        let finished = std::mem::take(&mut self.finished);
        let room = MAX_REMEMBERED.saturating_sub(self.unheard.len());
        self.unheard.extend(finished.into_iter().take(room));
        self.deferred.clear();
        for (id, file) in std::mem::take(&mut self.files) {
            if file.is_finishing() {
                self.late.insert(id, file.offer.key);
                continue;
            }
            close(id, &file, true, outbox);
            outbox.events.push_back(FileEvent::Interrupted(id));
        }
    }

    fn answer_deferred(&mut self, key: FileKey, outbox: &mut Outbox) {
        let deferred = std::mem::take(&mut self.deferred);
        let (answered, others) = deferred
            .into_iter()
            .partition(|(_, offer)| offer.key == key);
        self.deferred = others;
        let answered: Vec<(IncomingId, FileOffer)> = answered;
        for (id, offer) in answered {
            self.handle_offer(id, offer, outbox);
        }
    }

    /// Tells the sender what is stored, for one file that has more to tell.
    pub(super) fn poll_progress(&mut self) -> Option<FileFrame> {
        self.files.iter_mut().find_map(|(id, file)| {
            let State::Receiving(receiving) = &mut file.state else {
                return None;
            };
            let untold = receiving.stored - receiving.told;
            let is_last = receiving.stored == file.offer.size && untold > 0;
            if untold < PROGRESS_BYTES && !is_last {
                return None;
            }
            let offset = receiving.stored;
            receiving.told = offset;
            Some(FileFrame::Progress {
                id: id.wire,
                offset,
            })
        })
    }

    /// Bytes that came and are not stored yet.
    fn unstored(&self) -> u64 {
        let each = self.files.values().map(|file| match &file.state {
            State::Receiving(receiving) => receiving.taken - receiving.stored,
            State::Offered | State::Beginning => 0,
        });
        each.sum()
    }

    fn receiving_mut(&mut self, id: IncomingId) -> Option<&mut Receiving> {
        match &mut self.files.get_mut(&id)?.state {
            State::Receiving(receiving) => Some(receiving),
            State::Offered | State::Beginning => None,
        }
    }

    /// Gives a file up and tells both sides why.
    fn fail(&mut self, id: IncomingId, code: &str, keep: bool, outbox: &mut Outbox) {
        if let Some(file) = self.files.remove(&id) {
            close(id, &file, keep, outbox);
            outbox.refuse(id.wire, code);
            let code = code.to_owned();
            outbox.events.push_back(FileEvent::NotReceived { id, code });
        }
    }
}

/// Orders the disk to let go of a file that it was told to begin.
fn close(id: IncomingId, file: &File, keep: bool, outbox: &mut Outbox) {
    if !matches!(file.state, State::Offered) {
        outbox.orders.push_back(FileOrder::Close { id, keep });
    }
}
