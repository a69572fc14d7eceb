//! The corpora of the fuzz targets `link_signal` and `link_datagram`, replayed.

use std::fs;
use std::path::PathBuf;

mod strangers;
mod two_links;

fn replay(target: &str, play: fn(&[u8])) {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../fuzz/corpus", target]
        .iter()
        .collect();
    let mut played = 0;
    for entry in fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("it can be listed").path();
        play(&fs::read(path).expect("it can be read"));
        played += 1;
    }
    assert!(played >= 10, "{target} has {played} inputs");
}

#[test]
fn signalling_of_the_corpus_is_survived() {
    replay("link_signal", strangers::play_signal);
}

#[test]
fn datagrams_of_the_corpus_are_survived() {
    replay("link_datagram", strangers::play_datagrams);
}
