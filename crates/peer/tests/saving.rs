//! The disk behind files: what a killed process leaves goes on, names collide without harm, and a
//! stranger's name stays inside the directory.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::fs;
use std::path::Path;

use peer::files::disk::{Disk, Reading, Saving, describe};
use peer::files::{FileEvent, FileOffer, Files};
use protocol::file::FileKey;

/// A side with a disk.
struct Side {
    files: Files,
    disk: Disk,
}

impl Side {
    fn saving_into(directory: &Path) -> Self {
        let saving = Saving::into_directory(directory, "peer").unwrap();
        Self {
            files: Files::default(),
            disk: Disk {
                reading: Reading::default(),
                saving: Some(saving),
            },
        }
    }

    fn work(&mut self) -> Vec<FileEvent> {
        let mut events = vec![];
        loop {
            while let Some(event) = self.files.poll_event() {
                if let FileEvent::Offered { id, .. } = &event {
                    self.files.accept(*id).unwrap();
                }
                events.push(event);
            }
            let Some(order) = self.files.poll_order() else {
                return events;
            };
            if let Some(report) = self.disk.execute(order) {
                self.files.handle_report(report);
            }
        }
    }

    fn send(&mut self, path: &Path) {
        let offer = describe(path).unwrap();
        let id = self.files.offer(offer.clone()).unwrap();
        self.disk.reading.add(id, path.to_owned(), &offer);
    }
}

/// Joins two sides until nothing moves, or so many frames were sent.
fn talk(ours: &mut Side, theirs: &mut Side, limit: usize) -> Vec<FileEvent> {
    for side in [&mut *ours, &mut *theirs] {
        side.files.handle_closed();
        side.files.handle_opened();
    }
    let mut events = vec![];
    for _ in 0..limit {
        events.extend(ours.work());
        theirs.work();
        let (out, back) = (ours.files.poll_transmit(), theirs.files.poll_transmit());
        if out.is_none() && back.is_none() {
            break;
        }
        if let Some(frame) = out {
            theirs.files.handle_frame(&frame);
        }
        if let Some(frame) = back {
            ours.files.handle_frame(&frame);
        }
    }
    events.extend(ours.work());
    theirs.work();
    events
}

fn content(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_goes_on_after_both_processes_were_killed() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = from.path().join("film.mp4");
    fs::write(&path, content(1_000_000)).unwrap();
    let mut theirs = Side::saving_into(into.path());
    let mut ours = Side::saving_into(from.path());
    ours.send(&path);
    talk(&mut ours, &mut theirs, 30);
    // Nothing is closed or flushed: what is on the disk is all there is.
    std::mem::forget((ours, theirs));
    assert_eq!(
        names(into.path()),
        [".film.mp4.part", ".film.mp4.part.json"]
    );
    let stored = fs::metadata(into.path().join(".film.mp4.part"))
        .unwrap()
        .len();
    assert!((1..1_000_000).contains(&stored), "{stored}");

    let mut theirs = Side::saving_into(into.path());
    let mut ours = Side::saving_into(from.path());
    assert!(
        theirs
            .disk
            .saving
            .as_ref()
            .unwrap()
            .knows(&describe(&path).unwrap())
    );
    ours.send(&path);
    let events = talk(&mut ours, &mut theirs, 1000);
    let first = events.iter().find_map(|event| match event {
        FileEvent::Sending { stored, .. } => Some(*stored),
        _ => None,
    });
    assert!(first > Some(stored), "{first:?} begins behind {stored}");
    assert_eq!(names(into.path()), ["film.mp4"]);
    assert!(fs::read(into.path().join("film.mp4")).unwrap() == content(1_000_000));
}

#[test]
fn a_damaged_part_begins_anew() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = from.path().join("a");
    fs::write(&path, content(300_000)).unwrap();
    let (mut ours, mut theirs) = (
        Side::saving_into(from.path()),
        Side::saving_into(into.path()),
    );
    ours.send(&path);
    talk(&mut ours, &mut theirs, 15);
    let part = into.path().join(".a.part");
    let length = fs::metadata(&part).unwrap().len();
    assert!(length > 0);
    fs::write(&part, vec![0; usize::try_from(length).unwrap()]).unwrap();
    talk(&mut ours, &mut theirs, 1000);
    assert!(fs::read(into.path().join("a")).unwrap() == content(300_000));
}

#[test]
fn files_of_one_name_stand_beside_each_other() {
    let into = tempfile::tempdir().unwrap();
    fs::write(into.path().join("a.txt"), "mine").unwrap();
    let mut theirs = Side::saving_into(into.path());
    for text in ["one", "two"] {
        let from = tempfile::tempdir().unwrap();
        let mut ours = Side::saving_into(from.path());
        let path = from.path().join("a.txt");
        fs::write(&path, text).unwrap();
        ours.send(&path);
        talk(&mut ours, &mut theirs, 1000);
    }
    assert_eq!(names(into.path()), ["a (2).txt", "a (3).txt", "a.txt"]);
    assert_eq!(
        fs::read_to_string(into.path().join("a.txt")).unwrap(),
        "mine"
    );
    assert_eq!(
        fs::read_to_string(into.path().join("a (3).txt")).unwrap(),
        "two"
    );
}

#[test]
fn a_name_that_is_taken_while_the_file_comes_is_left_alone() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = from.path().join("a");
    fs::write(&path, content(100_000)).unwrap();
    let (mut ours, mut theirs) = (
        Side::saving_into(from.path()),
        Side::saving_into(into.path()),
    );
    ours.send(&path);
    talk(&mut ours, &mut theirs, 5);
    fs::write(into.path().join("a"), "mine").unwrap();
    talk(&mut ours, &mut theirs, 1000);
    assert_eq!(names(into.path()), ["a", "a (2)"]);
    assert_eq!(fs::read_to_string(into.path().join("a")).unwrap(), "mine");
}

#[test]
fn a_strangers_name_stays_inside_the_directory_and_is_no_sidecar() {
    let root = tempfile::tempdir().unwrap();
    let into = root.path().join("into");
    let mut theirs = Side::saving_into(&into);
    for (key, name) in (0_u8..).zip([
        "../../x",
        "/etc/passwd",
        "..",
        ".bashrc",
        ".a.part.json",
        "a\0b",
    ]) {
        let (mut files, key) = (Files::default(), FileKey([key; 16]));
        let (name, size) = (name.to_owned(), 0);
        files.offer(FileOffer { name, size, key }).unwrap();
        let disk = Disk {
            reading: Reading::default(),
            saving: None,
        };
        talk(&mut Side { files, disk }, &mut theirs, 1000);
    }
    assert_eq!(names(root.path()), ["into"]);
    let expected = ["a.part.json", "ab", "bashrc", "file", "passwd", "x"];
    assert_eq!(names(&into), expected);
}

#[test]
fn a_file_that_changed_since_it_was_offered_is_not_sent() {
    let (from, into) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = from.path().join("a");
    fs::write(&path, content(100_000)).unwrap();
    let (mut ours, mut theirs) = (
        Side::saving_into(from.path()),
        Side::saving_into(into.path()),
    );
    ours.send(&path);
    fs::write(&path, content(99_999)).unwrap();
    let events = talk(&mut ours, &mut theirs, 1000);
    let changed = events
        .iter()
        .any(|event| matches!(event, FileEvent::NotSent { code, .. } if code == "changed"));
    assert!(changed, "{events:?}");
    assert!(names(into.path()).is_empty());
}
