//! The connection a request came on: who is at its other end, and where it came in.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::gate::Permit;

/// Put into every request's extensions by the accept loop.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// The other end of the TCP connection.
    pub(crate) peer: SocketAddr,
    /// Our end of it.
    pub(crate) local: SocketAddr,
    permit: Option<Arc<Permit>>,
}

impl Connection {
    /// A connection that holds `permit` as long as any clone of it lives.
    pub(crate) fn new(peer: SocketAddr, local: SocketAddr, permit: Option<Arc<Permit>>) -> Self {
        Self {
            peer,
            local,
            permit,
        }
    }

    /// Whether a proxy we trust is at the other end, so that its word on addresses counts.
    pub(crate) fn is_proxied(&self, trusted: &[IpNet]) -> bool {
        trusted
            .iter()
            .any(|network| network.contains(&self.peer.ip()))
    }

    /// The same connection as the client of a trusted proxy sees it.
    pub(crate) fn forwarded(&self, client: IpAddr, permit: Permit) -> Self {
        let peer = SocketAddr::new(client, self.peer.port());
        Self {
            peer,
            permit: Some(Arc::new(permit)),
            ..self.clone()
        }
    }

    /// A token or a relay's credential was shown: the connection no longer counts as a
    /// stranger's.
    pub(crate) fn authenticated(&self) {
        if let Some(permit) = &self.permit {
            permit.authenticated();
        }
    }
}

/// The address nearest to us in `X-Forwarded-For` that is not a trusted proxy's own.
pub(crate) fn forwarded_for(headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let values = headers.get_all("x-forwarded-for").iter().rev();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.rsplit(','))
        .map_while(|address| address.trim().parse::<IpAddr>().ok())
        .map(|address| address.to_canonical())
        .find(|address| !trusted.iter().any(|network| network.contains(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn the_nearest_untrusted_address_is_the_client() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let forwarded = headers(&["6.6.6.6, 203.0.113.9", "10.0.0.2"]);
        assert_eq!(
            forwarded_for(&forwarded, &trusted),
            Some([203, 0, 113, 9].into())
        );
    }

    #[test]
    fn nothing_beyond_an_unreadable_entry_counts() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(
            forwarded_for(&headers(&["203.0.113.9, nonsense, 10.0.0.2"]), &trusted),
            None
        );
    }
}
