//! The files that this side sends: offered a few at a time, sent one after another.
//!
//! A file is read from its beginning, since the hash of the whole is of all of it; what the peer
//! has is only hashed, and compared before anything is sent.

use std::collections::{BTreeMap, VecDeque};

use protocol::cbor::MAX_SAFE_INTEGER;
use protocol::file::{FileFrame, Hash, MAX_CHUNK_BYTES, MAX_NAME_BYTES, WINDOW_BYTES};

use super::{
    FileEvent, FileOffer, FileOrder, FileOver, MAX_QUEUED_FILES, MAX_READ_BYTES, OfferError,
    Outbox, OutgoingId,
};

/// How many files are offered at a time: far below what a peer takes.
const OFFERS_AT_ONCE: usize = 16;

/// Where a file stands with the peer, on this channel.
enum State {
    Waiting,
    Offered,
    Accepted {
        offset: u64,
        hash: Hash,
    },
    Sending(Box<Sending>),
    /// All was sent; the peer has stored so much of it.
    Done {
        stored: u64,
    },
}

struct File {
    offer: FileOffer,
    state: State,
}

/// The file that is on its way.
#[derive(Default)]
struct Sending {
    hasher: blake3::Hasher,
    /// Read and hashed up to here.
    hashed: u64,
    is_reading: bool,
    /// What the peer says it has, until it was compared.
    claim: Option<(u64, Hash)>,
    /// Read and not sent.
    ready: VecDeque<u8>,
    sent: u64,
    stored: u64,
}

impl Sending {
    /// How far to read, for now.
    fn end(&self, size: u64) -> u64 {
        self.claim.map_or(size, |(end, _)| end)
    }

    /// Takes what was read: to be sent, or to be compared with what the peer has.
    fn take(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.hashed += bytes.len() as u64;
        match self.claim {
            None => self.ready.extend(bytes),
            Some((end, hash)) if self.hashed == end => {
                self.claim = None;
                if self.hasher.finalize() == hash {
                    (self.sent, self.stored) = (end, end);
                } else {
                    *self = Self::default();
                }
            }
            Some(_) => {}
        }
    }
}

/// The queue.
#[derive(Default)]
pub(super) struct Outgoing {
    files: BTreeMap<OutgoingId, File>,
    next_id: u32,
    sending: Option<OutgoingId>,
}

impl Outgoing {
    pub(super) fn offer(&mut self, offer: FileOffer) -> Result<OutgoingId, OfferError> {
        if !(1..=MAX_NAME_BYTES).contains(&offer.name.len()) {
            return Err(OfferError::Name);
        }
        if offer.size > MAX_SAFE_INTEGER {
            return Err(OfferError::Size);
        }
        if self.files.len() >= MAX_QUEUED_FILES {
            return Err(OfferError::TooMany);
        }
        if self.files.values().any(|file| file.offer.key == offer.key) {
            return Err(OfferError::AlreadyQueued);
        }
        let id = OutgoingId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        let state = State::Waiting;
        self.files.insert(id, File { offer, state });
        Ok(id)
    }

    pub(super) fn cancel(
        &mut self,
        id: OutgoingId,
        code: &str,
        outbox: &mut Outbox,
    ) -> Result<(), FileOver> {
        let file = self.remove(id, outbox).ok_or(FileOver)?;
        if !matches!(file.state, State::Waiting) {
            let code = code.to_owned();
            outbox
                .replies
                .push_back(FileFrame::Cancel { id: id.0, code });
        }
        Ok(())
    }

    pub(super) fn handle_closed(&mut self) {
        self.sending = None;
        for file in self.files.values_mut() {
            file.state = State::Waiting;
        }
    }

    pub(super) fn handle_accept(
        &mut self,
        id: OutgoingId,
        offset: u64,
        hash: Hash,
        outbox: &mut Outbox,
    ) {
        let Some(file) = self.files.get_mut(&id) else {
            return;
        };
        if !matches!(file.state, State::Offered) || offset > file.offer.size {
            return self.fail(id, "bad-order", outbox);
        }
        file.state = State::Accepted { offset, hash };
    }

    pub(super) fn handle_progress(&mut self, id: OutgoingId, offset: u64, outbox: &mut Outbox) {
        let Some(file) = self.files.get_mut(&id) else {
            return;
        };
        let (stored, sent) = match &mut file.state {
            State::Sending(sending) => (&mut sending.stored, sending.sent),
            State::Done { stored } => (stored, file.offer.size),
            _ => return self.fail(id, "bad-order", outbox),
        };
        if offset > sent || offset < *stored {
            return self.fail(id, "bad-order", outbox);
        }
        *stored = offset;
        let stored = offset;
        outbox.events.push_back(FileEvent::Sending { id, stored });
    }

    pub(super) fn handle_received(&mut self, id: OutgoingId, outbox: &mut Outbox) {
        let Some(file) = self.files.get(&id) else {
            return;
        };
        // An offer is answered so where the receiver has the file from a channel that broke before
        // it could say so.
        if !matches!(file.state, State::Done { .. } | State::Offered) {
            return self.fail(id, "bad-order", outbox);
        }
        self.remove(id, outbox);
        outbox.events.push_back(FileEvent::Sent(id));
    }

    pub(super) fn handle_refuse(&mut self, id: OutgoingId, code: String, outbox: &mut Outbox) {
        if self.remove(id, outbox).is_some() {
            outbox.events.push_back(FileEvent::NotSent { id, code });
        }
    }

