//! The arguments of `helio recordings`.

use clap::{Args, Subcommand};
use protocol::stream::StreamName;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[derive(Debug, Subcommand)]
pub(crate) enum RecordingsAction {
    /// What is recorded of a stream
    List {
        /// Name of the stream
        name: StreamName,
    },
    /// Delete what was recorded of a stream in a time, for good
    Delete(DeleteArguments),
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    /// Name of the stream
    pub(crate) name: StreamName,
    #[command(flatten)]
    which: WhichArguments,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct WhichArguments {
    /// Files that begin at this time or later, for example 2026-11-22T14:00:00Z
    #[arg(long, value_name = "TIME", value_parser = unix_ms)]
    from: Option<u64>,
    /// Files that begin before this time
    #[arg(long, value_name = "TIME", value_parser = unix_ms)]
    to: Option<u64>,
    /// All of them
    #[arg(long, conflicts_with_all = ["from", "to"])]
    all: bool,
}

impl DeleteArguments {
    /// From when to when, in Unix milliseconds.
    pub(crate) fn range(&self) -> (u64, u64) {
        let WhichArguments { from, to, .. } = self.which;
        (from.unwrap_or(0), to.unwrap_or(u64::MAX))
    }
}

/// A time (RFC 3339) in Unix milliseconds.
fn unix_ms(text: &str) -> Result<u64, String> {
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "is no time like 2026-11-22T14:00:00Z".to_owned())?;
    let unix_ms = time.unix_timestamp_nanos() / 1_000_000;
    u64::try_from(unix_ms).map_err(|_| "is before 1970".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_says_its_zone() {
        assert_eq!(unix_ms("1970-01-01T00:00:01Z"), Ok(1000));
        assert_eq!(unix_ms("1970-01-01T01:00:01.5+01:00"), Ok(1500));
        for odd in [
            "",
            "2026-11-22",
            "2026-11-22T14:00:00",
            "1969-12-31T23:59:59Z",
            "5",
        ] {
            assert!(unix_ms(odd).is_err(), "{odd}");
        }
    }
}
