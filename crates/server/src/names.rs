//! The names a server is reached by: the machine's addresses, its host name, its origins.
//!
//! Assertions may name any origin in `aud`; an invite carries the one that another device is
//! most likely to reach, never loopback unless there is nothing else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Interfaces of container and virtual machine hosts: nobody outside reaches them.
const VIRTUAL_INTERFACES: [&str; 7] = ["docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "cni"];

/// What this machine is called on its networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MachineNames {
    /// Addresses that other machines may reach, IPv4 first.
    pub(crate) addresses: Vec<IpAddr>,
    /// The host name, in lower case, where it is one that DNS allows.
    pub(crate) host_name: Option<String>,
}

impl MachineNames {
    /// Asks the operating system.
    pub(crate) fn read() -> Self {
        let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()
            .unwrap_or_default()
            .into_iter()
            .filter(|interface| !is_virtual(&interface.name))
            .map(|interface| interface.ip())
            .filter(|ip| is_reachable(*ip))
            .collect();
        addresses.sort_by_key(|ip| (ip.is_ipv6(), *ip));
        addresses.dedup();
        let host_name = hostname::get()
            .ok()
            .and_then(|name| name.into_string().ok())
            .map(|name| name.to_ascii_lowercase())
            .filter(|name| is_dns_name(name) && name != "localhost");
        Self {
            addresses,
            host_name,
        }
    }

    /// Host name and its mDNS form.
    pub(crate) fn dns_names(&self) -> Vec<String> {
        let Some(name) = &self.host_name else {
            return Vec::new();
        };
        if name.contains('.') {
            vec![name.clone()]
        } else {
            vec![name.clone(), format!("{name}.local")]
        }
    }
}

/// Every origin of a server, by how far it reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origins {
    /// Configured, or the names of a certificate from a file.
    pub(crate) public: Vec<String>,
    /// Addresses and names of the machine.
    pub(crate) lan: Vec<String>,
    /// `localhost` and the loopback addresses.
    pub(crate) loopback: Vec<String>,
}

impl Origins {
    /// The origins of a listener on `port`.
    pub(crate) fn of_listener(
        public: Vec<String>,
        hosts: &[String],
        is_tls: bool,
        port: u16,
    ) -> Self {
        let scheme = if is_tls { "https" } else { "http" };
        let origin = |host: &str| origin(scheme, host, port);
        let mut loopback = vec![origin("localhost"), origin("127.0.0.1")];
        if is_tls {
            loopback.push(origin("[::1]"));
        }
        Self {
            public,
            lan: hosts.iter().map(|host| origin(host)).collect(),
            loopback,
        }
    }

    /// Whether `origin` is one of ours, compared as bytes.
    pub(crate) fn contains(&self, origin: &str) -> bool {
        self.all().any(|own| own == origin)
    }

    /// Public, then LAN, then loopback.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.public
            .iter()
            .chain(&self.lan)
            .chain(&self.loopback)
            .map(String::as_str)
    }

    /// The origin that invites and setup links carry, and that tokens name as issuer.
    pub(crate) fn invite(&self) -> &str {
        self.all().next().unwrap_or_default()
    }

    /// The origin whose authority is the `Host` of a request, if it is ours.
    pub(crate) fn by_host(&self, host: &str) -> Option<&str> {
        self.all()
            .find(|origin| origin.split_once("://").is_some_and(|(_, own)| own == host))
    }
}

/// An address as the host part of a URL.
pub(crate) fn url_host(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

fn origin(scheme: &str, host: &str, port: u16) -> String {
    match (scheme, port) {
        ("https", 443) | ("http", 80) => format!("{scheme}://{host}"),
        _ => format!("{scheme}://{host}:{port}"),
    }
}

fn is_virtual(interface: &str) -> bool {
    VIRTUAL_INTERFACES
        .iter()
        .any(|prefix| interface.starts_with(prefix))
}

/// Link-local IPv6 needs a zone, which a URL cannot carry.
fn is_reachable(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && ip != Ipv4Addr::UNSPECIFIED,
        IpAddr::V6(ip) => {
            !ip.is_loopback() && !ip.is_unicast_link_local() && ip != Ipv6Addr::UNSPECIFIED
        }
    }
}

pub(crate) fn is_dns_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lan() -> Vec<String> {
        vec![
            "192.168.1.5".to_owned(),
            "[fd00::2]".to_owned(),
            "box".to_owned(),
        ]
    }

    #[test]
    fn invite_carries_the_first_public_origin() {
        let public = vec!["https://link.example.org".to_owned()];
        let origins = Origins::of_listener(public, &lan(), true, 8443);
        assert_eq!(origins.invite(), "https://link.example.org");
    }

    #[test]
    fn invite_carries_the_lan_before_loopback() {
        let origins = Origins::of_listener(Vec::new(), &lan(), true, 8443);
        assert_eq!(origins.invite(), "https://192.168.1.5:8443");
    }

    #[test]
    fn an_origin_of_another_port_is_foreign() {
        let origins = Origins::of_listener(Vec::new(), &lan(), true, 8443);
        assert!(origins.contains("https://localhost:8443"));
        assert!(!origins.contains("https://localhost:8444"));
        assert!(!origins.contains("http://localhost:8443"));
        assert_eq!(
            origins.by_host("[fd00::2]:8443"),
            Some("https://[fd00::2]:8443")
        );
    }

    #[test]
    fn default_ports_are_left_out() {
        let origins = Origins::of_listener(Vec::new(), &lan(), true, 443);
        assert!(origins.contains("https://box"));
    }
}
