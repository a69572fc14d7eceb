//! `helio conform`, as its help shows it.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct ConformArguments {
    /// WHIP endpoint of a stream that nobody else publishes meanwhile
    #[arg(value_name = "WHIP-URL")]
    pub(crate) whip: String,
    /// WHEP endpoint of the same stream (default: the WHIP endpoint's, with whep for whip at its end)
    #[arg(long, value_name = "URL")]
    pub(crate) whep: Option<String>,
    /// Bearer token for WHIP
    #[arg(
        long,
        value_name = "TOKEN",
        allow_hyphen_values = true,
        env = "HELIO_PUBLISH_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// Bearer token for WHEP (default: the one for WHIP)
    #[arg(
        long,
        value_name = "TOKEN",
        allow_hyphen_values = true,
        env = "HELIO_VIEW_TOKEN",
        hide_env_values = true
    )]
    pub(crate) view_token: Option<String>,
    /// Ask the row that takes a minute, too
    #[arg(long)]
    pub(crate) patient: bool,
}
