//! The media thread's end of the recordings. It never waits: what the disk does not take in time is
//! left out, whole groups of pictures at a time.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use gateway::{Frame, Recorded, Tracks};
use metrics::counter;
use protocol::stream::StreamName;
use tokio::sync::oneshot;

use super::Shared;

/// Bytes that may wait for the disk.
const QUEUE_BYTES: usize = 64 << 20;

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Order {
    /// A frame, and when it came, in Unix time.
    Frame(Frame, Duration),
    /// The run of a stream is over.
    Ended(StreamName),
    Delete {
        stream: StreamName,
        /// Unix milliseconds.
        range: (Bound<u64>, Bound<u64>),
        answer: oneshot::Sender<usize>,
    },
    Stop(oneshot::Sender<()>),
}

/// Where the media thread leaves what is to be written.
#[derive(Debug)]
pub(crate) struct Intake {
    orders: Option<mpsc::SyncSender<Order>>,
    shared: Arc<Shared>,
    /// Streams of which frames were left out, and the tracks of a segment that should have begun.
    skipping: BTreeMap<StreamName, Option<Tracks>>,
    max_bytes: usize,
}

impl Intake {
    pub(super) fn new(orders: mpsc::SyncSender<Order>, shared: Arc<Shared>) -> Self {
        Self {
            orders: Some(orders),
            shared,
            skipping: BTreeMap::new(),
            max_bytes: QUEUE_BYTES,
        }
    }

    /// One that leaves out everything.
    pub(crate) fn nowhere() -> Self {
        Self {
            orders: None,
            shared: Arc::default(),
            skipping: BTreeMap::new(),
            max_bytes: 0,
        }
    }

    /// Takes what the gateway recorded at this Unix time, or leaves it out.
    pub(crate) fn take(&mut self, recorded: Recorded, unix_time: Duration) {
        match recorded {
            Recorded::Frame(frame) => self.take_frame(frame, unix_time),
            Recorded::Ended { stream } => {
                self.skipping.remove(&stream);
                // Without it the next run's first frame says the same.
                self.send(Order::Ended(stream));
            }
        }
    }

    fn take_frame(&mut self, mut frame: Frame, unix_time: Duration) {
        if let Some(missed) = self.skipping.get_mut(&frame.stream) {
            *missed = frame.segment.or(*missed);
            let leads = !missed.is_some_and(|tracks| tracks.video) || is_picture(&frame);
            if !(frame.is_key && leads) {
                return leave_out(&frame);
            }
            frame.segment = *missed;
        }
        let length = frame.data.len();
        let queued = self.shared.queued_bytes.load(Ordering::Relaxed);
        let (stream, segment) = (frame.stream.clone(), frame.segment);
        if queued + length > self.max_bytes {
            leave_out(&frame);
        } else {
            self.shared
                .queued_bytes
                .fetch_add(length, Ordering::Relaxed);
            if self.send(Order::Frame(frame, unix_time)) {
                self.skipping.remove(&stream);
                return;
            }
            self.shared
                .queued_bytes
                .fetch_sub(length, Ordering::Relaxed);
        }
        if self.skipping.insert(stream, segment).is_none() {
            tracing::warn!("the disk is too slow: pictures are missing from recordings");
        }
    }

    /// Whether there was room.
    fn send(&self, order: Order) -> bool {
        let orders = self.orders.as_ref();
        orders.is_some_and(|orders| match orders.try_send(order) {
            Ok(()) => true,
            Err(mpsc::TrySendError::Full(Order::Frame(frame, _))) => {
                leave_out(&frame);
                false
            }
            Err(_) => false,
        })
    }
}

fn is_picture(frame: &Frame) -> bool {
    frame.track == gateway::Track::Video
}

fn leave_out(frame: &Frame) {
    let cause = "disk_slow";
    counter!("helio_recording_dropped_frames_total", "cause" => cause).increment(1);
    tracing::trace!(stream = %frame.stream, "frame not recorded");
}
