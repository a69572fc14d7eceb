//! The disk of a link: executes the core's orders on a thread that may block.

use std::path::PathBuf;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::files::disk::{Disk, Reading, Saving};
use crate::files::{DiskReport, FileOffer, FileOrder, OutgoingId};

/// Reports that wait for the link; then the disk waits.
const MAX_REPORTS: usize = 64;

enum Work {
    /// An own file may be read.
    Offered(OutgoingId, PathBuf, FileOffer),
    Ordered(FileOrder),
}

/// The thread, from the link's side.
pub(super) struct DiskThread {
    /// Unbounded, since the core never orders more than a window of a file at a time.
    work: mpsc::UnboundedSender<Work>,
    task: JoinHandle<()>,
}

impl DiskThread {
    /// Starts it; the peer's files go into `saving`, or are refused where there is none.
    pub(super) fn start(saving: Option<Saving>) -> (Self, mpsc::Receiver<DiskReport>) {
        let (work, mut queue) = mpsc::unbounded_channel();
        let (reports, reported) = mpsc::channel(MAX_REPORTS);
        let mut disk = Disk {
            reading: Reading::default(),
            saving,
        };
        let task = tokio::task::spawn_blocking(move || {
            while let Some(work) = queue.blocking_recv() {
                let report = match work {
                    Work::Offered(id, path, offer) => {
                        disk.reading.add(id, path, &offer);
                        None
                    }
                    Work::Ordered(order) => disk.execute(order),
                };
                // Without a link what is stored stays for the next one.
                if report.is_some_and(|report| reports.blocking_send(report).is_err()) {
                    return;
                }
            }
        });
        (Self { work, task }, reported)
    }

    pub(super) fn allow(&self, id: OutgoingId, path: PathBuf, offer: FileOffer) {
        self.put(Work::Offered(id, path, offer));
    }

    pub(super) fn execute(&self, order: FileOrder) {
        self.put(Work::Ordered(order));
    }

    fn put(&self, work: Work) {
        // It only ends early when it panicked, which was reported where it happened.
        let _ = self.work.send(work);
    }

    /// Lets it do what was ordered, and ends it.
    pub(super) async fn finish(self) {
        drop(self.work);
        // It only ends early when it panicked, which was reported where it happened.
        let _ = self.task.await;
    }
}
