//! Files of a link: the conversation of [`Files`] on its channel.

use std::time::Instant;

use super::LinkCore;
use super::channels::Label;
use super::output::{Event, Output};
use crate::files::{DiskReport, FileOffer, FileOver, IncomingId, OfferError, OutgoingId};

impl LinkCore {
    /// Whether both signed records say `file`: else no file is ever taken.
    pub fn takes_files(&self) -> bool {
        self.has_files && self.keys.is_some()
    }

    /// Queues a file for the peer; it is offered when the link is open, and again after each
    /// connection that broke, until the peer has it or does not want it.
    ///
    /// # Errors
    /// [`OfferError`]; nothing is queued then.
    pub fn offer_file(&mut self, offer: FileOffer, now: Instant) -> Result<OutgoingId, OfferError> {
        let offered = self.files.offer(offer);
        self.settle(now);
        offered
    }

    /// Takes an own file back.
    ///
    /// # Errors
    /// [`FileOver`] when it was sent or is over.
    pub fn cancel_file(&mut self, id: OutgoingId, now: Instant) -> Result<(), FileOver> {
        let cancelled = self.files.cancel(id);
        self.settle(now);
        cancelled
    }

    /// Wants an offered file.
    ///
    /// # Errors
    /// [`FileOver`] when it is not offered any more.
    pub fn accept_file(&mut self, id: IncomingId, now: Instant) -> Result<(), FileOver> {
        let accepted = self.files.accept(id);
        self.settle(now);
        accepted
    }

    /// Does not want a file, or not any more.
    ///
    /// # Errors
    /// [`FileOver`] when it was received or is over.
    pub fn refuse_file(&mut self, id: IncomingId, now: Instant) -> Result<(), FileOver> {
        let refused = self.files.refuse(id);
        self.settle(now);
        refused
    }

    /// The disk did what an [`Output::Disk`] ordered.
    pub fn handle_disk(&mut self, report: DiskReport, now: Instant) {
        self.files.handle_report(report);
        self.settle(now);
    }

    /// Sends what has room and tells what happened.
    pub(super) fn share(&mut self, now: Instant) {
        loop {
            while let Some(order) = self.files.poll_order() {
                self.outputs.push_back(Output::Disk(order));
            }
            while let Some(event) = self.files.poll_event() {
                self.event(Event::File(event));
            }
            let connection = self.connection.as_mut();
            let Some(connection) = connection.filter(|_| self.is_open) else {
                return;
            };
            if !connection.has_room(Label::File) {
                return;
            }
            let Some(frame) = self.files.poll_transmit() else {
                return;
            };
            let sent = connection.send(Label::File, frame, now);
            debug_assert!(sent.is_ok(), "there was room");
        }
    }
}
