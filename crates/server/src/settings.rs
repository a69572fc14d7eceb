//! The configuration as proven: typed, checked against each other, ready to run.
//!
//! Made once, before any port is bound; nothing below this reads the environment or a file name.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Value;

use crate::config::{Faults, Reader};

mod external;

pub use external::ExternalRelay;

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
    /// Rooms of `/ws` without a token.
    pub open_rooms: bool,
    /// What a stranger may use up.
    pub limits: Limits,
    /// SQLite file of the registry.
    pub registry_path: PathBuf,
    /// Prometheus listener.
    pub metrics_listen: Option<SocketAddr>,
    /// How logs are written.
    pub log: LogSettings,
}

/// Section `[http]`.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// TCP addresses.
    pub listen: Vec<SocketAddr>,
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

/// Section `[turn]`.
#[derive(Debug, Clone)]
pub struct TurnSettings {
    /// UDP and TCP addresses.
    pub listen: Vec<SocketAddr>,
    /// TURN over TLS.
    pub tls_listen: Vec<SocketAddr>,
    /// Realm of the long-term credentials.
    pub realm: String,
    /// Empty: one is made and kept.
    pub secrets: Vec<String>,
    /// How long a credential may open allocations.
    pub credential_ttl: Duration,
    /// Empty: found from the interfaces.
    pub relay_ips: Vec<IpAddr>,
    /// Advertised for them, in the same order.
    pub external_ips: Vec<IpAddr>,
    /// Ports of relayed addresses.
    pub relay_ports: RangeInclusive<u16>,
    /// Taken off the deny list.
    pub allow_peers: Vec<IpNet>,
    /// Relays that others run.
    pub external: Vec<ExternalRelay>,
}

/// Section `[limits]`; each has a test at limit + 1.
#[derive(Debug, Clone)]
#[allow(
    missing_docs,
    reason = "documented key by key in the example configuration"
)]
pub struct Limits {
    pub connects_per_ip_per_minute: u32,
    pub sockets_per_ip: usize,
    pub sockets_per_account: usize,
    pub unauthenticated_sockets: usize,
    pub handshake_timeout: Duration,
    pub header_timeout: Duration,
    pub authenticate_timeout: Duration,
    pub messages_burst: u32,
    pub messages_per_second: u32,
    pub turn_allocations_per_device: usize,
    pub turn_allocations: usize,
    pub turn_bytes_per_second: u64,
    pub turn_bytes_per_second_total: u64,
    pub telemetry_per_minute: u32,
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
            turn: turn(&mut reader),
            stun_urls: stun_urls(&mut reader),
            media_listen: reader.parsed_list("media.listen"),
            open_rooms: reader.value("signalling.open_rooms"),
            limits: limits(&mut reader),
            registry_path: registry_path(&mut reader, &data_dir),
            metrics_listen: metrics_listen(&mut reader),
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
        if http.listen.is_empty() {
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

fn turn(reader: &mut Reader) -> TurnSettings {
    TurnSettings {
        listen: reader.parsed_list("turn.listen"),
        tls_listen: reader.parsed_list("turn.tls_listen"),
        realm: reader.value("turn.realm"),
        secrets: secrets(reader),
        credential_ttl: Duration::from_secs(reader.number("turn.credential_ttl_seconds", 5..=600)),
        relay_ips: reader.parsed_list("turn.relay_ip"),
        external_ips: reader.parsed_list("turn.external_ip"),
        relay_ports: relay_ports(reader),
        allow_peers: reader.parsed_list("turn.allow_peers"),
        external: external::read(reader),
    }
}

fn secrets(reader: &mut Reader) -> Vec<String> {
    let path = reader.value::<String>("turn.secrets_file");
    if path.is_empty() {
        return reader.value("turn.secrets");
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect(),
        Err(error) => {
            reader.fault("turn.secrets_file", format!("{path}: {error}"));
            Vec::new()
        }
    }
}

fn relay_ports(reader: &mut Reader) -> RangeInclusive<u16> {
    let text = reader.value::<String>("turn.relay_ports");
    let range = text.split_once('-').and_then(|(low, high)| {
        let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        (1024 <= low && low <= high).then_some(low..=high)
    });
    range.unwrap_or_else(|| {
        reader.fault(
            "turn.relay_ports",
            format!("\"{text}\" is not a range such as 49152-65535 above 1023"),
        );
        49152..=65535
    })
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

fn limits(reader: &mut Reader) -> Limits {
    let count = |reader: &mut Reader, key: &str| {
        usize::try_from(reader.number(key, 1..=1_000_000)).unwrap_or(usize::MAX)
    };
    let rate = |reader: &mut Reader, key: &str| {
        u32::try_from(reader.number(key, 1..=1_000_000)).unwrap_or(u32::MAX)
    };
    let span =
        |reader: &mut Reader, key: &str| Duration::from_millis(reader.number(key, 100..=600_000));
    Limits {
        connects_per_ip_per_minute: rate(reader, "limits.connects_per_ip_per_minute"),
        sockets_per_ip: count(reader, "limits.sockets_per_ip"),
        sockets_per_account: count(reader, "limits.sockets_per_account"),
        unauthenticated_sockets: count(reader, "limits.unauthenticated_sockets"),
        handshake_timeout: span(reader, "limits.handshake_timeout_ms"),
        header_timeout: span(reader, "limits.header_timeout_ms"),
        authenticate_timeout: span(reader, "limits.authenticate_timeout_ms"),
        messages_burst: rate(reader, "limits.messages_burst"),
        messages_per_second: rate(reader, "limits.messages_per_second"),
        turn_allocations_per_device: count(reader, "limits.turn_allocations_per_device"),
        turn_allocations: count(reader, "limits.turn_allocations"),
        turn_bytes_per_second: reader.number("limits.turn_bytes_per_second", 0..=u64::MAX),
        turn_bytes_per_second_total: reader
            .number("limits.turn_bytes_per_second_total", 0..=u64::MAX),
        telemetry_per_minute: rate(reader, "limits.telemetry_per_minute"),
    }
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

fn metrics_listen(reader: &mut Reader) -> Option<SocketAddr> {
    let text = reader.value::<String>("metrics.listen");
    if text.is_empty() {
        return None;
    }
    text.parse()
        .map_err(|error| reader.fault("metrics.listen", format!("\"{text}\": {error}")))
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
    reader.not_built("media.external", &none);
    reader.not_built("bus.url", &empty);
    reader.not_built("paths_api.listen", &empty);
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}