    pub(super) fn handle_read(
        &mut self,
        id: OutgoingId,
        offset: u64,
        bytes: &[u8],
        outbox: &mut Outbox,
    ) {
        let size = self.files.get(&id).map_or(0, |file| file.offer.size);
        let Some(sending) = self.sending_mut(id) else {
            return;
        };
        // An answer to what was asked on an earlier channel; one at the right place serves as well.
        if !sending.is_reading || offset != sending.hashed {
            return;
        }
        if bytes.is_empty() {
            return self.fail(id, "changed", outbox);
        }
        sending.is_reading = false;
        let wanted = sending.end(size) - sending.hashed;
        let wanted = usize::try_from(wanted).map_or(bytes.len(), |wanted| wanted.min(bytes.len()));
        sending.take(&bytes[..wanted]);
    }

    pub(super) fn handle_read_failed(
        &mut self,
        id: OutgoingId,
        code: &'static str,
        outbox: &mut Outbox,
    ) {
        if self.files.contains_key(&id) {
            self.fail(id, code, outbox);
        }
    }

    /// Asks for the next part of the file that is on its way, one at a time.
    pub(super) fn continue_reading(&mut self, outbox: &mut Outbox) {
        self.begin_next();
        let Some(id) = self.sending else {
            return;
        };
        let size = self.files.get(&id).map_or(0, |file| file.offer.size);
        let Some(sending) = self.sending_mut(id) else {
            return;
        };
        let left = usize::try_from(sending.end(size) - sending.hashed).unwrap_or(usize::MAX);
        if left == 0 || sending.is_reading || sending.ready.len() >= MAX_READ_BYTES {
            return;
        }
        sending.is_reading = true;
        let (offset, length) = (sending.hashed, left.min(MAX_READ_BYTES));
        outbox
            .orders
            .push_back(FileOrder::Read { id, offset, length });
    }

    /// The next offer, chunk or end.
    pub(super) fn poll_frame(&mut self, outbox: &mut Outbox) -> Option<FileFrame> {
        self.poll_offer().or_else(|| self.poll_chunk(outbox))
    }

    fn poll_offer(&mut self) -> Option<FileFrame> {
        let open = |file: &&File| !matches!(file.state, State::Waiting);
        if self.files.values().filter(open).count() >= OFFERS_AT_ONCE {
            return None;
        }
        let waiting = |(_, file): &(_, &mut File)| matches!(file.state, State::Waiting);
        let (id, file) = self.files.iter_mut().find(waiting)?;
        file.state = State::Offered;
        let FileOffer { name, size, key } = file.offer.clone();
        let id = id.0;
        Some(FileFrame::Offer {
            id,
            name,
            size,
            key,
        })
    }

    fn poll_chunk(&mut self, outbox: &mut Outbox) -> Option<FileFrame> {
        self.begin_next();
        let id = self.sending?;
        let room = WINDOW_BYTES.saturating_sub(self.unstored());
        let file = self.files.get_mut(&id)?;
        let State::Sending(sending) = &mut file.state else {
            return None;
        };
        if sending.claim.is_some() {
            return None;
        }
        if sending.sent == file.offer.size {
            let hash = *sending.hasher.finalize().as_bytes();
            let stored = sending.stored;
            file.state = State::Done { stored };
            self.sending = None;
            outbox.orders.push_back(FileOrder::Release(id));
            return Some(FileFrame::Done { id: id.0, hash });
        }
        let length = sending.ready.len().min(MAX_CHUNK_BYTES);
        if length == 0 || room < length as u64 {
            return None;
        }
        let offset = sending.sent;
        sending.sent += length as u64;
        let bytes = sending.ready.drain(..length).collect();
        Some(FileFrame::Chunk {
            id: id.0,
            offset,
            bytes,
        })
    }

    /// Puts the first accepted file on its way when none is.
    fn begin_next(&mut self) {
        if self.sending.is_some() {
            return;
        }
        let accepted = |(_, file): &(_, &mut File)| matches!(file.state, State::Accepted { .. });
        let Some((id, file)) = self.files.iter_mut().find(accepted) else {
            return;
        };
        let State::Accepted { offset, hash } = file.state else {
            return;
        };
        let claim = (offset > 0).then_some((offset, hash));
        file.state = State::Sending(Box::new(Sending {
            claim,
            ..Sending::default()
        }));
        self.sending = Some(*id);
    }

    /// Bytes that were sent and not stored yet.
    fn unstored(&self) -> u64 {
        let each = self.files.values().map(|file| match &file.state {
            State::Sending(sending) => sending.sent - sending.stored,
            State::Done { stored } => file.offer.size - stored,
            _ => 0,
        });
        each.sum()
    }

    fn sending_mut(&mut self, id: OutgoingId) -> Option<&mut Sending> {
        match &mut self.files.get_mut(&id)?.state {
            State::Sending(sending) => Some(sending),
            _ => None,
        }
    }

    /// Gives a file up and tells both sides why.
    fn fail(&mut self, id: OutgoingId, code: &str, outbox: &mut Outbox) {
        if self.cancel(id, code, outbox).is_ok() {
            let code = code.to_owned();
            outbox.events.push_back(FileEvent::NotSent { id, code });
        }
    }

    fn remove(&mut self, id: OutgoingId, outbox: &mut Outbox) -> Option<File> {
        let file = self.files.remove(&id)?;
        if self.sending == Some(id) {
            self.sending = None;
        }
        outbox.orders.push_back(FileOrder::Release(id));
        Some(file)
    }
}
