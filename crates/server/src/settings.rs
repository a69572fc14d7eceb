//! The configuration as proven: typed, checked against each other, ready to run.
//!
//! Made once, before any port is bound; nothing below this reads the environment or a file name.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use gateway::Transport;
use ipnet::IpNet;
use serde::Deserialize;
use toml::Value;

use crate::config::{Faults, Reader};

mod edges;
mod external;
mod limits;
mod media_external;
mod recording;
mod turn;

pub use crate::recording::RecordingSettings;
pub use edges::Edge;
pub use external::ExternalRelay;
pub use limits::Limits;
pub use media_external::{ExternalAddress, ExternalAddressError, ExternalHost};
pub use turn::TurnSettings;

/// All that `helio serve` needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where everything durable lives.
    pub data_dir: PathBuf,
    /// HTTPS, WSS and the one port.
    pub http: HttpSettings,
    /// The embedded relay and the external ones.
    pub turn: TurnSettings,
    /// STUN URLs added to our own.
    pub stun_urls: Vec<String>,
    /// UDP addresses of the one port.
    pub media_listen: Vec<SocketAddr>,
    /// Where media is reached from outside, beside its own addresses.
    pub media_external: Vec<ExternalAddress>,
    /// Streams that come from other servers.
    pub edges: Vec<Edge>,
    /// What is recorded, where, and for how long.
    pub recording: RecordingSettings,
    /// Rooms of `/ws` without a token.
    pub open_rooms: bool,
    /// What a stranger may use up.
    pub limits: Limits,
    /// SQLite file of the registry.
    pub registry_path: PathBuf,
    /// Prometheus listener.
    pub metrics_listen: Option<SocketAddr>,
    /// The path list for programs of this machine.
    pub paths_api_listen: Option<SocketAddr>,
    /// How logs are written.
    pub log: LogSettings,
}

/// Section `[http]`.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// TCP addresses.
    pub listen: Vec<SocketAddr>,
    /// Watching without TLS, for camera tools of a LAN.
    pub lan_plain: Option<SocketAddr>,
    /// Where TLS comes from.
    pub tls: TlsMode,
    /// Origins people open, without a trailing slash.
    pub public_origins: Vec<String>,
    /// TLS ends in front of us.
    pub behind_proxy: bool,
    /// Whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
}

/// `http.tls`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TlsMode {
    /// Own CA and leaf, kept in the data directory.
    SelfSigned,
    /// Plain HTTP.
    Off,
    /// Certificate chain and key in PEM files.
    Files {
        /// The chain, leaf first.
        cert: PathBuf,
        /// The leaf's key.
        key: PathBuf,
    },
}

/// Section `[log]`.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// JSON lines in place of text for people.
    pub json: bool,
    /// Least severe level written.
    pub level: tracing::Level,
}

/// `http.tls` as written.
#[derive(Deserialize)]
#[serde(untagged)]
enum TlsAsWritten {
    Word(String),
    Files { cert: PathBuf, key: PathBuf },
}

impl Default for TlsAsWritten {
    fn default() -> Self {
        Self::Word("self-signed".to_owned())
    }
}

impl Settings {
    /// Proves a configuration.
    ///
    /// # Errors
    /// Every fault at once, each with the key it is about.
    pub fn prove(mut reader: Reader) -> Result<Self, Faults> {
        let data_dir: PathBuf = reader.value("data_dir");
        let settings = Self {
            http: http(&mut reader),
            turn: turn::read(&mut reader),
            stun_urls: stun_urls(&mut reader),
            media_listen: reader.parsed_list("media.listen"),
            media_external: media_external::read(&mut reader),
            edges: edges::read(&mut reader),
            recording: recording::read(&mut reader, &data_dir),
            open_rooms: reader.value("signalling.open_rooms"),
            limits: limits::read(&mut reader),
            registry_path: registry_path(&mut reader, &data_dir),
            metrics_listen: optional_address(&mut reader, "metrics.listen"),
            paths_api_listen: optional_address(&mut reader, "paths_api.listen"),
            log: log(&mut reader),
            data_dir,
        };
        refuse_unbuilt(&mut reader);
        settings.check_together(&mut reader);
        reader.finish().map(|()| settings)
    }

