//! `helio bench`, as its help shows it.

use clap::{Args, Subcommand};

use super::{PresetArgument, StreamArguments};

/// Viewers of one run: what one machine's ports and patience carry.
pub(crate) const MAX_VIEWERS: u32 = 500;

#[derive(Debug, Subcommand)]
pub(crate) enum BenchAction {
    /// Open many viewers of a stream of any WHEP server, and tell what they get
    Watch(BenchWatchArguments),
}

#[derive(Debug, Args)]
pub(crate) struct BenchWatchArguments {
    /// WHEP endpoint; a test pattern is published beside it meanwhile, unless --existing
    #[arg(value_name = "WHEP-URL")]
    pub(crate) url: String,
    /// Watch what is published already
    #[arg(long)]
    pub(crate) existing: bool,
    /// WHIP endpoint (default: the WHEP endpoint's, with whip for whep at its end)
    #[arg(long, value_name = "URL", conflicts_with = "existing")]
    pub(crate) whip: Option<String>,
    /// Bearer token for WHIP (default: the one for WHEP)
    #[arg(
        long,
        value_name = "TOKEN",
        allow_hyphen_values = true,
        env = "HELIO_PUBLISH_TOKEN",
        hide_env_values = true,
        conflicts_with = "existing"
    )]
    pub(crate) publish_token: Option<String>,
    /// Size, frames and bitrate of what is published
    #[arg(long, default_value = "low", conflicts_with = "existing")]
    pub(crate) preset: PresetArgument,
    /// How many viewers, at most 500
    #[arg(long, value_name = "N", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_VIEWERS)))]
    pub(crate) viewers: u32,
    /// How long they watch once all are there, at most an hour
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) seconds: u64,
    #[command(flatten)]
    pub(crate) stream: StreamArguments,
}
