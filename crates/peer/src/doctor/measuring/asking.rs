//! Asks one STUN or TURN server through sockets of its own.

use std::net::IpAddr;
use std::time::Instant;

use protocol::http::IceServer;
use rustls::ClientConfig;

use crate::device::random;
use crate::doctor::ANSWER_LIMIT;
use crate::doctor::gathered::Gathered;
use crate::driver::{Network, NetworkEvent, usable_addresses};
use crate::link::{IcePolicy, Inquiry};

/// The addresses that peers are told of this device.
pub(super) fn own_addresses() -> Gathered {
    let hosts = usable_addresses();
    let hosts = hosts.iter().filter(|ip| !ip.is_loopback());
    Gathered {
        hosts: hosts.map(IpAddr::to_string).collect(),
        ..Gathered::default()
    }
}

/// What a server brings within [`ANSWER_LIMIT`].
pub(super) async fn ask(tls: &ClientConfig, server: &IceServer, policy: IcePolicy) -> Gathered {
    let mut network = Network::new(tls);
    let (servers, sockets) = (std::slice::from_ref(server), network.addresses());
    let started = Instant::now();
    let until = started + ANSWER_LIMIT;
    let mut inquiry = Inquiry::new(servers, policy, &sockets, random(), started);
    loop {
        while let Some(output) = inquiry.poll_output() {
            network.execute(output).await;
        }
        let now = Instant::now();
        if now >= until || inquiry.is_settled(now) {
            break;
        }
        let wake_at = inquiry.poll_timeout().map_or(until, |at| at.min(until));
        let event = network.next(wake_at).await;
        let now = Instant::now();
        match event {
            NetworkEvent::Datagram { local, from, bytes } => {
                inquiry.handle_datagram(local, from, &bytes, now);
            }
            NetworkEvent::StreamOpen(stream, local) => {
                inquiry.handle_stream_open(stream, local, now);
            }
            NetworkEvent::StreamData(stream, bytes) => {
                inquiry.handle_stream_data(stream, &bytes, now);
            }
            NetworkEvent::StreamClosed(stream, why) => {
                inquiry.handle_stream_closed(stream, &why, now);
            }
            NetworkEvent::Found(host, addrs) => inquiry.handle_found(&host, &addrs, now),
            NetworkEvent::Timeout => inquiry.handle_timeout(now),
        }
    }
    let gathered = inquiry.close(Instant::now());
    while let Some(output) = inquiry.poll_output() {
        network.execute(output).await;
    }
    gathered
}