    fn check_together(&self, reader: &mut Reader) {
        let http = &self.http;
        let is_local = http.listen.iter().all(|addr| addr.ip().is_loopback());
        if http.listen.is_empty() && !reader.is_faulty("http.listen") {
            reader.fault("http.listen", "needs at least one address");
        }
        if http.tls == TlsMode::Off && !http.behind_proxy && !is_local {
            reader.fault(
                "http.tls",
                "\"off\" needs loopback addresses in http.listen, or http.behind_proxy = true",
            );
        }
        if http.behind_proxy && http.tls != TlsMode::Off {
            reader.fault("http.behind_proxy", "needs http.tls = \"off\"");
        }
        if http.behind_proxy && http.public_origins.is_empty() {
            reader.fault(
                "http.public_origins",
                "must be set when http.behind_proxy = true",
            );
        }
        if self.open_rooms && !(is_local || http.listen.iter().all(|addr| is_private(addr.ip()))) {
            reader.fault(
                "signalling.open_rooms",
                "refused on a public address: http.listen must name loopback or private addresses",
            );
        }
        let is_foreign = |addr: &SocketAddr| !is_private(addr.ip());
        if http.lan_plain.as_ref().is_some_and(is_foreign) {
            reader.fault(
                "http.lan_plain",
                "has no TLS: it must name a loopback or private address",
            );
        }
        let is_remote = |addr: SocketAddr| !addr.ip().is_loopback();
        if self.paths_api_listen.is_some_and(is_remote) {
            reader.fault(
                "paths_api.listen",
                "is read without a token: it must name a loopback address",
            );
        }
        let mut external = self.media_external.iter();
        if external.any(|each| each.transport == Transport::Udp) && self.media_listen.is_empty() {
            reader.fault("media.external", "a UDP address needs one in media.listen");
        }
        if !self.edges.is_empty() && self.media_listen.is_empty() {
            reader.fault("edges", "what is pulled needs an address in media.listen");
        }
        let turn = &self.turn;
        if !turn.external_ips.is_empty() && turn.external_ips.len() != turn.relay_ips.len() {
            reader.fault(
                "turn.external_ip",
                "needs one address for each of turn.relay_ip",
            );
        }
    }
}

fn http(reader: &mut Reader) -> HttpSettings {
    let tls = match reader.value("http.tls") {
        TlsAsWritten::Files { cert, key } => TlsMode::Files { cert, key },
        TlsAsWritten::Word(word) => match word.as_str() {
            "self-signed" => TlsMode::SelfSigned,
            "off" => TlsMode::Off,
            "acme" => fault_tls(reader, "\"acme\" is not built yet"),
            _ => fault_tls(
                reader,
                "must be \"self-signed\", \"off\" or { cert = …, key = … }",
            ),
        },
    };
    HttpSettings {
        listen: reader.parsed_list("http.listen"),
        lan_plain: optional_address(reader, "http.lan_plain"),
        tls,
        public_origins: public_origins(reader),
        behind_proxy: reader.value("http.behind_proxy"),
        trusted_proxies: reader.parsed_list("http.trusted_proxies"),
    }
}

fn fault_tls(reader: &mut Reader, what: &str) -> TlsMode {
    reader.fault("http.tls", what);
    TlsMode::SelfSigned
}

fn public_origins(reader: &mut Reader) -> Vec<String> {
    let origins = reader.value::<Vec<String>>("http.public_origins");
    for origin in &origins {
        let rest = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains(['/', '?', '#', '@'])) {
            reader.fault(
                "http.public_origins",
                format!("\"{origin}\" is not an origin such as https://link.example.org"),
            );
        }
    }
    origins
}

fn stun_urls(reader: &mut Reader) -> Vec<String> {
    let urls = reader.value::<Vec<String>>("ice.stun_urls");
    for url in urls
        .iter()
        .filter(|url| !url.starts_with("stun:") && !url.starts_with("stuns:"))
    {
        reader.fault(
            "ice.stun_urls",
            format!("\"{url}\" is not a stun: URL (RFC 7064)"),
        );
    }
    urls
}

fn registry_path(reader: &mut Reader, data_dir: &std::path::Path) -> PathBuf {
    let url = reader.value::<String>("registry.url");
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        reader.fault("registry.url", "postgres:// is not built yet");
    } else if !url.starts_with("sqlite:") {
        reader.fault("registry.url", format!("\"{url}\" must begin with sqlite:"));
    }
    let path = url.trim_start_matches("sqlite:");
    PathBuf::from(path.replace("DATA_DIR", &data_dir.display().to_string()))
}

/// None where the key is empty.
fn optional_address(reader: &mut Reader, key: &str) -> Option<SocketAddr> {
    let text = reader.value::<String>(key);
    if text.is_empty() {
        return None;
    }
    text.parse()
        .map_err(|error| reader.fault(key, format!("\"{text}\": {error}")))
        .ok()
}

fn log(reader: &mut Reader) -> LogSettings {
    let format = reader.value::<String>("log.format");
    if format != "pretty" && format != "json" {
        reader.fault(
            "log.format",
            format!("\"{format}\" must be \"pretty\" or \"json\""),
        );
    }
    let level = reader.value::<String>("log.level");
    let level = level.parse().unwrap_or_else(|_| {
        reader.fault(
            "log.level",
            format!("\"{level}\" must be trace, debug, info, warn or error"),
        );
        tracing::Level::INFO
    });
    LogSettings {
        json: format == "json",
        level,
    }
}

/// Keys of parts that do not exist yet: set off their default they are refused by name.
fn refuse_unbuilt(reader: &mut Reader) {
    let (none, empty) = (Value::Array(Vec::new()), Value::String(String::new()));
    reader.not_built("http.acme_domains", &none);
    reader.not_built("bus.url", &empty);
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}
