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
    /// This run of a stream is over.
    Ended(StreamName, u64),
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
    queue: Option<Queue>,
    courses: BTreeMap<StreamName, Course>,
}

/// What waits for the writer.
#[derive(Debug)]
struct Queue {
    orders: mpsc::SyncSender<Order>,
    shared: Arc<Shared>,
    max_bytes: usize,
}

/// How far a stream's run was taken.
#[derive(Debug)]
struct Course {
    run: u64,
    /// Of the segment that is under way.
    tracks: Tracks,
    /// Frames were left out, and a picture that needs no other has not come since.
    is_broken: bool,
    /// Of a segment whose first frame was left out.
    owed: Option<Tracks>,
}

impl Intake {
    pub(super) fn new(orders: mpsc::SyncSender<Order>, shared: Arc<Shared>) -> Self {
        let queue = Queue {
            orders,
            shared,
            max_bytes: QUEUE_BYTES,
        };
        Self {
            queue: Some(queue),
            courses: BTreeMap::new(),
        }
    }

    /// One that leaves out everything.
    pub(crate) fn nowhere() -> Self {
        Self {
            queue: None,
            courses: BTreeMap::new(),
        }
    }

    /// Takes what the gateway recorded at this Unix time, or leaves it out.
    pub(crate) fn take(&mut self, recorded: Recorded, unix_time: Duration) {
        let Some(queue) = &self.queue else {
            return;
        };
        match recorded {
            Recorded::Frame(frame) => {
                let course = self.courses.entry(frame.stream.clone());
                let course = course.or_insert_with(|| Course::of(&frame));
                course.take(frame, unix_time, queue);
            }
            Recorded::Ended { stream } => {
                if let Some(course) = self.courses.remove(&stream) {
                    queue.end(stream, course.run);
                }
            }
        }
    }
}

impl Queue {
    /// Gives a frame back for which there is no room.
    fn send(&self, frame: Frame, unix_time: Duration) -> Result<(), Frame> {
        let (length, bytes) = (frame.data.len(), &self.shared.queued_bytes);
        if bytes.load(Ordering::Relaxed) + length > self.max_bytes {
            return Err(frame);
        }
        bytes.fetch_add(length, Ordering::Relaxed);
        let sent = self.orders.try_send(Order::Frame(frame, unix_time));
        sent.or_else(|error| {
            bytes.fetch_sub(length, Ordering::Relaxed);
            match error {
                mpsc::TrySendError::Full(Order::Frame(frame, _))
                | mpsc::TrySendError::Disconnected(Order::Frame(frame, _)) => Err(frame),
                _ => Ok(()),
            }
        })
    }

    fn end(&self, stream: StreamName, run: u64) {
        let sent = self.orders.try_send(Order::Ended(stream.clone(), run));
        if sent.is_err() {
            // The writer looks here when it has written what waits.
            self.shared.unsaid_ends().insert(stream, run);
        }
    }
}

impl Course {
    fn of(first: &Frame) -> Self {
        let video = is_picture(first);
        let audio = !video;
        Self {
            run: first.run,
            tracks: first.segment.unwrap_or(Tracks { audio, video }),
            is_broken: false,
            owed: None,
        }
    }

    fn take(&mut self, mut frame: Frame, unix_time: Duration, queue: &Queue) {
        self.run = frame.run;
        self.tracks = frame.segment.unwrap_or(self.tracks);
        self.owed = frame.segment.or(self.owed);
        let leads = is_picture(&frame) == self.tracks.video;
        if self.is_broken && !(frame.is_key && leads) {
            return leave_out(&frame);
        }
        frame.segment = self.owed;
        match queue.send(frame, unix_time) {
            Ok(()) => (self.is_broken, self.owed) = (false, None),
            Err(frame) => {
                leave_out(&frame);
                if !std::mem::replace(&mut self.is_broken, true) {
                    tracing::warn!("the disk is too slow: pictures are missing from recordings");
                }
            }
        }
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

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::super::tests::{BOTH, picture, sound, stream};
    use super::*;

    const LIMIT: usize = 100;

    /// An intake before a writer that does nothing.
    struct Stage {
        intake: Intake,
        inbox: mpsc::Receiver<Order>,
        shared: Arc<Shared>,
    }

    impl Stage {
        fn new(max_frames: usize) -> Self {
            let (orders, inbox) = mpsc::sync_channel(max_frames);
            let shared = Arc::<Shared>::default();
            let mut intake = Intake::new(orders, Arc::clone(&shared));
            let queue = intake.queue.as_mut().expect("it leads to the inbox");
            queue.max_bytes = LIMIT;
            Self {
                intake,
                inbox,
                shared,
            }
        }

        fn take(&mut self, frame: Frame) {
            let unix_time = Duration::from_secs(1);
            self.intake.take(Recorded::Frame(frame), unix_time);
        }

        /// What waits, as the writer would take it: when each frame is shown, and which begins a
        /// segment.
        fn drain(&self) -> Vec<(u64, Option<Tracks>)> {
            let orders = self.inbox.try_iter();
            let frames = orders.filter_map(|order| match order {
                Order::Frame(frame, _) => Some(frame),
                _ => None,
            });
            let bytes = &self.shared.queued_bytes;
            frames
                .inspect(|frame| {
                    bytes.fetch_sub(frame.data.len(), Ordering::Relaxed);
                })
                .map(|frame| (frame.at, frame.segment))
                .collect()
        }
    }

    /// What a body makes of the counter of frames that were left out.
    fn left_out(body: impl FnOnce()) -> Option<u64> {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, body);
        let text = recorder.handle().render();
        let name = "helio_recording_dropped_frames_total{cause=\"disk_slow\"} ";
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.parse().ok()
    }

