//! Replays the corpus of the fuzz targets `invite_link` and `noise_message`.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::path::PathBuf;

use identity::testing::noise::Listeners;
use protocol::invite_link::{PairingLink, SetupLink};

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = std::fs::read_dir(root.join(target)).unwrap();
    let paths = files.map(|entry| entry.unwrap().path());
    let files: Vec<_> = paths
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    assert!(files.len() >= 4, "{target} has seeds");
    files
}

#[test]
fn no_message_of_the_corpus_is_believed_by_anything() {
    for (path, bytes) in corpus("noise_message") {
        let (first, message) = bytes.split_first().unwrap();
        for kind in [*first].into_iter().chain(0..Listeners::KINDS) {
            assert!(!Listeners::new().believes(kind, message), "{path:?} {kind}");
        }
    }
}

#[test]
fn a_link_of_the_corpus_is_refused_or_written_as_it_reads() {
    for (path, bytes) in corpus("invite_link") {
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(link) = text.parse::<PairingLink>() {
            assert_eq!(link.to_string().parse(), Ok(link), "{path:?}");
        }
        let _ = text.parse::<SetupLink>();
    }
}
