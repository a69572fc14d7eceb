//! Counts for metrics: labels are enumerations, never names.

use std::collections::BTreeMap;

use protocol::close::CloseCode;
use protocol::signal::ErrorCode;

use crate::refused::Dialect;

/// What a hub has seen since it began, and what is open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open sockets.
    pub sockets: BTreeMap<Dialect, u64>,
    /// Messages that came, refused ones included.
    pub messages: BTreeMap<Dialect, u64>,
    /// Messages that were refused.
    pub refusals: BTreeMap<(Dialect, ErrorCode), u64>,
    /// Sockets that the hub closed.
    pub closes: BTreeMap<CloseCode, u64>,
}

impl Stats {
    pub(crate) fn count_message(&mut self, dialect: Dialect) {
        *self.messages.entry(dialect).or_default() += 1;
    }

    pub(crate) fn count_refusal(&mut self, dialect: Dialect, code: ErrorCode) {
        *self.refusals.entry((dialect, code)).or_default() += 1;
    }

    pub(crate) fn count_close(&mut self, code: CloseCode) {
        *self.closes.entry(code).or_default() += 1;
    }

    pub(crate) fn count_opened(&mut self, dialect: Dialect) {
        *self.sockets.entry(dialect).or_default() += 1;
    }

    pub(crate) fn count_gone(&mut self, dialect: Dialect) {
        if let Some(sockets) = self.sockets.get_mut(&dialect) {
            *sockets = sockets.saturating_sub(1);
        }
    }
}
