//! Files over a link, as its holder sends and takes them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tokio::sync::oneshot;

use super::{Command, Driver, Link};
use crate::files::disk::describe;
use crate::files::{FileOffer, IncomingId, OfferError, OutgoingId};

/// Why a file is not offered.
#[derive(Debug, thiserror::Error)]
pub enum NotOffered {
    /// It cannot be looked at, or is no regular file.
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    Unreadable(PathBuf, #[source] io::Error),
    /// The queue does not take it.
    #[error(transparent)]
    Refused(#[from] OfferError),
    /// The link is over.
    #[error("the link is over")]
    Over,
}

/// What the holder of a link wants of its files.
#[derive(Debug)]
pub(super) enum FileCommand {
    Offer(
        PathBuf,
        FileOffer,
        oneshot::Sender<Result<OutgoingId, OfferError>>,
    ),
    Cancel(OutgoingId),
    Accept(IncomingId),
    Refuse(IncomingId),
}

impl Link {
    /// Whether the other device takes files at all, as its signed record says.
    pub fn takes_files(&self) -> bool {
        self.takes_files
    }

    /// Offers a file; [`crate::files::FileEvent`]s tell what becomes of it. It survives connections
    /// that break, and goes on where the peer's copy ends.
    ///
    /// # Errors
    /// Each of [`NotOffered`]; nothing is queued then.
    ///
    /// [`Link::offer_file`] takes one that was looked at before.
    pub async fn send_file(&self, path: impl AsRef<Path>) -> Result<OutgoingId, NotOffered> {
        let path = path.as_ref().to_owned();
        let looked_at = path.clone();
        let described = tokio::task::spawn_blocking(move || describe(&looked_at)).await;
        let offer = described
            .unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
            .map_err(|error| NotOffered::Unreadable(path.clone(), error))?;
        self.offer_file(path, offer).await
    }

    /// Offers a file that [`describe`] has looked at; one that changed since is not sent.
    ///
    /// # Errors
    /// The queue does not take it, or the link is over.
    pub async fn offer_file(
        &self,
        path: PathBuf,
        offer: FileOffer,
    ) -> Result<OutgoingId, NotOffered> {
        let (told, outcome) = oneshot::channel();
        self.order(FileCommand::Offer(path, offer, told)).await;
        Ok(outcome.await.map_err(|_| NotOffered::Over)??)
    }

    /// Takes an own file back.
    pub async fn cancel_file(&self, id: OutgoingId) {
        self.order(FileCommand::Cancel(id)).await;
    }

    /// Wants a file that the peer offered; it is stored where
    /// [`LinkOptions::save_files_to`](super::LinkOptions) says.
    pub async fn accept_file(&self, id: IncomingId) {
        self.order(FileCommand::Accept(id)).await;
    }

    /// Does not want a file, or not any more; what is stored of it is removed.
    pub async fn refuse_file(&self, id: IncomingId) {
        self.order(FileCommand::Refuse(id)).await;
    }

    async fn order(&self, command: FileCommand) {
        // A link that is over has told so.
        let _ = self.commands.send(Command::File(command)).await;
    }
}

impl Driver {
    pub(super) fn obey_about_file(&mut self, command: FileCommand, now: Instant) {
        match command {
            FileCommand::Offer(path, offer, told) => {
                let offered = self.core.offer_file(offer.clone(), now);
                if let Ok(id) = offered {
                    self.disk.allow(id, path, offer);
                }
                // Whoever asked may have stopped waiting.
                let _ = told.send(offered);
            }
            // What is over needs no end.
            FileCommand::Cancel(id) => drop(self.core.cancel_file(id, now)),
            FileCommand::Accept(id) => drop(self.core.accept_file(id, now)),
            FileCommand::Refuse(id) => drop(self.core.refuse_file(id, now)),
        }
    }
}
