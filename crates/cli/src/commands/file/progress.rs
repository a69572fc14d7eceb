//! How far each file is: a bar for people, a fact a second for programs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use peer::files::{FileOffer, IncomingId, OutgoingId};
use serde_json::json;

use super::shown;
use crate::arguments::OutputArguments;
use crate::output;

/// How often programs hear of one file.
const FACT_INTERVAL: Duration = Duration::from_secs(1);
const BAR: &str = "{msg:<30!} {bar:20} {percent:>3} % {bytes:>11} {bytes_per_sec:>13}";

/// A file, whichever way it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileId {
    Own(OutgoingId),
    Theirs(IncomingId),
}

impl From<OutgoingId> for FileId {
    fn from(id: OutgoingId) -> Self {
        Self::Own(id)
    }
}

impl From<IncomingId> for FileId {
    fn from(id: IncomingId) -> Self {
        Self::Theirs(id)
    }
}

struct Open {
    name: String,
    size: u64,
    bar: ProgressBar,
    told: Option<Instant>,
}

/// The files that are neither done nor over.
pub(super) struct Progress {
    output: OutputArguments,
    bars: MultiProgress,
    open: BTreeMap<FileId, Open>,
}

impl Progress {
    pub(super) fn new(output: OutputArguments) -> Self {
        Self {
            output,
            // On standard error, and only where that is a terminal.
            bars: MultiProgress::new(),
            open: BTreeMap::new(),
        }
    }

    pub(super) fn has_open(&self) -> bool {
        !self.open.is_empty()
    }

    pub(super) fn begin(&mut self, id: FileId, offer: FileOffer) {
        let (name, size) = (shown(&offer), offer.size);
        let bar = if self.output.json {
            output::json_line(&json!({ "event": "offered", "name": name, "size": size }));
            ProgressBar::hidden()
        } else {
            let style = ProgressStyle::with_template(BAR).expect("the template is well-formed");
            self.bars.add(
                ProgressBar::new(size)
                    .with_style(style)
                    .with_message(name.clone()),
            )
        };
        let told = None;
        let open = Open {
            name,
            size,
            bar,
            told,
        };
        self.open.insert(id, open);
    }

    /// So much of it is stored on the other side.
    pub(super) fn advance(&mut self, id: FileId, stored: u64) {
        let Some(open) = self.open.get_mut(&id) else {
            return;
        };
        open.bar.set_position(stored);
        let now = Instant::now();
        let is_due = open.told.is_none_or(|told| now - told >= FACT_INTERVAL);
        if self.output.json && is_due {
            open.told = Some(now);
            let (name, size) = (&open.name, open.size);
            output::json_line(
                &json!({ "event": "progress", "name": name, "bytes": stored, "size": size }),
            );
        }
    }

    /// It is over, well or not; returns its name.
    pub(super) fn end(&mut self, id: FileId) -> Option<String> {
        let open = self.open.remove(&id)?;
        open.bar.finish_and_clear();
        Some(open.name)
    }
}
