//! Replays the corpora of the fuzz targets `control_frame` and `file_frame`; run with
//! `HELIOGRAPH_WRITE_VECTORS=1` to write their seeds, the shared vectors, anew.

use std::path::PathBuf;

use protocol::control::ControlFrame;
use protocol::file::FileFrame;

use crate::vectors::vectors;

/// The files of a target's corpus, after the seeds were written where that is asked for.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may be asked to write its seeds"
)]
fn corpus(target: &str, of: &str) -> Vec<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let seeds = vectors(of);
    if std::env::var_os("HELIOGRAPH_WRITE_VECTORS").is_some() {
        std::fs::create_dir_all(&root).unwrap();
        for seed in &seeds {
            let name = seed.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
            std::fs::write(root.join(name), seed.bytes()).unwrap();
        }
    }
    let files = std::fs::read_dir(&root).unwrap();
    let files: Vec<_> = files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    assert!(files.len() >= seeds.len());
    files
}

#[test]
fn what_is_read_of_the_control_corpus_is_written_the_same() {
    for bytes in corpus("control_frame", "control") {
        if let Ok(frame) = ControlFrame::decode(&bytes) {
            assert_eq!(frame.encode().unwrap(), bytes);
        }
    }
}

#[test]
fn what_is_read_of_the_file_corpus_is_written_the_same() {
    for bytes in corpus("file_frame", "file") {
        if let Ok(frame) = FileFrame::decode(&bytes) {
            assert_eq!(frame.encode().unwrap(), bytes);
        }
    }
}
