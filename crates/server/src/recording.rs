//! Recordings on the disk: what the gateway's core says is to be written, one thread writes.
//!
//! `intake.rs` is the media thread's end, `writer.rs` the thread that owns the files, `open_file.rs`
//! one file that grows, `format.rs` what MP4 says of a codec, `reading.rs` and `salvage.rs` what is
//! found after a restart, `catalog.rs` the list that others read, `retention.rs` what has to go.
//!
//! A stream's files are in a folder of its name. Their names say all that is listed, so that a file
//! is never without its entry, nor an entry without its file.

use std::collections::BTreeMap;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, mpsc};
use std::time::Duration;

use protocol::http::recordings::RecordingState;
use protocol::stream::StreamName;
use tokio::sync::oneshot;

mod catalog;
mod export;
mod format;
mod intake;
mod metrics;
mod open_file;
mod reading;
mod retention;
mod salvage;
#[cfg(test)]
mod tests;
mod writer;

use catalog::Catalog;
pub(crate) use catalog::Segment;
pub(crate) use export::Export;
pub(crate) use intake::Intake;
use intake::Order;
use writer::Writer;

/// Frames that wait for the disk: at 30 pictures and 50 sounds a second, more than a minute of one
/// stream.
const QUEUE_FRAMES: usize = 8192;

/// Section `[recording]`.
#[derive(Debug, Clone)]
pub struct RecordingSettings {
    /// Where the files are.
    pub dir: PathBuf,
    /// How long a segment is to be.
    pub segment: Duration,
    /// Segments that are older are deleted.
    pub max_age: Option<Duration>,
    /// The oldest segments are deleted while all together are larger.
    pub max_bytes: Option<u64>,
    /// What is left free on the disk.
    pub min_free_bytes: u64,
}

/// The way to the recordings; clones are cheap.
#[derive(Clone)]
pub(crate) struct Recordings {
    dir: Arc<Path>,
    shared: Arc<Shared>,
    orders: mpsc::SyncSender<Order>,
}

impl std::fmt::Debug for Recordings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recordings").finish_non_exhaustive()
    }
}

/// What the writer tells everybody else.
#[derive(Debug, Default)]
struct Shared {
    catalog: RwLock<Catalog>,
    /// Bytes of frames that wait for the writer.
    queued_bytes: AtomicUsize,
    is_disk_full: AtomicBool,
    is_failing: AtomicBool,
    /// Runs that ended when the writer could not be told.
    unsaid_ends: Mutex<BTreeMap<StreamName, u64>>,
}

/// Starts the writer, which first salvages what was open when the process before it ended.
///
/// # Errors
/// When the thread cannot be started.
pub(crate) fn spawn(settings: RecordingSettings) -> io::Result<(Recordings, Intake)> {
    metrics::describe();
    let shared = Arc::new(Shared::default());
    let (orders, inbox) = mpsc::sync_channel(QUEUE_FRAMES);
    let dir = settings.dir.as_path().into();
    let writer = Writer::new(settings, Arc::clone(&shared));
    std::thread::Builder::new()
        .name("recording".into())
        .spawn(move || writer.run(&inbox))?;
    let intake = Intake::new(orders.clone(), Arc::clone(&shared));
    let recordings = Recordings {
        dir,
        shared,
        orders,
    };
    Ok((recordings, intake))
}

impl Recordings {
    /// Whether a stream that is to be recorded is.
    pub(crate) fn state(&self, stream: &StreamName) -> RecordingState {
        if self.shared.is_disk_full.load(Ordering::Relaxed) {
            RecordingState::DiskFull
        } else if self.shared.is_failing.load(Ordering::Relaxed) {
            RecordingState::Failed
        } else if self.shared.read().is_open(stream) {
            RecordingState::Recording
        } else {
            RecordingState::Waiting
        }
    }

    /// The finished segments of a stream that begin in a range, in Unix milliseconds, oldest first.
    pub(crate) fn segments(
        &self,
        stream: &StreamName,
        range: (Bound<u64>, Bound<u64>),
    ) -> Vec<Segment> {
        self.shared.read().range(stream, range).copied().collect()
    }

    /// The segment that begins at a Unix millisecond, and its file.
    pub(crate) fn find(&self, stream: &StreamName, start_ms: u64) -> Option<(PathBuf, Segment)> {
        let one = (Bound::Included(start_ms), Bound::Included(start_ms));
        let segment = self.segments(stream, one).pop()?;
        let folder = catalog::folder(&self.dir, stream);
        Some((folder.join(segment.file_name()), segment))
    }

    /// Lists a segment no longer whose file is gone: whoever has the disk may delete it.
    pub(crate) fn forget(&self, stream: &StreamName, start_ms: u64) {
        self.shared.write().remove(stream, start_ms);
    }

    /// A film of segments; reads files.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(crate) fn export(&self, stream: &StreamName, segments: Vec<Segment>) -> io::Result<Export> {
        Export::new(&catalog::folder(&self.dir, stream), segments)
    }

    /// Deletes the segments of a stream that begin in a range, in Unix milliseconds; how many.
    pub(crate) async fn delete(&self, stream: &StreamName, range: impl RangeBounds<u64>) -> usize {
        let (answer, answered) = oneshot::channel();
        let order = Order::Delete {
            stream: stream.clone(),
            range: (range.start_bound().cloned(), range.end_bound().cloned()),
            answer,
        };
        self.order(order).await;
        answered.await.unwrap_or_default()
    }

    /// Finishes what is open, and returns when it is on the disk.
    pub(crate) async fn stop(&self) {
        let (done, is_done) = oneshot::channel();
        self.order(Order::Stop(done)).await;
        // An error says that it was done before.
        let _ = is_done.await;
    }

    /// Waits for room among the frames, which a task of the runtime must not.
    async fn order(&self, order: Order) {
        let orders = self.orders.clone();
        let sent = tokio::task::spawn_blocking(move || orders.send(order).is_ok());
        if !sent.await.unwrap_or_default() {
            tracing::debug!("the recording thread has ended");
        }
    }
}

impl Shared {
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Catalog> {
        self.catalog.read().expect("no holder of the list panics")
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Catalog> {
        self.catalog.write().expect("no holder of the list panics")
    }

    fn unsaid_ends(&self) -> MutexGuard<'_, BTreeMap<StreamName, u64>> {
        self.unsaid_ends
            .lock()
            .expect("no holder of the ends panics")
    }
}

/// Segments of one stream, by when they begin, in Unix milliseconds.
type Segments = BTreeMap<u64, Segment>;
