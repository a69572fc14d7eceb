//! The loop around the core: streams, addresses, orders from the rest of the server.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test may.

mod turn_session;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use server::udp_loop::{TurnHandle, TurnSettings, spawn};
use stun_types::attribute::XorMappedAddress;
use stun_types::message::{BINDING, Message};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpListener;
use turn::{DropCause, Limits, Transport};
use turn_session::{REALM, SECRET, Session};
use turn_types::attribute::{ChannelNumber, RequestedTransport};
use turn_types::message::{ALLOCATE, CHANNEL_BIND, REFRESH};

const PATIENCE: Duration = Duration::from_secs(5);

fn settings(listen: SocketAddr) -> TurnSettings {
    TurnSettings {
        udp: vec![listen],
        relay_ips: vec![Ipv4Addr::LOCALHOST.into()],
        external_ips: vec![],
        relay_ports: 38_000..=38_999,
        realm: REALM.into(),
        secrets: vec![SECRET.into()],
        allow_peers: vec!["127.0.0.0/8".parse().unwrap()],
        media_addrs: vec![],
        limits: Limits::default(),
    }
}

async fn start() -> TurnHandle {
    spawn(
        settings((Ipv4Addr::LOCALHOST, 0).into()),
        gateway::Settings::default(),
    )
    .await
    .unwrap()
}

async fn connect(turn: &TurnHandle) -> TcpStream {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let local = listener.local_addr().unwrap();
    let client = TcpStream::connect(local).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    let turn = turn.clone();
    tokio::spawn(async move {
        turn.accept_stream(stream, peer, local, Transport::Tcp, || {})
            .await
    });
    client
}

fn allocate(session: &mut Session) {
    let udp = RequestedTransport::new(RequestedTransport::UDP);
    session.ask("challenge", ALLOCATE, &[&udp], &[]);
    session.ask("allocate", ALLOCATE, &[&udp], &[]);
    assert!(session.last().starts_with("success"), "{}", session.last());
}

/// Waits for something the thread does in its own time.
async fn until(turn: &TurnHandle, holds: impl Fn(&server::udp_loop::TurnStats) -> bool) {
    for _ in 0..10_000 {
        if holds(&turn.stats().await) {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("it does not come: {:?}", turn.stats().await);
}

#[tokio::test(start_paused = true)]
async fn stream_without_an_allocation_is_closed_after_ten_seconds() {
    let turn = start().await;
    let (mut client, stream) = duplex(1024);
    let addr = (Ipv4Addr::LOCALHOST, 9).into();
    let begin = tokio::time::Instant::now();
    let half_a_request = [0, 1, 0, 8, 0x21, 0x12, 0xa4];
    client.write_all(&half_a_request).await.unwrap();
    turn.accept_stream(stream, addr, addr, Transport::Tls, || {})
        .await;
    assert_eq!(begin.elapsed().as_secs(), 10);
    assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    until(&turn, |stats| stats.streams == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_that_is_not_turn_or_announces_too_much_is_closed() {
    let turn = start().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00"[..],
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0, 1, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42],
    ] {
        let mut client = connect(&turn).await;
        client.write_all(bytes).unwrap();
        assert_eq!(client.read(&mut [0; 8]).unwrap_or(0), 0, "{bytes:?}");
    }
    until(&turn, |stats| stats.streams == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_stream_frees_its_allocation() {
    let turn = start().await;
    let mut session = Session::over(Box::new(connect(&turn).await));
    allocate(&mut session);
    until(&turn, |stats| stats.core.allocations == 1).await;
    drop(session);
    until(&turn, |stats| {
        stats.core.allocations == 0 && stats.streams == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_does_not_read_loses_packets_and_others_go_on() {
    let turn = start().await;
    let stream = connect(&turn).await;
    let mut session = Session::over(Box::new(stream));
    allocate(&mut session);
    let peer = UdpSocket::bind("127.0.0.2:0").unwrap();
    let number = ChannelNumber::new(0x4000);
    session.ask(
        "bind",
        CHANNEL_BIND,
        &[&number],
        &[peer.local_addr().unwrap()],
    );
    session.wire.send(&[0x40, 0, 0, 4, 1, 2, 3, 4]);
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let (_, relay) = peer.recv_from(&mut [0; 16]).unwrap();
    while turn.stats().await.unsent == 0 {
        for _ in 0..500 {
            peer.send_to(&[7; 1200], relay).unwrap();
        }
    }
    let mut other = Session::new(turn.local_udp_addrs()[0]);
    other.ask("binding", BINDING, &[], &[]);
    assert!(other.last().starts_with("success"));
}

#[tokio::test(flavor = "multi_thread")]
async fn dual_stack_socket_tells_ipv4_and_answers_from_where_it_was_asked() {
    let turn = spawn(
        settings((Ipv6Addr::UNSPECIFIED, 0).into()),
        gateway::Settings::default(),
    )
    .await
    .unwrap();
    let port = turn.local_udp_addrs()[0].port();
    for server in ["127.0.0.1", "127.0.0.3", "::1"] {
        let server = SocketAddr::new(server.parse().unwrap(), port);
        let any: SocketAddr = match server {
            SocketAddr::V4(_) => (Ipv4Addr::LOCALHOST, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::LOCALHOST, 0).into(),
        };
        // A connected socket takes answers from this address only.
        let socket = UdpSocket::bind(any).unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let from = socket.local_addr().unwrap();
        let mut session = Session::over(Box::new(socket));
        let answer = session.ask("binding", BINDING, &[], &[]).unwrap();
        let message = Message::from_bytes(&answer).unwrap();
        let mapped = message.attribute::<XorMappedAddress>().unwrap();
        assert_eq!(mapped.addr(message.transaction_id()), from);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revoked_device_and_replaced_secrets_work_on_the_running_loop() {
    let turn = start().await;
    let server = turn.local_udp_addrs()[0];
    let mut session = Session::new(server);
    allocate(&mut session);
    turn.replace_secrets(vec!["south".into()]);
    session.ask("refresh", REFRESH, &[], &[]);
    assert!(session.last().starts_with("success"), "a live allocation");
    turn.revoke("device");
    until(&turn, |stats| stats.core.allocations == 0).await;
    session.ask("refresh", REFRESH, &[], &[]);
    assert!(
        session.last().starts_with("error 401"),
        "{}",
        session.last()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_of_others_are_dropped_and_counted() {
    let turn = start().await;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for datagram in [&b""[..], &[22, 254, 253, 0], &[0x80, 96, 0, 1]] {
        socket.send_to(datagram, turn.local_udp_addrs()[0]).unwrap();
    }
    let is_counted = |dropped: &u64| *dropped >= 2;
    until(&turn, |stats| {
        stats
            .core
            .dropped
            .get(&DropCause::NotTurn)
            .is_some_and(is_counted)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_frees_every_port() {
    let turn = start().await;
    let server = turn.local_udp_addrs()[0];
    allocate(&mut Session::new(server));
    turn.shutdown().await;
    assert!(UdpSocket::bind(server).is_ok());
    assert_eq!(turn.stats().await.core.allocations, 0);
}
