//! What each loop is told, drawn from settings, names and the ports that were bound.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use gateway::Address;

use crate::ice_servers::{IceServers, RelayPorts};
use crate::names::{MachineNames, Origins};
use crate::settings::{Limits, Settings, TlsMode};
use crate::tls::TlsIdentity;
use crate::udp_loop;

use super::Listeners;

/// The list that clients are handed.
pub(super) fn ice_servers(
    settings: &Settings,
    names: &MachineNames,
    listeners: &Listeners,
    secrets: Vec<String>,
) -> IceServers {
    IceServers {
        own: relay_ports(settings, listeners),
        secrets,
        ttl: settings.turn.credential_ttl,
        stun_urls: settings.stun_urls.clone(),
        external: settings.turn.external.clone(),
        lan_address: names.addresses.first().copied(),
    }
}

pub(super) fn hub_limits(limits: &Limits) -> signalling::Limits {
    signalling::Limits {
        messages_burst: limits.messages_burst,
        messages_per_second: limits.messages_per_second,
        sockets_per_account: limits.sockets_per_account,
        register_within: limits.authenticate_timeout,
        ..signalling::Limits::default()
    }
}

pub(super) fn origins(settings: &Settings, identity: Option<&TlsIdentity>, port: u16) -> Origins {
    let hosts = identity
        .map(|identity| identity.hosts.clone())
        .unwrap_or_default();
    let is_tls = identity.is_some();
    let public = settings.http.public_origins.clone();
    match settings.http.tls {
        // Names of a certificate that somebody else vouches for are public.
        TlsMode::Files { .. } if public.is_empty() => {
            let named = Origins::of_listener(Vec::new(), &hosts, is_tls, port);
            Origins {
                public: named.lan,
                lan: Vec::new(),
                loopback: named.loopback,
            }
        }
        _ => Origins::of_listener(public, &hosts, is_tls, port),
    }
}

fn relay_ports(settings: &Settings, listeners: &Listeners) -> Option<RelayPorts> {
    let http_port = listeners.http_port();
    let tcp = if settings.http.behind_proxy {
        listeners.turn_tcp_port()
    } else {
        Some(http_port)
    };
    let has_trusted_name = matches!(settings.http.tls, TlsMode::Files { .. });
    let udp = listeners.turn_udp_port()?;
    let mut media = listeners.media_addresses().iter();
    Some(RelayPorts {
        udp,
        is_media: media.any(|address| address.port() == udp),
        tcp: tcp.unwrap_or(http_port),
        tls: has_trusted_name.then_some(http_port),
    })
}

pub(super) fn turn_settings(
    settings: &Settings,
    names: &MachineNames,
    listeners: &Listeners,
    secrets: Vec<String>,
) -> udp_loop::TurnSettings {
    let (turn, limits) = (&settings.turn, &settings.limits);
    let relay_ips = if turn.relay_ips.is_empty() {
        names.addresses.clone()
    } else {
        turn.relay_ips.clone()
    };
    let unlimited = |bytes: u64| (bytes > 0).then_some(bytes);
    udp_loop::TurnSettings {
        udp: listeners.udp.clone(),
        relay_ips,
        external_ips: turn.external_ips.clone(),
        relay_ports: turn.relay_ports.clone(),
        realm: turn.realm.clone(),
        secrets,
        allow_peers: turn.allow_peers.clone(),
        media_addrs: settings.media_listen.clone(),
        limits: turn::Limits {
            allocations_per_id: limits.turn_allocations_per_device,
            allocations_total: limits.turn_allocations,
            allocation_bytes_per_sec: unlimited(limits.turn_bytes_per_second),
            total_bytes_per_sec: unlimited(limits.turn_bytes_per_second_total),
            ..turn::Limits::default()
        },
    }
}

/// Media comes to the UDP and TCP addresses of the one port; a proxy in front passes HTTP only.
pub(super) fn gateway_settings(
    settings: &Settings,
    names: &MachineNames,
    listeners: &Listeners,
) -> gateway::Settings {
    let udp = reached(listeners.media_addresses(), names).map(Address::udp);
    let mut addrs: Vec<_> = udp.collect();
    if !settings.http.behind_proxy {
        let bound = listeners.http_addresses();
        addrs.extend(reached(&bound, names).map(Address::tcp));
    }
    gateway::Settings {
        addrs,
        limits: gateway::Limits {
            sessions: settings.limits.gateway_sessions,
        },
        segment: settings.recording.segment,
    }
}

/// The addresses of this machine that lead to what is bound.
fn reached(bound: &[SocketAddr], names: &MachineNames) -> impl Iterator<Item = SocketAddr> {
    let of_one = |bound: &SocketAddr| {
        if !bound.ip().is_unspecified() {
            return vec![*bound];
        }
        let is_served = |ip: &&IpAddr| bound.is_ipv6() || ip.is_ipv4();
        let served = names.addresses.iter().filter(is_served);
        // Last: only programs of this machine reach it.
        let ips = served.chain(&[IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        ips.map(|ip| SocketAddr::new(*ip, bound.port())).collect()
    };
    bound.iter().flat_map(of_one)
}
