//! The command line, as `helio --help` shows it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use server::config::Sources;

mod bench;
mod conform;
mod llm;
mod media;
mod recordings;
mod streams;

pub(crate) use bench::{BenchAction, BenchWatchArguments};
pub(crate) use conform::ConformArguments;
pub(crate) use llm::{ApiArgument, ChatArguments, HostArguments, ProxyArguments};
pub(crate) use media::{PublishArguments, StreamArguments, WatchArguments};
pub(crate) use recordings::{DeleteArguments, RecordingsAction};
pub(crate) use streams::{ShareArguments, StreamsAction, SwitchArguments};

/// Links your own devices: signalling, TURN and web pages in one program.
#[derive(Debug, Parser)]
#[command(name = "helio", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
    #[command(flatten)]
    pub(crate) device: DeviceArguments,
    #[command(flatten)]
    pub(crate) server: ServerArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server
    Serve,
    /// Print a fresh one-time setup link
    Setup,
    /// Pair this machine with another device, or open a setup link on it
    Pair(PairArguments),
    /// Say a text to a paired device, or show the texts that come
    Message(MessageArguments),
    /// Send files to a paired device, or store those that it sends
    File {
        #[command(subcommand)]
        action: FileAction,
    },
    /// Send pictures to a paired device: stills, or live video
    Send(SendArguments),
    /// Receive stills of a paired device, and save them
    Receive(ReceiveArguments),
    /// Let this machine's language model answer its paired devices
    Host(HostArguments),
    /// Ask the language model of a paired device
    Chat(ChatArguments),
    /// Let programs of this machine use a paired device's model, as Ollama's or OpenAI's
    Proxy(ProxyArguments),
    /// Measure what links need, from here, and name the cause and remedy of each fault
    Doctor(DoctorArguments),
    /// List, rename or revoke devices
    Devices {
        #[command(subcommand)]
        action: Option<DevicesAction>,
    },
    /// List, rename, revoke or add pairs
    Pairs {
        #[command(subcommand)]
        action: Option<PairsAction>,
    },
    /// List and share streams, and let anybody view one
    Streams {
        #[command(subcommand)]
        action: Option<StreamsAction>,
    },
    /// List and delete what is recorded of a stream
    Recordings {
        #[command(subcommand)]
        action: RecordingsAction,
    },
    /// Publish pictures to any WHIP server: a test pattern, files or a camera
    Publish(PublishArguments),
    /// Watch a stream of any WHEP server: figures, a file, the first picture
    Watch(WatchArguments),
    /// Put a bounded load on a server, and tell what it gave
    Bench {
        #[command(subcommand)]
        action: BenchAction,
    },
    /// Ask any server the WHIP and WHEP checklist, row by row
    Conform(ConformArguments),
    /// List, rotate or kill the keys that sign tokens
    Keys {
        #[command(subcommand)]
        action: Option<KeysAction>,
    },
    /// Show who paired, revoked and changed what
    Audit,
    /// Print or check the effective configuration
    Config {
        #[command(subcommand)]
        action: Option<ConfigAction>,
    },
}

/// How facts are printed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct OutputArguments {
    /// Print what is listed or made as JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The native device that this machine is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Device")]
