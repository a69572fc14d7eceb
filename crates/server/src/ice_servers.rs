//! The one `iceServers` list that clients are handed: our own relay and every external one.
//!
//! Hosts are named as the client came by, since that is a way it can reach. A loopback name is
//! replaced by the machine's first LAN address: the list also serves the paired device.

use std::net::IpAddr;
use std::time::Duration;

use identity::TurnCredentials;
use protocol::http::IceServer;
use protocol::id::DeviceId;

use crate::settings::ExternalRelay;

/// The ports that our own STUN and TURN are reached by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RelayPorts {
    /// STUN and TURN over UDP.
    pub(crate) udp: u16,
    /// TURN over TCP.
    pub(crate) tcp: u16,
    /// TURN over TLS; `None` with a self-signed certificate, which WebRTC stacks refuse.
    pub(crate) tls: Option<u16>,
}

/// Makes the lists.
#[derive(Debug, Clone)]
pub(crate) struct IceServers {
    /// `None` when no UDP port could be bound.
    pub(crate) own: Option<RelayPorts>,
    /// The first signs; replaced on reload.
    pub(crate) secrets: Vec<String>,
    /// How long a credential opens allocations.
    pub(crate) ttl: Duration,
    /// STUN servers of others.
    pub(crate) stun_urls: Vec<String>,
    /// Relays of others.
    pub(crate) external: Vec<ExternalRelay>,
    /// What loopback names are replaced by.
    pub(crate) lan_address: Option<IpAddr>,
}

impl IceServers {
    /// The list for a device that came to `host` (without port), and when its credentials end,
    /// in Unix seconds.
    pub(crate) fn for_device(
        &self,
        host: &str,
        device: &DeviceId,
        now: Duration,
    ) -> (Vec<IceServer>, u64) {
        let sign = |secret: &str| {
            let id = device.as_str();
            TurnCredentials::issue(secret.as_bytes(), id, now.as_secs(), self.ttl.as_secs())
        };
        let mut list = self.own_servers(host, sign);
        if !self.stun_urls.is_empty() {
            list.push(open(self.stun_urls.clone()));
        }
        list.extend(self.external.iter().map(|relay| external(relay, sign)));
        (list, (now + self.ttl).as_secs())
    }

    fn own_servers(&self, host: &str, sign: impl Fn(&str) -> TurnCredentials) -> Vec<IceServer> {
        let Some(ports) = self.own else {
            return Vec::new();
        };
        let host = self.reachable(host);
        let stun = open(vec![format!("stun:{host}:{}", ports.udp)]);
        let mut urls = vec![
            format!("turn:{host}:{}?transport=udp", ports.udp),
            format!("turn:{host}:{}?transport=tcp", ports.tcp),
        ];
        urls.extend(
            ports
                .tls
                .map(|port| format!("turns:{host}:{port}?transport=tcp")),
        );
        let relay = self
            .secrets
            .first()
            .map(|secret| signed(urls, sign(secret)));
        std::iter::once(stun).chain(relay).collect()
    }

    fn reachable(&self, host: &str) -> String {
        let ip = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        let is_loopback = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
        match self.lan_address {
            Some(address) if is_loopback => crate::names::url_host(address),
            _ => host.to_owned(),
        }
    }
}

fn external(relay: &ExternalRelay, sign: impl Fn(&str) -> TurnCredentials) -> IceServer {
    match relay {
        ExternalRelay::Coturn { urls, secret } => signed(urls.clone(), sign(secret)),
        ExternalRelay::Static {
            urls,
            username,
            credential,
        } => IceServer {
            urls: urls.clone(),
            username: Some(username.clone()),
            credential: Some(credential.clone()),
        },
    }
}

fn open(urls: Vec<String>) -> IceServer {
    IceServer {
        urls,
        username: None,
        credential: None,
    }
}

fn signed(urls: Vec<String>, credentials: TurnCredentials) -> IceServer {
    let TurnCredentials {
        username,
        credential,
        ..
    } = credentials;
    IceServer {
        urls,
        username: Some(username),
        credential: Some(credential),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers() -> IceServers {
        IceServers {
            own: Some(RelayPorts {
                udp: 3478,
                tcp: 3478,
                tls: None,
            }),
            secrets: vec!["one".to_owned(), "two".to_owned()],
            ttl: Duration::from_secs(600),
            stun_urls: vec!["stun:stun.example.org".to_owned()],
            external: vec![ExternalRelay::Static {
                urls: vec!["turn:relay.example.org".to_owned()],
                username: "ada".to_owned(),
                credential: "pass".to_owned(),
            }],
            lan_address: Some([192, 168, 1, 5].into()),
        }
    }

    fn device() -> DeviceId {
        DeviceId::from_bytes(&[7; 32])
    }

    #[test]
    fn a_loopback_name_becomes_the_lan_address() {
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            let (list, _) = servers().for_device(host, &device(), Duration::ZERO);
            assert_eq!(list[0].urls, ["stun:192.168.1.5:3478"]);
        }
        let (list, _) = servers().for_device("link.example.org", &device(), Duration::ZERO);
        assert_eq!(list[0].urls, ["stun:link.example.org:3478"]);
    }

    #[test]
    fn credentials_name_the_device_and_their_end() {
        let (list, expiry) = servers().for_device("box", &device(), Duration::from_secs(1000));
        assert_eq!(expiry, 1600);
        assert_eq!(
            list[1].username.as_deref(),
            Some(format!("1600:{}", device()).as_str())
        );
    }

    #[test]
    fn external_servers_stand_beside_our_own() {
        let (list, _) = servers().for_device("box", &device(), Duration::ZERO);
        assert_eq!(list.len(), 4);
        assert_eq!(list[3].username.as_deref(), Some("ada"));
    }
}
