//! The arguments of `helio streams`.

use clap::{Args, Subcommand};
use protocol::http::streams::MAX_SHARE_LIFETIME_S;
use protocol::stream::{StreamAction, StreamName};

#[derive(Debug, Subcommand)]
pub(crate) enum StreamsAction {
    /// All streams (the default)
    List,
    /// Make a link that lets somebody view a stream, or publish to it; it is shown once
    Share(ShareArguments),
    /// Shares of a stream that serve
    Shares {
        /// Name of the stream
        name: StreamName,
    },
    /// End a share: its link opens nothing from then on
    Revoke {
        /// Name of the stream
        name: StreamName,
        /// Share id, as `helio streams shares` lists it
        #[arg(allow_hyphen_values = true)]
        share: String,
    },
    /// Let anybody view a stream, or its account and the holders of links only
    Public(SwitchArguments),
    /// Record a stream to files whenever it is published, or no longer
    Record(SwitchArguments),
}

#[derive(Debug, Args)]
pub(crate) struct SwitchArguments {
    /// Name of the stream
    pub(crate) name: StreamName,
    /// Whether it is
    #[arg(value_parser = ["on", "off"])]
    pub(crate) state: String,
}

#[derive(Debug, Args)]
pub(crate) struct ShareArguments {
    /// Name of the stream
    pub(crate) name: StreamName,
    #[command(flatten)]
    action: ShareAction,
    /// How long it serves: a number and s, m, h, d or w, at most 365d
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = lifetime_s)]
    pub(crate) expires: u64,
    /// Whom it is for, 1 to 64 characters
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) label: String,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct ShareAction {
    /// Its holder may view the stream
    #[arg(long)]
    view: bool,
    /// Its holder may publish to the stream
    #[arg(long)]
    publish: bool,
}

impl ShareArguments {
    /// What the holder may do.
    pub(crate) fn action(&self) -> StreamAction {
        if self.action.publish {
            StreamAction::Publish
        } else {
            StreamAction::View
        }
    }
}

/// A time in seconds.
fn lifetime_s(text: &str) -> Result<u64, String> {
    let unit = text.chars().next_back().unwrap_or_default();
    let unit_s = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return Err("needs a unit: s, m, h, d or w".to_owned()),
    };
    let count = text.strip_suffix(unit).unwrap_or_default().parse::<u64>();
    let count = count.map_err(|_| format!("needs a number before {unit}"))?;
    let lifetime_s = count.saturating_mul(unit_s);
    if (1..=MAX_SHARE_LIFETIME_S).contains(&lifetime_s) {
        Ok(lifetime_s)
    } else {
        Err("is not within 1s and 365d".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        for (text, seconds) in [
            ("1s", 1),
            ("90m", 5400),
            ("24h", 86_400),
            ("7d", 604_800),
            ("2w", 1_209_600),
            ("365d", 31_536_000),
        ] {
            assert_eq!(lifetime_s(text), Ok(seconds), "{text}");
        }
        for text in [
            "",
            "7",
            "d",
            "0d",
            "366d",
            "-1d",
            "7 d",
            "7é",
            "1.5h",
            "99999999999999999999w",
            "9999999999999999w",
        ] {
            assert!(lifetime_s(text).is_err(), "{text}");
        }
    }
}
