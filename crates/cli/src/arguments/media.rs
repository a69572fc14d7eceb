//! `helio publish` and `helio watch`, as their help shows them.

use std::path::PathBuf;

use clap::Args;

use super::PresetArgument;

/// Which stream, of which server.
#[derive(Debug, Args)]
pub(crate) struct StreamArguments {
    /// Bearer token, for example a share's code
    #[arg(
        long,
        value_name = "TOKEN",
        allow_hyphen_values = true,
        env = "HELIO_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// Seconds to go on trying while no media flows, at most a day
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub(crate) wait: u64,
}

#[derive(Debug, Args)]
pub(crate) struct PublishArguments {
    /// WHIP endpoint, for example https://host/cam0/whip
    #[arg(value_name = "WHIP-URL")]
    pub(crate) url: String,
    /// Pictures (PNG, JPEG) and folders of them, or one video, by ffmpeg, again and again; without
    /// any a test pattern with a clock
    pub(crate) files: Vec<PathBuf>,
    /// Publish what a camera sees, by ffmpeg, for example /dev/video0
    #[arg(long, value_name = "DEVICE", conflicts_with = "files")]
    pub(crate) camera: Option<PathBuf>,
    /// Send a tone of so many hertz, where no video brings its own sound
    #[arg(long, value_name = "HERTZ", value_parser = clap::value_parser!(u32).range(20..=15_000))]
    pub(crate) tone: Option<u32>,
    /// Size, frames and bitrate
    #[arg(long, default_value = "medium")]
    pub(crate) preset: PresetArgument,
    /// End after so many frames
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: Option<u32>,
    #[command(flatten)]
    pub(crate) stream: StreamArguments,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArguments {
    /// WHEP endpoint, for example https://host/cam0/whep
    #[arg(value_name = "WHEP-URL")]
    pub(crate) url: String,
    /// Save what comes in a new file: .mp4 (H.264 and Opus), or .h264
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// Save the first picture, of H.264, in a new file: .png or .jpg
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
    /// End so many seconds after the first frame
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: Option<u64>,
    #[command(flatten)]
    pub(crate) stream: StreamArguments,
}
