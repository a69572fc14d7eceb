//! Section `[turn]`: the embedded relay and the external ones.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use super::external::{self, ExternalRelay};
use crate::config::Reader;

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

pub(super) fn read(reader: &mut Reader) -> TurnSettings {
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