    #[test]
    fn what_exceeds_the_queues_bytes_is_left_out_up_to_the_next_key_frame() {
        let count = left_out(|| {
            let mut stage = Stage::new(100);
            stage.take(picture(0, 60, Some(BOTH)));
            stage.take(picture(1, LIMIT - 60, None));
            stage.take(picture(2, 1, None));
            assert_eq!(stage.drain(), [(0, Some(BOTH)), (1, None)], "limit + 1");
            stage.take(sound(3, 1));
            stage.take(picture(4, 1, None));
            assert_eq!(stage.drain(), [], "its group of pictures, and their sound");
            stage.take(Frame {
                is_key: true,
                ..picture(5, LIMIT, None)
            });
            stage.take(sound(6, 1));
            assert_eq!(stage.drain(), [(5, None)], "what is whole again fits");
            stage.take(picture(7, 1, None));
            assert_eq!(stage.drain(), [], "another sound was left out");
        });
        assert_eq!(count, Some(5));
    }

    #[test]
    fn what_exceeds_the_queues_places_is_left_out_as_well() {
        let count = left_out(|| {
            let mut stage = Stage::new(2);
            stage.take(picture(0, 1, Some(BOTH)));
            stage.take(picture(1, 1, None));
            stage.take(picture(2, 1, None));
            assert_eq!(stage.drain().len(), 2);
            assert_eq!(stage.shared.queued_bytes.load(Ordering::Relaxed), 0);
            stage.take(picture(3, 1, None));
            assert_eq!(stage.drain(), []);
        });
        assert_eq!(count, Some(2));
    }

    #[test]
    fn a_segment_that_was_to_begin_begins_with_the_next_key_frame() {
        let mut stage = Stage::new(100);
        stage.take(picture(0, LIMIT, Some(BOTH)));
        stage.take(picture(1, 1, Some(BOTH)));
        assert_eq!(stage.drain(), [(0, Some(BOTH))]);
        stage.take(Frame {
            is_key: true,
            ..picture(2, 1, None)
        });
        stage.take(picture(3, 1, None));
        assert_eq!(stage.drain(), [(2, Some(BOTH)), (3, None)]);
    }

    #[test]
    fn one_stream_that_is_left_out_costs_no_other() {
        let mut stage = Stage::new(100);
        let other = |frame| Frame {
            stream: stream("other"),
            ..frame
        };
        stage.take(picture(0, LIMIT, Some(BOTH)));
        stage.take(picture(1, 1, None));
        stage.drain();
        stage.take(picture(2, 1, None));
        stage.take(other(picture(3, 1, Some(BOTH))));
        assert_eq!(stage.drain(), [(3, Some(BOTH))]);
    }

    #[test]
    fn an_end_that_does_not_fit_is_left_where_the_writer_finds_it() {
        let mut stage = Stage::new(1);
        stage.take(picture(0, 1, Some(BOTH)));
        let end = Recorded::Ended {
            stream: stream("cam0"),
        };
        stage.intake.take(end, Duration::from_secs(1));
        let unsaid = std::mem::take(&mut *stage.shared.unsaid_ends());
        assert_eq!(unsaid, BTreeMap::from([(stream("cam0"), 1)]));
    }
}
