//! Frames for tests of recordings, and the writer's tests with real files.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gateway::{Codec, Frame, Track, Tracks};
use metrics_exporter_prometheus::PrometheusBuilder;
use protocol::stream::StreamName;
use tempfile::TempDir;

use super::catalog::folder;
use super::writer::Writer;
use super::{RecordingSettings, Segment, Shared};
use crate::clock::unix_now_ms;

pub(super) const BOTH: Tracks = Tracks {
    audio: true,
    video: true,
};
const SOUND: Tracks = Tracks {
    audio: true,
    video: false,
};
const EVERYTHING: (Bound<u64>, Bound<u64>) = (Bound::Unbounded, Bound::Unbounded);
const HOUR_MS: u64 = 60 * 60 * 1000;

pub(super) fn stream(name: &str) -> StreamName {
    StreamName::parse(name).expect("a name")
}

/// A picture of so many bytes; a key frame where a segment begins with it.
pub(super) fn picture(at: u64, length: usize, segment: Option<Tracks>) -> Frame {
    Frame {
        stream: stream("cam0"),
        run: 1,
        track: Track::Video,
        codec: Codec::H264,
        clock_rate: 90_000,
        at,
        is_key: segment.is_some(),
        segment,
        data: vec![0; length],
    }
}

pub(super) fn sound(at: u64, length: usize) -> Frame {
    Frame {
        track: Track::Audio,
        codec: Codec::Opus,
        clock_rate: 48_000,
        is_key: true,
        ..picture(at, length, None)
    }
}

/// A writer and the folder that it writes to.
struct Stage {
    dir: TempDir,
    shared: Arc<Shared>,
    writer: Writer,
    runs: u64,
}

impl Stage {
    fn new(change: impl FnOnce(&mut RecordingSettings)) -> Self {
        let dir = TempDir::new().expect("a directory");
        let shared = Arc::<Shared>::default();
        let mut settings = RecordingSettings {
            dir: dir.path().to_owned(),
            segment: Duration::from_secs(2),
            max_age: None,
            max_bytes: None,
            min_free_bytes: 0,
        };
        change(&mut settings);
        Self {
            writer: Writer::new(settings, Arc::clone(&shared)),
            dir,
            shared,
            runs: 0,
        }
    }

    /// A run of sound that begins at a Unix millisecond: this many segments of 2 s, of which the
    /// last is open.
    fn record(&mut self, name: &str, from_ms: u64, segments: u64) {
        self.runs += 1;
        for tenth in 0..segments * 20 {
            let frame = Frame {
                stream: stream(name),
                run: self.runs,
                segment: (tenth % 20 == 0).then_some(SOUND),
                ..sound(tenth * 4800, 100)
            };
            self.take(frame, from_ms + tenth * 100);
        }
    }

    fn take(&mut self, frame: Frame, unix_ms: u64) {
        let queued = &self.shared.queued_bytes;
        queued.fetch_add(frame.data.len(), Ordering::Relaxed);
        self.writer.take(frame, Duration::from_millis(unix_ms));
    }

    fn segments(&self, name: &str) -> Vec<Segment> {
        let catalog = self.shared.read();
        catalog.range(&stream(name), EVERYTHING).copied().collect()
    }

    /// The names of what is in a stream's folder.
    fn files(&self, name: &str) -> Vec<String> {
        let entries = std::fs::read_dir(folder(self.dir.path(), &stream(name)));
        let names = entries.expect("it was recorded").map(|entry| {
            let name = entry.expect("it is there").file_name();
            name.into_string().expect("ASCII")
        });
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    /// The files are those that are listed, and besides them so many open ones.
    fn assert_listed(&self, name: &str, open: usize) {
        let files = self.files(name);
        let (grow, finished): (Vec<_>, Vec<_>) =
            files.into_iter().partition(|file| file.ends_with(".part"));
        let listed: Vec<_> = self.segments(name).iter().map(Segment::file_name).collect();
        assert_eq!((finished, grow.len()), (listed, open), "{name}");
    }
}

/// The lines of the metrics that a body moved.
fn moved(body: impl FnOnce()) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, body);
    recorder.handle().render()
}

#[test]
fn segments_that_are_too_old_are_deleted_with_their_files() {
    let metrics = moved(|| {
        let hour = Duration::from_millis(HOUR_MS);
        let mut stage = Stage::new(|settings| settings.max_age = Some(hour));
        let now_ms = unix_now_ms();
        stage.record("cam0", now_ms - 2 * HOUR_MS, 3);
        stage.record("cam0", now_ms - HOUR_MS / 2, 3);
        stage.writer.sweep();
        let starts: Vec<_> = stage.segments("cam0").iter().map(|s| s.start_ms).collect();
        let began_ms = now_ms - HOUR_MS / 2;
        assert_eq!(starts, [began_ms, began_ms + 2000]);
        stage.assert_listed("cam0", 1);
    });
    let expected = "helio_recording_deleted_total{cause=\"age\"} 3";
    assert!(metrics.contains(expected), "{metrics}");
}

