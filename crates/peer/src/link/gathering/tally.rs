//! How far asking is, for those who only ask and do not link.

use std::net::{IpAddr, SocketAddr};

use super::{Gathering, Server, Way};

impl Gathering {
    /// Whether something that was asked may still be answered.
    pub(in crate::link) fn is_waiting(&self) -> bool {
        let is_looking_up = self.servers.iter().any(|each| self.addrs(each).is_none());
        let is_allocating = self
            .allocations
            .iter()
            .any(|each| each.relay.relayed.is_none());
        let is_connecting = self.streams.keys().any(|stream| {
            let way = Way::Stream(*stream);
            !self.allocations.iter().any(|each| each.way == way)
        });
        is_looking_up || is_allocating || is_connecting || !self.bindings.is_empty()
    }

    /// Whether each STUN server answered, on one of its addresses.
    pub(in crate::link) fn is_answered(&self) -> bool {
        let mut stun = self.servers.iter().filter(|each| !each.url.is_turn);
        stun.all(|server| {
            let addrs = self.addrs(server).unwrap_or_default();
            let port = server.url.port;
            let has_answered = |ip: &IpAddr| self.answered.contains(&SocketAddr::new(*ip, port));
            addrs.iter().any(has_answered)
        })
    }

    /// Whether no server was asked at all: none has an address that a socket here reaches.
    pub(in crate::link) fn is_idle(&self) -> bool {
        self.asked.is_empty() && self.tried.is_empty()
    }

    /// The addresses of a server; none while its name is looked up.
    pub(super) fn addrs(&self, server: &Server) -> Option<Vec<IpAddr>> {
        let known = self.addrs_by_host.get(&server.url.host);
        let own = server.url.ip().map(|ip| vec![ip]);
        own.or_else(|| known.cloned())
    }
}
