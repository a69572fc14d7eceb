//! `media.external`: where media is reached from outside, by another host or port than its own.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use gateway::Transport;

use crate::config::Reader;
use crate::names::is_dns_name;

const KEY: &str = "media.external";
/// Each is one more that every browser tries.
const MAX_ADDRESSES: usize = 8;

/// A host and a port that somebody in front of us forwards: a tunnel, a NAT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalAddress {
    /// The host.
    pub host: ExternalHost,
    /// The port out there.
    pub port: u16,
    /// What is forwarded.
    pub transport: Transport,
}

/// The host of an [`ExternalAddress`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExternalHost {
    /// Known for good.
    Ip(IpAddr),
    /// To be resolved.
    Name(String),
}

/// Why a text is no [`ExternalAddress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExternalAddressError {
    /// Not of the form.
    #[error("needs host:port/tcp or host:port/udp, such as 203.0.113.7:443/tcp")]
    Form,
    /// No port.
    #[error("needs a port from 1 to 65535")]
    Port,
    /// Neither an address nor a name.
    #[error("its host is neither an IP address ([…] around IPv6) nor a DNS name")]
    Host,
    /// An address that is nobody's.
    #[error("its address is one that nobody outside reaches")]
    Unreachable,
}

pub(super) fn read(reader: &mut Reader) -> Vec<ExternalAddress> {
    let addresses = reader.parsed_list(KEY);
    if addresses.len() > MAX_ADDRESSES {
        reader.fault(KEY, format!("has more than {MAX_ADDRESSES} addresses"));
    }
    addresses
}

impl FromStr for ExternalAddress {
    type Err = ExternalAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (authority, transport) = text.rsplit_once('/').ok_or(ExternalAddressError::Form)?;
        let transport = match transport {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return Err(ExternalAddressError::Form),
        };
        let (host, port) = authority
            .rsplit_once(':')
            .ok_or(ExternalAddressError::Form)?;
        let port = port.parse().ok().filter(|port| *port > 0);
        Ok(Self {
            host: host.parse()?,
            port: port.ok_or(ExternalAddressError::Port)?,
            transport,
        })
    }
}

impl FromStr for ExternalHost {
    type Err = ExternalAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let in_brackets = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let ip = match in_brackets {
            Some(ipv6) => ipv6.parse().ok().map(IpAddr::V6),
            None => text.parse().ok().map(IpAddr::V4),
        };
        match ip {
            Some(ip) if is_reachable(ip) => Ok(Self::Ip(ip)),
            Some(_) => Err(ExternalAddressError::Unreachable),
            // A name of figures alone is a mistyped address.
            None if is_dns_name(text) && text.contains(|c: char| c.is_ascii_alphabetic()) => {
                Ok(Self::Name(text.to_ascii_lowercase()))
            }
            None => Err(ExternalAddressError::Host),
        }
    }
}

/// Loopback serves programs of one machine, as in tests.
fn is_reachable(ip: IpAddr) -> bool {
    let is_link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !ip.is_unspecified() && !ip.is_multicast() && !is_link_local
}

impl fmt::Display for ExternalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        };
        match &self.host {
            ExternalHost::Ip(ip @ IpAddr::V6(_)) => write!(f, "[{ip}]")?,
            ExternalHost::Ip(ip) => write!(f, "{ip}")?,
            ExternalHost::Name(name) => f.write_str(name)?,
        }
        write!(f, ":{}/{transport}", self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_a_port_and_a_transport() {
        for text in [
            "203.0.113.7:443/tcp",
            "[2001:db8::7]:443/tcp",
            "box.example.org:40000/udp",
        ] {
            let address: ExternalAddress = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_is_wrong() {
        use ExternalAddressError::{Form, Host, Port, Unreachable};
        for (text, error) in [
            ("203.0.113.7", Form),
            ("203.0.113.7:443", Form),
            ("203.0.113.7/tcp", Form),
            ("203.0.113.7:443/sctp", Form),
            ("203.0.113.7:0/tcp", Port),
            ("203.0.113.7:65536/tcp", Port),
            ("203.0.113.7:https/tcp", Port),
            (":443/tcp", Host),
            ("203.0.113:443/tcp", Host),
            ("2001:db8::7:443/tcp", Host),
            ("https://box.example.org:443/tcp", Host),
            ("0.0.0.0:443/tcp", Unreachable),
            ("169.254.1.1:443/udp", Unreachable),
            ("[fe80::1]:443/udp", Unreachable),
            ("[ff02::1]:443/udp", Unreachable),
        ] {
            assert_eq!(text.parse::<ExternalAddress>(), Err(error), "{text}");
        }
    }
}
