//! Files of one link, both ways (`docs/protocol.md`, Files): offers, resuming, backpressure.
//!
//! Pure: frames and what the disk reports come in; frames, orders to the disk and events go out.
//! Time plays no part. It outlives the channel: what was not received is offered again on the next
//! one, and the receiver goes on from what it stored.
//!
//! Frames are pulled: call [`Files::poll_transmit`] only while the channel has room, and again when
//! it has. Drain [`Files::poll_order`] and [`Files::poll_event`] after each call.

#[cfg(feature = "tokio")]
#[expect(clippy::disallowed_types, reason = "the shell's half owns the files")]
pub mod disk;
mod incoming;
mod name;
mod outgoing;

use std::collections::VecDeque;

use protocol::file::{FileFrame, FileKey, MAX_NAME_BYTES};

use incoming::Incoming;
pub use name::{MAX_FILE_NAME_BYTES, sanitise};
use outgoing::Outgoing;

/// How many files may wait to be sent or be on their way.
pub const MAX_QUEUED_FILES: usize = 10_000;
/// The most that is read at a time, in bytes: sixteen chunks.
pub const MAX_READ_BYTES: usize = 16 * protocol::file::MAX_CHUNK_BYTES;
/// How many answers may wait for room on the channel; more refusals are dropped.
const MAX_REPLIES: usize = 256;

/// Names a file that this side sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutgoingId(pub(crate) u32);

/// Names a file that the peer sends, as long as the channel lives. The peer's own numbers begin
/// anew on each channel: without the channel, a late answer of the disk would be taken for one
/// about another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncomingId {
    channel: u32,
    wire: u32,
}

/// A file as it is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOffer {
    /// Its name; the peer's is not to be trusted as a path, see [`sanitise`].
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// The same for the same file.
    pub key: FileKey,
}

/// What the disk has of a file: its length in bytes and the state of its hash.
#[derive(Debug, Clone, Default)]
pub struct Stored {
    /// How much is stored.
    pub offset: u64,
    /// Has taken exactly that.
    pub hasher: Box<blake3::Hasher>,
}

/// What the disk shall do, in this order for each file; it answers by a [`DiskReport`].
#[derive(Debug, PartialEq, Eq)]
pub enum FileOrder {
    /// Read a part of an own file: `Read` or `ReadFailed` follows.
    Read {
        /// The file.
        id: OutgoingId,
        /// From here.
        offset: u64,
        /// So much, at most [`MAX_READ_BYTES`].
        length: usize,
    },
    /// The own file is over: close it.
    Release(OutgoingId),
    /// Find what is stored of the peer's file, or begin it: `Begun` or `WriteFailed` follows.
    Begin {
        /// The file.
        id: IncomingId,
        /// What the peer says of it.
        offer: FileOffer,
    },
    /// Append: `Written` or `WriteFailed` follows.
    Write {
        /// The file.
        id: IncomingId,
        /// Where it belongs: the end of what is stored.
        offset: u64,
        /// At most 15 KiB.
        bytes: Vec<u8>,
    },
    /// What is stored is of another file: begin at 0.
    Restart(IncomingId),
    /// It is whole: give it its name. `Finished` or `WriteFailed` follows.
    Finish(IncomingId),
    /// It is over for this channel.
    Close {
        /// The file.
        id: IncomingId,
        /// Whether what is stored stays for a later offer of the same key.
        keep: bool,
    },
}

/// What the disk did.
#[derive(Debug)]
pub enum DiskReport {
    /// It read a part.
    Read {
        /// The file.
        id: OutgoingId,
        /// From here.
        offset: u64,
        /// What stands there.
        bytes: Vec<u8>,
    },
    /// It cannot read: `read-failed`, or `changed`.
    ReadFailed {
        /// The file.
        id: OutgoingId,
        /// Why.
        code: &'static str,
    },
    /// It is ready to write.
    Begun {
        /// The file.
        id: IncomingId,
        /// What it has.
        stored: Stored,
    },
    /// It wrote up to here.
    Written {
        /// The file.
        id: IncomingId,
        /// The end of what is stored.
        offset: u64,
    },
    /// It stored the whole.
    Finished {
        /// The file.
        id: IncomingId,
        /// The name that it has now.
        name: String,
    },
    /// It cannot write: `disk-full` or `write-failed`.
    WriteFailed {
        /// The file.
        id: IncomingId,
        /// Why.
        code: &'static str,
    },
}

