//! The one `iceServers` list that clients are handed: our own relay and every external one.
//!
//! Hosts are named as the client came by, since that is a way it can reach. A loopback name is
//! replaced by the machine's first LAN address: the list also serves the paired device.

use std::net::IpAddr;
use std::time::Duration;

use identity::{TurnCredentials, sha256};
use protocol::base64url;
use protocol::http::IceServer;
use protocol::id::{DeviceId, ShareId};
use protocol::stream::StreamName;
use turn::GUEST_PREFIX;

use crate::gate::household;
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
    /// Whether the gateway's media comes to the UDP port as well.
    pub(crate) is_media: bool,
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

    /// The list for somebody without a device. Our own relay lets a guest reach media only; the
    /// relays of others know no guests, so that none of their credentials is handed out.
    pub(crate) fn for_guest(&self, host: &str, guest: &str, now: Duration) -> Vec<IceServer> {
        let sign = |secret: &str| {
            let ttl_s = self.ttl.as_secs();
            TurnCredentials::issue(secret.as_bytes(), guest, now.as_secs(), ttl_s)
        };
        let mut list = self.own_servers(host, sign);
        if !self.stun_urls.is_empty() {
            list.push(open(self.stun_urls.clone()));
        }
        list
    }

    /// The same list for a client of the gateway: without our own STUN and TURN over UDP where
    /// media comes to their port. Browsers take whatever comes from a server that they were told
    /// of for its answer, also the answers to their checks, which are lost then. Who reaches the
    /// port reaches the media itself.
    pub(crate) fn beside_media(&self, host: &str, mut list: Vec<IceServer>) -> Vec<IceServer> {
        let Some(ports) = self.own.filter(|ports| ports.is_media) else {
            return list;
        };
        let shared = udp_urls(&self.reachable(host), ports.udp);
        for server in &mut list {
            server.urls.retain(|url| !shared.contains(url));
        }
        list.retain(|server| !server.urls.is_empty());
        list
    }

    fn own_servers(&self, host: &str, sign: impl Fn(&str) -> TurnCredentials) -> Vec<IceServer> {
        let Some(ports) = self.own else {
            return Vec::new();
        };
        let host = self.reachable(host);
        let [stun, turn] = udp_urls(&host, ports.udp);
        let stun = open(vec![stun]);
        let mut urls = vec![turn, format!("turn:{host}:{}?transport=tcp", ports.tcp)];
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

/// STUN and TURN over UDP.
fn udp_urls(host: &str, port: u16) -> [String; 2] {
    [
        format!("stun:{host}:{port}"),
        format!("turn:{host}:{port}?transport=udp"),
    ]
}

/// Whom the relays of a share's holders are counted for: all of them are one, so that the end of
/// the share is theirs.
pub(crate) fn share_guest(share: &ShareId) -> String {
    format!("{GUEST_PREFIX}{share}")
}

/// Whom the relays of a public stream's viewer are counted for: those at one address are one, so
/// that a stranger uses up nobody's but its own.
pub(crate) fn viewer_guest(stream: &StreamName, client: IpAddr) -> String {
    let address = household(client).to_string();
    let parts = ["heliograph-viewer-v1", stream.as_str(), &address];
    let hash = sha256(&[parts.join(" ").as_bytes()]);
    format!("{GUEST_PREFIX}{}", base64url::encode(&hash[..16]))
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
                is_media: true,
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

    #[test]
    fn a_guest_gets_our_own_relay_and_no_credential_of_anothers() {
        let share = ShareId::from_bytes(&[1; 16]);
        let list = servers().for_guest("box", &share_guest(&share), Duration::from_secs(1000));
        let named: Vec<_> = list
            .iter()
            .map(|server| server.username.as_deref())
            .collect();
        let guest = format!("1600:guest:{share}");
        assert_eq!(named, [None, Some(guest.as_str()), None]);
    }

    #[test]
    fn a_client_of_the_gateway_is_not_told_of_stun_and_turn_at_the_port_of_its_media() {
        let urls = |list: Vec<IceServer>| -> Vec<String> {
            list.into_iter().flat_map(|server| server.urls).collect()
        };
        let mut servers = servers();
        let (whole, _) = servers.for_device("box", &device(), Duration::ZERO);
        assert_eq!(
            urls(servers.beside_media("box", whole.clone())),
            [
                "turn:box:3478?transport=tcp",
                "stun:stun.example.org",
                "turn:relay.example.org"
            ]
        );
        servers.own = servers.own.map(|own| RelayPorts {
            is_media: false,
            ..own
        });
        assert_eq!(servers.beside_media("box", whole.clone()), whole);
    }

    #[test]
    fn viewers_are_told_apart_by_stream_and_household() {
        let [cam0, cam1] = ["cam0", "cam1"].map(|name| StreamName::parse(name).unwrap());
        let guest = |stream, address: &str| viewer_guest(stream, address.parse().unwrap());
        let here = guest(&cam0, "192.0.2.1");
        assert!(here.starts_with("guest:"));
        assert!(
            !here.contains("192"),
            "a username is no place for an address"
        );
        assert_eq!(here, guest(&cam0, "::ffff:192.0.2.1"));
        assert_ne!(here, guest(&cam0, "192.0.2.2"));
        assert_ne!(here, guest(&cam1, "192.0.2.1"));
        assert_eq!(guest(&cam0, "2001:db8::1"), guest(&cam0, "2001:db8::2"));
    }
}
