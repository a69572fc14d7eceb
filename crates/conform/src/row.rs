//! What a row is, and how it may end.

use std::pin::Pin;

use serde::Serialize;

use crate::http::HttpError;
use crate::stand::Stand;

/// One line of the checklist.
pub struct Row {
    /// Its name, as in `W15`.
    pub id: &'static str,
    /// What a server that keeps to it does.
    pub says: &'static str,
    pub(crate) check: Check,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

pub(crate) type Check = for<'a> fn(&'a mut Stand) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// How a row ended.
pub(crate) type Outcome = Result<(), Miss>;

/// Why a row did not pass.
#[derive(Debug)]
pub(crate) enum Miss {
    /// The server does something else.
    Fault(String),
    /// It cannot be told from here, or the server does not claim to do it.
    Untold(String),
}

impl Miss {
    pub(crate) fn untold(why: &str) -> Self {
        Self::Untold(why.to_owned())
    }
}

impl From<HttpError> for Miss {
    fn from(error: HttpError) -> Self {
        Self::Fault(error.to_string())
    }
}

/// Ends a row with a fault unless this holds.
pub(crate) fn expect(holds: bool, fault: impl FnOnce() -> String) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(Miss::Fault(fault()))
    }
}

/// What was found of a row.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The row's name.
    pub row: &'static str,
    /// What it asks for.
    pub says: &'static str,
    /// How it ended.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// How a row ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "lowercase")]
pub enum Verdict {
    /// The server keeps to it.
    Passed,
    /// It does not; what it did.
    Failed(String),
    /// Not told; why.
    Untold(String),
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(()) => Self::Passed,
            Err(Miss::Fault(why)) => Self::Failed(why),
            Err(Miss::Untold(why)) => Self::Untold(why),
        }
    }
}