/// What people may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileEvent {
    /// The peer has stored so much of an own file.
    Sending {
        /// The file.
        id: OutgoingId,
        /// In bytes.
        stored: u64,
    },
    /// The peer has stored it, and its hash is right.
    Sent(OutgoingId),
    /// It is not sent any more.
    NotSent {
        /// The file.
        id: OutgoingId,
        /// Why (`docs/protocol.md`, Files).
        code: String,
    },
    /// The peer has a file: [`Files::accept`] or [`Files::refuse`] it.
    Offered {
        /// The file.
        id: IncomingId,
        /// What the peer says of it.
        offer: FileOffer,
    },
    /// So much of the peer's file is stored.
    Receiving {
        /// The file.
        id: IncomingId,
        /// In bytes.
        stored: u64,
    },
    /// The peer's file is stored, and its hash is right.
    Received {
        /// The file.
        id: IncomingId,
        /// The name that it is stored under: the offered one, made safe, and another one where
        /// that was taken.
        name: String,
    },
    /// The peer's file does not come.
    NotReceived {
        /// The file.
        id: IncomingId,
        /// Why (`docs/protocol.md`, Files).
        code: String,
    },
    /// The channel closed: an offer is void, and what was stored waits for the next one.
    Interrupted(IncomingId),
}

/// Why a file is not offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Its name is empty or too long.
    #[error("a file name has 1 to {MAX_NAME_BYTES} bytes")]
    Name,
    /// Larger than the wire can say.
    #[error("a file has less than 2^53 bytes")]
    Size,
    /// The same file is on its way.
    #[error("the file is queued already")]
    AlreadyQueued,
    /// [`MAX_QUEUED_FILES`] wait already.
    #[error("{MAX_QUEUED_FILES} files are queued already")]
    TooMany,
}

/// No file has this id any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file is over")]
pub struct FileOver;

/// The files of one link.
#[derive(Default)]
pub struct Files {
    outgoing: Outgoing,
    incoming: Incoming,
    outbox: Outbox,
    is_open: bool,
    /// How many channels there were.
    channel: u32,
    malformed: u64,
}

/// What waits to be polled.
#[derive(Default)]
struct Outbox {
    replies: VecDeque<FileFrame>,
    orders: VecDeque<FileOrder>,
    events: VecDeque<FileEvent>,
}

impl Outbox {
    fn refuse(&mut self, id: u32, code: &str) {
        if self.replies.len() < MAX_REPLIES {
            let code = code.to_owned();
            self.replies.push_back(FileFrame::Refuse { id, code });
        }
    }
}

impl Files {
    /// Queues a file; it is offered when its turn comes, and again on the next channel until it is
    /// received or over.
    ///
    /// # Errors
    /// [`OfferError`]; nothing is queued then.
    pub fn offer(&mut self, offer: FileOffer) -> Result<OutgoingId, OfferError> {
        self.outgoing.offer(offer)
    }

    /// Takes an own file back; the peer removes what it stored.
    ///
    /// # Errors
    /// [`FileOver`] when it was sent or is over.
    pub fn cancel(&mut self, id: OutgoingId) -> Result<(), FileOver> {
        self.outgoing.cancel(id, "cancelled", &mut self.outbox)
    }

    /// Wants an offered file.
    ///
    /// # Errors
    /// [`FileOver`] when it is not offered any more.
    pub fn accept(&mut self, id: IncomingId) -> Result<(), FileOver> {
        self.incoming.accept(id, &mut self.outbox)
    }