pub(crate) struct DeviceArguments {
    /// Directory of the device's keys and pairs (default: $HELIO_HOME, else
    /// ~/.local/share/heliograph); lists then show what the device knows
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Believe servers by this PEM file's certificate authorities alone
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PairArguments {
    /// Pairing link of another device, or setup link of a server
    #[arg(required_unless_present = "invite", conflicts_with = "invite")]
    pub(crate) link: Option<String>,
    /// Show a code for another device instead
    #[arg(long)]
    pub(crate) invite: bool,
    /// Server to invite on (default: the only one this device knows)
    #[arg(long = "server", value_name = "URL", requires = "invite")]
    pub(crate) origin: Option<String>,
    /// What other devices call a new device (default: the host's name)
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What a new device is
    #[arg(long, default_value = "desktop")]
    #[arg(value_parser = ["phone", "tablet", "laptop", "desktop", "box"])]
    pub(crate) kind: String,
}

#[derive(Debug, Args)]
pub(crate) struct MessageArguments {
    #[command(flatten)]
    pub(crate) link: LinkArguments,
    /// What to say, at most 2000 characters; `-` says each line of standard input, and shows what
    /// comes meanwhile; without it, texts that come are shown until Ctrl-C
    pub(crate) text: Option<String>,
    /// End after so many texts came
    #[arg(long, conflicts_with = "text")]
    pub(crate) count: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FileAction {
    /// Send files, and end when the other device has decided about each
    Send {
        #[command(flatten)]
        link: LinkArguments,
        /// The files
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Store every file that the other device sends, until Ctrl-C
    Receive {
        #[command(flatten)]
        link: LinkArguments,
        /// Directory that they go to; it is made where it is missing
        #[arg(long, value_name = "DIR", default_value = ".")]
        save: PathBuf,
        /// End after so many files
        #[arg(long)]
        count: Option<u64>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct SendArguments {
    #[command(flatten)]
    pub(crate) link: LinkArguments,
    /// Pictures (PNG, JPEG) and folders of them, again and again, or one video, by ffmpeg; without
    /// any a test pattern with a clock
    pub(crate) files: Vec<PathBuf>,
    /// Send what a camera sees, by ffmpeg, for example /dev/video0
    #[arg(long, value_name = "DEVICE", conflicts_with = "files")]
    pub(crate) camera: Option<PathBuf>,
    /// Seconds from still to still, 1 to 3600
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 3,
        conflicts_with = "live"
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(crate) every: u32,
    /// Send live video, not stills
    #[arg(long)]
    pub(crate) live: bool,
    /// Size, frames and bitrate of live video
    #[arg(long, default_value = "low", requires = "live")]
    pub(crate) preset: PresetArgument,
    /// End after so many stills, or frames of live video
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PresetArgument {
    /// 640×480, 15 frames/s, 300 kbit/s
    Low,
    /// 1280×720, 24 frames/s, 1 Mbit/s
    Medium,
    /// 1280×720, 30 frames/s, 1.5 Mbit/s
    High,
    /// 1920×1080, 30 frames/s, 4 Mbit/s
    Hd,
}

#[derive(Debug, Args)]
#[command(mut_arg("pair", |pair| {
    pair.required(false)
        .help("Pair id, or the name of the paired device (default: the only one)")
}))]
pub(crate) struct ReceiveArguments {
    #[command(flatten)]
    pub(crate) link: LinkArguments,
    /// Save each still in this folder, named by its time
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// How stills are saved
    #[arg(long, default_value = "png", requires = "save")]
    pub(crate) format: FormatArgument,
    /// End after so many stills
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: Option<u32>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FormatArgument {
    /// As they were decoded
    Png,
    /// Smaller
    Jpeg,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Address of the server (default: the only one this device knows)
    #[arg(value_name = "SERVER")]
    pub(crate) origin: Option<String>,
}

/// Which link, for the commands that make one.
#[derive(Debug, Args)]
pub(crate) struct LinkArguments {
    /// Pair id, or the name of the paired device; `helio pairs` lists them
    #[arg(required = true, allow_hyphen_values = true)]
    pub(crate) pair: Option<String>,
    /// Seconds to wait for the link, at most a day
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub(crate) wait: u64,
    /// Paths that the link may take
    #[arg(long, default_value = "all")]
    pub(crate) paths: PathsArgument,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PathsArgument {
    /// Direct where the networks allow it
    All,
    /// Over a relay, so that the other device does not learn this one's addresses
    Relay,
    /// The own network, without STUN and TURN
    Local,
}

/// Where the server's configuration comes from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArguments {
    /// TOML file laid over the defaults
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Directory of database, keys and certificates (data_dir)
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Set one key, for example --set turn.realm=home; may be repeated
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

impl ServerArguments {
    /// File, environment and flags, in the order they win.
    pub(crate) fn sources(&self) -> Sources {
        let mut flags = self.set.clone();
        if let Some(dir) = &self.data {
            flags.push(("data_dir".to_owned(), dir.display().to_string()));
        }
        Sources {
            file: self.config.clone(),
            env: std::env::vars().collect(),
            flags,
        }
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("needs the form section.key=value")?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

#[derive(Debug, Subcommand)]
pub(crate) enum DevicesAction {
    /// All devices (the default)
    List,
    /// Give a device another name in lists
    Rename {
        /// Device id
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// 1 to 64 characters
        name: String,
    },
    /// Cut a device off: its sockets, links and relays end at once
    Revoke {
        /// Device id
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PairsAction {
    /// All pairs (the default)
    List,
    /// Give a pair another name in lists
    Rename {
        /// Pair id
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// 1 to 64 characters
        name: String,
    },
    /// End a pair: its link and sockets end at once
    Revoke {
        /// Pair id
        #[arg(allow_hyphen_values = true)]
        id: String,
    },
    /// Pair two known devices without their consent, for foreign clients
    Add {
        /// Required: the pair is flagged, and pages say "peer not verified"
        #[arg(long, required = true)]
        unverified: bool,
        /// Device id
        #[arg(allow_hyphen_values = true)]
        a: String,
        /// Device id
        #[arg(allow_hyphen_values = true)]
        b: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysAction {
    /// Previous, current and next key (the default)
    List,
    /// Sign with the next key; old tokens live out their five minutes
    Rotate,
    /// Refuse a key at once and drop every socket it opened
    Kill {
        /// Key id, as `helio keys` lists it
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// The effective configuration (the default)
    Show,
    /// Name every fault at once
    Check,
    /// The commented example, every key at its default
    Example,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_begin_with_a_hyphen() {
        let words = ["helio", "message", "-e9_Zq", "-", "--json"];
        let arguments = Arguments::try_parse_from(words).expect("it is understood");
        assert!(arguments.output.json);
        let Command::Message(message) = arguments.command else {
            panic!("it is a message");
        };
        assert_eq!(message.link.pair.as_deref(), Some("-e9_Zq"));
        assert_eq!(message.text.as_deref(), Some("-"));
        let listing = [
            &["pairs", "revoke", "-e9_Zq"][..],
            &["devices", "revoke", "-e9_Zq"],
            &["keys", "kill", "-e9_Zq"],
        ];
        for words in listing {
            let words = ["helio"].iter().chain(words);
            assert!(Arguments::try_parse_from(words).is_ok());
        }
    }

    #[test]
    fn a_token_may_begin_with_a_hyphen() {
        let commands = [
            &["publish", "https://h/cam0/whip", "--token", "-e9_Zq"][..],
            &["watch", "https://h/cam0/whep", "--token", "-e9_Zq"],
            &[
                "bench",
                "watch",
                "https://h/cam0/whep",
                "--publish-token",
                "-e9_Zq",
            ],
            &["conform", "https://h/cam0/whip", "--token", "-e9_Zq"],
            &["conform", "https://h/cam0/whip", "--view-token", "-e9_Zq"],
        ];
        for words in commands {
            let words = ["helio"].iter().chain(words);
            Arguments::try_parse_from(words).expect("it is understood");
        }
    }
}
