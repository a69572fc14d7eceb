//! Every port that a server needs, bound before anything is served.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use tokio::net::TcpListener;

use super::StartError;
use crate::settings::Settings;

/// Bound TCP listeners, and the UDP addresses that were found free.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) http: Vec<TcpListener>,
    pub(super) turn: Vec<TcpListener>,
    /// `http.lan_plain`.
    pub(super) watching: Option<TcpListener>,
    /// `paths_api.listen`.
    pub(super) path_list: Option<TcpListener>,
    pub(super) udp: Vec<SocketAddr>,
    media_count: usize,
    turn_udp_port: Option<u16>,
    turn_tcp_port: Option<u16>,
}

impl Listeners {
    /// Binds `http.listen` and `media.listen` or fails; the standard extra ports of TURN are
    /// served where they can be bound.
    pub(super) async fn bind(settings: &Settings) -> Result<Self, StartError> {
        let mut http = Vec::new();
        for address in &settings.http.listen {
            let bound = bind_tcp(*address).await;
            http.push(bound.map_err(|error| listen_error(*address, "http.listen", error))?);
        }
        let mut udp = Vec::new();
        for address in &settings.media_listen {
            let free = probe_udp(*address);
            udp.push(free.map_err(|error| listen_error(*address, "media.listen", error))?);
        }
        let mut listeners = Self {
            http,
            watching: bind_optional(settings.http.lan_plain, "http.lan_plain").await?,
            path_list: bind_optional(settings.paths_api_listen, "paths_api.listen").await?,
            turn: Vec::new(),
            media_count: udp.len(),
            udp,
            turn_udp_port: None,
            turn_tcp_port: None,
        };
        for address in &settings.turn.listen {
            listeners.add_turn_udp(*address);
            listeners.turn_tcp_port = listeners.add_turn_tcp(*address, "turn.listen").await;
        }
        for address in &settings.turn.tls_listen {
            listeners.add_turn_tcp(*address, "turn.tls_listen").await;
        }
        Ok(listeners)
    }

    fn add_turn_udp(&mut self, address: SocketAddr) {
        if self.udp.contains(&address) {
            self.turn_udp_port = Some(address.port());
            return;
        }
        match probe_udp(address) {
            Ok(address) => {
                self.turn_udp_port = Some(address.port());
                self.udp.push(address);
            }
            Err(error) => tracing::warn!(%address, %error, "no TURN over UDP here (turn.listen)"),
        }
    }

    async fn add_turn_tcp(&mut self, address: SocketAddr, key: &'static str) -> Option<u16> {
        match bind_tcp(address).await {
            Ok(listener) => {
                let port = listener.local_addr().ok().map(|address| address.port());
                self.turn.push(listener);
                port
            }
            Err(error) => {
                tracing::warn!(%address, %error, "no TURN over TCP here ({key})");
                None
            }
        }
    }

    /// The UDP addresses of the one port.
    pub(super) fn media_addresses(&self) -> &[SocketAddr] {
        &self.udp[..self.media_count]
    }

    /// Where the HTTP listeners are.
    pub(super) fn http_addresses(&self) -> Vec<SocketAddr> {
        let bound = self.http.iter().map(TcpListener::local_addr);
        bound.filter_map(Result::ok).collect()
    }

    /// Where it watches without TLS and where the path list is.
    pub(super) fn plain_addresses(&self) -> Vec<SocketAddr> {
        let listeners = [&self.watching, &self.path_list].into_iter().flatten();
        let bound = listeners.map(TcpListener::local_addr);
        bound.filter_map(Result::ok).collect()
    }

    /// The port of the first HTTP listener.
    pub(super) fn http_port(&self) -> u16 {
        let addresses = self.http_addresses();
        addresses.first().map_or(0, SocketAddr::port)
    }

    /// The standard port where it is bound, else the one port.
    pub(super) fn turn_udp_port(&self) -> Option<u16> {
        self.turn_udp_port
            .or_else(|| self.udp.first().map(SocketAddr::port))
    }

    pub(super) fn turn_tcp_port(&self) -> Option<u16> {
        self.turn_tcp_port
    }

    /// What is listened on, for the first lines on the terminal.
    pub(super) fn described(&self) -> Vec<(&'static str, String)> {
        let list = |listeners: &[TcpListener]| {
            let addresses = listeners
                .iter()
                .filter_map(|listener| listener.local_addr().ok());
            addresses
                .map(|address| address.to_string())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let udp: Vec<String> = self.udp.iter().map(ToString::to_string).collect();
        let mut lines = vec![(
            "TCP",
            format!("{} (pages, signalling, TURN)", list(&self.http)),
        )];
        if !self.turn.is_empty() {
            lines.push(("TCP", format!("{} (TURN)", list(&self.turn))));
        }
        let plain = [
            (&self.watching, "watching without TLS"),
            (&self.path_list, "path list, for this machine"),
        ];
        for (listener, what) in plain {
            if let Some(Ok(address)) = listener.as_ref().map(TcpListener::local_addr) {
                lines.push(("TCP", format!("{address} ({what})")));
            }
        }
        lines.push(("UDP", format!("{} (media, STUN, TURN)", udp.join(", "))));
        lines
    }
}

async fn bind_optional(
    address: Option<SocketAddr>,
    key: &'static str,
) -> Result<Option<TcpListener>, StartError> {
    let Some(address) = address else {
        return Ok(None);
    };
    let bound = bind_tcp(address).await;
    let listener = bound.map_err(|error| listen_error(address, key, error))?;
    Ok(Some(listener))
}

async fn bind_tcp(address: SocketAddr) -> std::io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(_) if is_both_families(address) && !has_ipv6() => {
            TcpListener::bind(only_ipv4(address)).await
        }
        bound => bound,
    }
}

/// The address with its port, if it is free. The loop that owns the socket binds it itself.
fn probe_udp(address: SocketAddr) -> std::io::Result<SocketAddr> {
    let address = if is_both_families(address) && !has_ipv6() {
        only_ipv4(address)
    } else {
        address
    };
    UdpSocket::bind(address)?.local_addr()
}

fn is_both_families(address: SocketAddr) -> bool {
    address.is_ipv6() && address.ip().is_unspecified()
}

fn only_ipv4(address: SocketAddr) -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, address.port()).into()
}

/// Some kernels and containers have no IPv6 at all.
fn has_ipv6() -> bool {
    UdpSocket::bind("[::]:0").is_ok()
}

fn listen_error(address: SocketAddr, key: &'static str, error: std::io::Error) -> StartError {
    StartError::Listen {
        address,
        key,
        error,
    }
}
