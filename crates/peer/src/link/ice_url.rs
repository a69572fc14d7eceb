//! `stun:`, `turn:` and `turns:` URLs (RFC 7064, RFC 7065).

use std::net::IpAddr;

/// How a STUN or TURN server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// By datagrams.
    Udp,
    /// Over a stream.
    Tcp,
    /// Over an encrypted stream.
    Tls,
}

/// Where a STUN or TURN server is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IceUrl {
    pub(crate) is_turn: bool,
    pub(crate) transport: Transport,
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl IceUrl {
    /// Reads a URL; none where it is of another kind, such as TURN over DTLS.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once(':')?;
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let asked = query.strip_prefix("transport=").unwrap_or(query);
        let (is_turn, transport) = match (scheme, asked) {
            ("stun", "" | "udp") => (false, Transport::Udp),
            ("turn", "" | "udp") => (true, Transport::Udp),
            ("turn", "tcp") => (true, Transport::Tcp),
            ("turns", "" | "tcp") => (true, Transport::Tls),
            _ => return None,
        };
        let default = if transport == Transport::Tls {
            5349
        } else {
            3478
        };
        let (host, port) = split_port(authority)?;
        let port = port.map_or(Some(default), |port| port.parse().ok())?;
        let host = host.to_owned();
        (!host.is_empty() && port != 0).then_some(Self {
            is_turn,
            transport,
            host,
            port,
        })
    }

    /// The address, where the host is one.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// `host`, `host:port`, `[v6]` or `[v6]:port`.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    Some(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_every_kind_are_read() {
        let read = |url| {
            let url = IceUrl::parse(url).expect("a URL");
            (url.is_turn, url.transport, url.host, url.port)
        };
        let host = || "h".to_owned();
        assert_eq!(read("stun:h"), (false, Transport::Udp, host(), 3478));
        assert_eq!(
            read("turn:h:99?transport=tcp"),
            (true, Transport::Tcp, host(), 99)
        );
        assert_eq!(
            read("turns:h?transport=tcp"),
            (true, Transport::Tls, host(), 5349)
        );
        assert_eq!(
            read("turn:[fd00::1]:7"),
            (true, Transport::Udp, "fd00::1".to_owned(), 7)
        );
    }

    #[test]
    fn other_urls_are_left_out() {
        for url in [
            "",
            "turn",
            "turn:",
            "turn:h:0",
            "turn:h:x",
            "turn:[::1",
            "http://h",
            "turns:h?transport=udp",
        ] {
            assert_eq!(IceUrl::parse(url), None, "{url}");
        }
    }
}
