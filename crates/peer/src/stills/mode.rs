//! Tells the peer what a video section carries, again and again: a command may be lost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use protocol::cbor::Value;

use crate::driver::Link;
use crate::link::Section;

const INTERVAL: Duration = Duration::from_secs(2);

/// The `media` command (`docs/protocol.md`, Commands).
#[derive(Debug)]
pub(super) struct Mode {
    word: &'static str,
    due: Instant,
}

impl Mode {
    /// `word` is one of the modes of the command.
    pub(super) fn new(word: &'static str, now: Instant) -> Self {
        Self { word, due: now }
    }

    /// When it is to be told.
    pub(super) fn poll_timeout(&self) -> Instant {
        self.due
    }

    /// The section is another one, which the peer knows nothing of.
    pub(super) fn handle_section(&mut self, now: Instant) {
        self.due = now;
    }

    /// Tells it where that is due.
    pub(super) async fn tell(&mut self, link: &Link, section: Section, now: Instant) {
        if self.due > now {
            return;
        }
        self.due = now + INTERVAL;
        let words = [("mid", section.to_string()), ("mode", self.word.to_owned())];
        let args = words.map(|(name, word)| (name.to_owned(), Value::Text(word)));
        link.command("media", BTreeMap::from(args)).await;
    }
}