    /// Does not want a file, or not any more; what is stored of it is removed.
    ///
    /// # Errors
    /// [`FileOver`] when it was received or is over.
    pub fn refuse(&mut self, id: IncomingId) -> Result<(), FileOver> {
        self.incoming.refuse(id, &mut self.outbox)
    }

    /// Frames may flow.
    pub fn handle_opened(&mut self) {
        self.is_open = true;
        self.channel = self.channel.wrapping_add(1);
    }

    /// The channel is gone.
    pub fn handle_closed(&mut self) {
        if !self.is_open {
            return;
        }
        self.is_open = false;
        self.outbox.replies.clear();
        self.outgoing.handle_closed();
        self.incoming.handle_closed(&mut self.outbox);
    }

    /// Takes one frame; what cannot be read is dropped and counted.
    pub fn handle_frame(&mut self, bytes: &[u8]) {
        let Ok(frame) = FileFrame::decode(bytes) else {
            self.malformed += 1;
            return;
        };
        let outbox = &mut self.outbox;
        let channel = self.channel;
        let theirs = |wire| IncomingId { channel, wire };
        match frame {
            FileFrame::Offer {
                id,
                name,
                size,
                key,
            } => {
                let offer = FileOffer { name, size, key };
                self.incoming.handle_offer(theirs(id), offer, outbox);
            }
            FileFrame::Chunk { id, offset, bytes } => {
                self.incoming
                    .handle_chunk(theirs(id), offset, bytes, outbox);
            }
            FileFrame::Done { id, hash } => {
                self.incoming.handle_done(theirs(id), hash, outbox);
            }
            FileFrame::Cancel { id, code } => {
                self.incoming.handle_cancel(theirs(id), code, outbox);
            }
            FileFrame::Accept { id, offset, hash } => {
                self.outgoing
                    .handle_accept(OutgoingId(id), offset, hash, outbox);
            }
            FileFrame::Progress { id, offset } => {
                self.outgoing
                    .handle_progress(OutgoingId(id), offset, outbox);
            }
            FileFrame::Received { id } => self.outgoing.handle_received(OutgoingId(id), outbox),
            FileFrame::Refuse { id, code } => {
                self.outgoing.handle_refuse(OutgoingId(id), code, outbox);
            }
        }
        self.outgoing.continue_reading(&mut self.outbox);
    }

    /// Takes the disk's answer to an order; answers for files that are over are ignored.
    pub fn handle_report(&mut self, report: DiskReport) {
        let outbox = &mut self.outbox;
        match report {
            DiskReport::Read { id, offset, bytes } => {
                self.outgoing.handle_read(id, offset, &bytes, outbox);
            }
            DiskReport::ReadFailed { id, code } => {
                self.outgoing.handle_read_failed(id, code, outbox);
            }
            DiskReport::Begun { id, stored } => self.incoming.handle_begun(id, stored, outbox),
            DiskReport::Written { id, offset } => self.incoming.handle_written(id, offset, outbox),
            DiskReport::Finished { id, name } => self.incoming.handle_finished(id, name, outbox),
            DiskReport::WriteFailed { id, code } => {
                self.incoming.handle_write_failed(id, code, outbox);
            }
        }
        self.outgoing.continue_reading(&mut self.outbox);
    }

    /// The next frame to send, sealed by the caller; ask only while the channel has room.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        if !self.is_open {
            return None;
        }
        let frame = self.outbox.replies.pop_front();
        let frame = frame.or_else(|| self.incoming.poll_progress());
        let frame = frame.or_else(|| self.outgoing.poll_frame(&mut self.outbox))?;
        self.outgoing.continue_reading(&mut self.outbox);
        Some(
            frame
                .encode()
                .expect("its parts were checked when they came"),
        )
    }

    /// What the disk shall do next.
    pub fn poll_order(&mut self) -> Option<FileOrder> {
        self.outbox.orders.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<FileEvent> {
        self.outbox.events.pop_front()
    }

    /// Frames that could not be read, dropped.
    pub fn malformed(&self) -> u64 {
        self.malformed
    }
}