#[test]
fn the_oldest_segments_of_all_streams_make_room_for_others() {
    let metrics = moved(|| {
        let mut stage = Stage::new(|_| {});
        let now_ms = unix_now_ms();
        stage.record("cam0", now_ms - 30_000, 3);
        stage.record("cam1", now_ms - 40_000, 3);
        let bytes = |name: &str| stage.segments(name).iter().map(|s| s.bytes).sum::<u64>();
        let limit = bytes("cam0") + bytes("cam1") - 1;
        stage.writer.settings.max_bytes = Some(limit);
        stage.writer.sweep();
        assert_eq!(stage.segments("cam0").len(), 2);
        let starts: Vec<_> = stage.segments("cam1").iter().map(|s| s.start_ms).collect();
        assert_eq!(
            starts,
            [now_ms - 38_000],
            "a byte too much costs the oldest"
        );
        stage.writer.settings.max_bytes = Some(0);
        stage.writer.sweep();
        for name in ["cam0", "cam1"] {
            assert_eq!(stage.segments(name), [], "{name}");
            stage.assert_listed(name, 1);
        }
    });
    let expected = "helio_recording_deleted_total{cause=\"size\"} 4";
    assert!(metrics.contains(expected), "{metrics}");
}

#[test]
fn what_begins_in_a_time_is_deleted_and_nothing_else() {
    let mut stage = Stage::new(|_| {});
    let begin_ms = unix_now_ms() - 60_000;
    stage.record("cam0", begin_ms, 4);
    stage.record("cam1", begin_ms, 2);
    let range = (
        Bound::Included(begin_ms + 1),
        Bound::Excluded(begin_ms + 4000),
    );
    assert_eq!(stage.writer.delete(&stream("cam0"), range), 1);
    let starts: Vec<_> = stage.segments("cam0").iter().map(|s| s.start_ms).collect();
    assert_eq!(starts, [begin_ms, begin_ms + 4000]);
    stage.assert_listed("cam0", 1);
    let since = (Bound::Included(begin_ms + 4000), Bound::Unbounded);
    let deleted = stage.writer.delete(&stream("cam0"), since);
    assert_eq!(deleted, 2, "also what is not finished");
    stage.assert_listed("cam0", 0);
    stage.assert_listed("cam1", 1);
}

#[test]
fn without_room_what_is_open_is_finished_and_the_rest_left_out_until_there_is() {
    let metrics = moved(|| {
        let mut stage = Stage::new(|settings| settings.min_free_bytes = u64::MAX);
        let begin_ms = unix_now_ms() - 60_000;
        stage.record("cam0", begin_ms, 2);
        stage.writer.look_for_room();
        assert!(stage.shared.is_disk_full.load(Ordering::Relaxed));
        assert_eq!(stage.segments("cam0").len(), 2);
        stage.record("cam0", begin_ms + 10_000, 1);
        stage.assert_listed("cam0", 0);
        // As if its end had not been written down.
        let last = stage.files("cam0").pop().expect("a segment");
        let lost = stage.segments("cam0")[1];
        let part = format!("{}-{}.part", lost.start_ms, lost.run_ms);
        let home = folder(stage.dir.path(), &stream("cam0"));
        std::fs::rename(home.join(last), home.join(part)).expect("both are there");
        stage.shared.write().remove(&stream("cam0"), lost.start_ms);
        stage.writer.settings.min_free_bytes = 0;
        stage.writer.look_for_room();
        assert!(!stage.shared.is_disk_full.load(Ordering::Relaxed));
        assert_eq!(stage.segments("cam0")[1], lost, "salvaged");
        stage.record("cam0", begin_ms + 20_000, 1);
        stage.assert_listed("cam0", 1);
    });
    let expected = "helio_recording_dropped_frames_total{cause=\"paused\"} 20";
    assert!(metrics.contains(expected), "{metrics}");
    assert!(metrics.contains("helio_recording_paused 0"), "{metrics}");
}

#[test]
fn a_run_whose_end_could_not_be_told_is_finished_when_all_is_written() {
    let mut stage = Stage::new(|_| {});
    stage.record("cam0", unix_now_ms() - 60_000, 1);
    for (run, open) in [(stage.runs + 1, 1), (stage.runs, 0)] {
        let mut ends = stage.shared.unsaid_ends();
        ends.insert(stream("cam0"), run);
        drop(ends);
        stage.writer.end_unsaid();
        stage.assert_listed("cam0", open);
    }
    assert_eq!(stage.segments("cam0").len(), 1);
}
