//! Every metric of the TURN loop can move, and none carries a name.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test may.

mod turn_session;

use std::net::{Ipv4Addr, UdpSocket};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use server::udp_loop::{TurnSettings, spawn};
use tokio::io::duplex;
use turn::{Limits, Transport};
use turn_session::{REALM, SECRET, Session};
use turn_types::attribute::{ChannelNumber, RequestedTransport};
use turn_types::message::{ALLOCATE, CHANNEL_BIND, REFRESH};

/// The loop publishes once a second.
fn wait_for(metrics: &PrometheusHandle, line: &str) {
    let begin = std::time::Instant::now();
    while begin.elapsed().as_secs() < 20 {
        if metrics
            .render()
            .lines()
            .any(|rendered| rendered.starts_with(line))
        {
            return;
        }
        std::thread::yield_now();
    }
    panic!("no {line} in\n{}", metrics.render());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_moves_and_none_carries_a_name() {
    let metrics = PrometheusBuilder::new().install_recorder().unwrap();
    let turn = spawn(
        TurnSettings {
            udp: vec![(Ipv4Addr::LOCALHOST, 0).into()],
            relay_ips: vec![Ipv4Addr::LOCALHOST.into()],
            external_ips: vec![],
            relay_ports: 37_000..=37_999,
            realm: REALM.into(),
            secrets: vec![SECRET.into()],
            allow_peers: vec!["127.0.0.0/8".parse().unwrap()],
            media_addrs: vec![],
            limits: Limits::default(),
        },
        gateway::Settings::default(),
    )
    .await
    .unwrap();
    let addr = (Ipv4Addr::LOCALHOST, 9).into();
    let (_client, stream) = duplex(64);
    let streams = turn.clone();
    tokio::spawn(async move {
        streams
            .accept_stream(stream, addr, addr, Transport::Tcp, || {})
            .await
    });

    let udp = RequestedTransport::new(RequestedTransport::UDP);
    let mut session = Session::new(turn.local_udp_addrs()[0]);
    session.ask("challenge", ALLOCATE, &[&udp], &[]);
    session.ask("allocate", ALLOCATE, &[&udp], &[]);
    let peer = UdpSocket::bind("127.0.0.2:0").unwrap();
    let number = ChannelNumber::new(0x4000);
    session.ask(
        "bind",
        CHANNEL_BIND,
        &[&number],
        &[peer.local_addr().unwrap()],
    );
    session.wire.send(&[0x40, 0, 0, 3, 1, 2, 3]);
    let (_, relay) = peer.recv_from(&mut [0; 16]).unwrap();
    peer.send_to(&[1, 2, 3, 4, 5], relay).unwrap();
    session.receive("channel data");
    session.wire.send(&[0x40, 1, 0, 3, 1, 2, 3]);

    for line in [
        "helio_turn_allocations 1",
        "helio_turn_streams 1",
        "helio_turn_relayed_bytes_total{direction=\"to_peer\"} 3",
        "helio_turn_relayed_bytes_total{direction=\"to_client\"} 5",
        "helio_turn_refused_total{code=\"401\"} 1",
        "helio_turn_dropped_total{cause=\"no_permission\"} 1",
        "helio_turn_dropped_total{cause=\"not_sent\"} 0",
    ] {
        wait_for(&metrics, line);
    }
    assert!(!metrics.render().contains("device"));
    let zero = turn_types::attribute::Lifetime::new(0);
    session.ask("refresh", REFRESH, &[&zero], &[]);
    wait_for(&metrics, "helio_turn_allocations 0");
}
