//! coturn's own clients against our TURN loop, in every mode that we claim.
//!
//! Needs `turnutils_uclient`, `turnutils_stunclient` and `turnutils_peer`
//! (Debian's `coturn`); a machine without them prints so and tests nothing.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A test may.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use server::udp_loop::{TurnHandle, TurnSettings, spawn};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use turn::{Limits, Transport};

const SECRET: &str = "north";
const SERVER: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Not an address of an interface, so not one of the server's own; still loopback.
const PEER: &str = "127.0.0.2";

fn is_installed(program: &str) -> bool {
    let found = Command::new("which").arg(program).output();
    let is_found = found.is_ok_and(|output| output.status.success());
    if !is_found {
        println!("SKIPPED: {program} is not installed (apt-get install coturn)");
    }
    is_found
}

fn settings() -> TurnSettings {
    TurnSettings {
        udp: vec![(SERVER, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()],
        relay_ips: vec![IpAddr::V4(SERVER), IpAddr::V6(Ipv6Addr::LOCALHOST)],
        external_ips: vec![],
        relay_ports: 40_000..=48_999,
        realm: "heliograph".into(),
        secrets: vec!["another".into(), SECRET.into()],
        allow_peers: vec!["127.0.0.0/8".parse().unwrap()],
        media_addrs: vec![],
        limits: Limits::default(),
    }
}

/// A loop, and listeners for TCP and TLS that hand it their streams.
struct World {
    turn: TurnHandle,
    udp: SocketAddr,
    tcp: SocketAddr,
    tls: SocketAddr,
}

impl World {
    async fn start() -> Self {
        let turn = spawn(settings(), gateway::Settings::default())
            .await
            .unwrap();
        let udp = turn.local_udp_addrs()[0];
        Self {
            udp,
            tcp: serve_streams(turn.clone(), None).await,
            tls: serve_streams(turn.clone(), Some(tls_acceptor())).await,
            turn,
        }
    }
}

fn tls_acceptor() -> TlsAcceptor {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    Arc::new(config).into()
}

async fn serve_streams(turn: TurnHandle, tls: Option<TlsAcceptor>) -> SocketAddr {
    let listener = TcpListener::bind((SERVER, 0)).await.unwrap();
    let local = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let (turn, tls) = (turn.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => {
                        turn.accept_stream(stream, peer, local, Transport::Tcp, || {})
                            .await
                    }
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            turn.accept_stream(stream, peer, local, Transport::Tls, || {})
                                .await;
                        }
                    }
                }
            });
        }
    });
    local
}

/// `turnutils_peer` on a port of its own, ended with the test.
struct Peer {
    child: Child,
    port: u16,
}

impl Peer {
    fn start() -> Self {
        let probe = std::net::UdpSocket::bind((PEER, 0)).unwrap();
        let port = probe.local_addr().unwrap().port();
        drop(probe);
        let child = Command::new("turnutils_peer")
            .args(["-L", PEER, "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for_echo(SocketAddr::new(PEER.parse().unwrap(), port));
        Self { child, port }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn wait_for_echo(peer: SocketAddr) {
    let socket = std::net::UdpSocket::bind((PEER, 0)).unwrap();
    let patience = std::time::Duration::from_millis(100);
    socket.set_read_timeout(Some(patience)).unwrap();
    let mut buffer = [0; 64];
    for _ in 0..50 {
        socket.send_to(b"are you there", peer).unwrap();
        if socket.recv(&mut buffer).is_ok() {
            return;
        }
    }
    panic!("turnutils_peer does not answer");
}

async fn run(program: &str, args: Vec<String>) -> (Output, String) {
    let program = program.to_owned();
    let output = tokio::task::spawn_blocking(move || {
        Command::new("timeout")
            .arg("60")
            .arg(program)
            .args(args)
            .output()
            .unwrap()
    })
    .await
    .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output, text)
}

/// Runs the client with these flags against a port of ours; every message must come back.
async fn uclient(flags: Vec<&'static str>, server: SocketAddr, peer_port: Option<u16>) {
    let mut args: Vec<String> = [
        "-W", SECRET, "-u", "device", "-n", "20", "-m", "3", "-z", "5",
    ]
    .iter()
    .chain(&flags)
    .map(|arg| (*arg).to_owned())
    .collect();
    if let Some(port) = peer_port {
        args.extend(["-e".into(), PEER.into(), "-r".into(), port.to_string()]);
    }
    args.extend([
        "-p".into(),
        server.port().to_string(),
        server.ip().to_string(),
    ]);
    let (output, text) = run("turnutils_uclient", args).await;
    assert!(output.status.success(), "{flags:?}\n{text}");
    assert!(
        text.contains("Total lost packets 0 (0.000000%), total send dropped 0"),
        "{flags:?}\n{text}"
    );
    let sent = text.lines().rfind(|line| line.contains("tot_send_msgs"));
    println!("{flags:?}: {}", sent.unwrap_or_default());
    assert!(
        sent.is_some_and(|line| !line.contains("tot_send_msgs=0")),
        "{text}"
    );
}

/// Channels and Send indications, to a peer and between two relays of ours (`-y`).
const DATA_MODES: [&[&str]; 5] = [&["-c"], &["-s"], &["-y", "-c"], &["-y", "-s"], &["-G"]];

async fn passes_in_every_data_mode(
    transport_flags: &[&'static str],
    server: fn(&World) -> SocketAddr,
) {
    if !is_installed("turnutils_uclient") || !is_installed("turnutils_peer") {
        return;
    }
    let world = World::start().await;
    let peer = Peer::start();
    let runs = DATA_MODES.map(|mode| [transport_flags, mode].concat());
    run_all(&runs, server(&world), &peer).await;
    let stats = world.turn.stats().await;
    assert!(stats.core.relayed_to_peers_bytes > 0);
    world.turn.shutdown().await;
}

/// All at once: the client mostly waits.
async fn run_all(runs: &[Vec<&'static str>], server: SocketAddr, peer: &Peer) {
    let mut running = JoinSet::new();
    for flags in runs {
        let peer = (!flags.contains(&"-y")).then_some(peer.port);
        running.spawn(uclient(flags.clone(), server, peer));
    }
    while let Some(ran) = running.join_next().await {
        ran.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uclient_loses_nothing_over_udp() {
    passes_in_every_data_mode(&[], |world| world.udp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uclient_loses_nothing_over_tcp() {
    passes_in_every_data_mode(&["-t"], |world| world.tcp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uclient_loses_nothing_over_tls() {
    passes_in_every_data_mode(&["-t", "-S"], |world| world.tls).await;
}

/// IPv4 asked for by name, DONT-FRAGMENT, channels padded like pjnath's, large packets,
/// EVEN-PORT and RESERVATION-TOKEN (no `-c`).
#[tokio::test(flavor = "multi_thread")]
async fn uclient_loses_nothing_with_other_attributes() {
    if !is_installed("turnutils_uclient") || !is_installed("turnutils_peer") {
        return;
    }
    let world = World::start().await;
    let runs = [vec!["-X"], vec!["-g"], vec!["-D"], vec!["-l", "1400"]];
    run_all(&runs, world.udp, &Peer::start()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uclient_loses_nothing_over_ipv6() {
    if !is_installed("turnutils_uclient") || !is_installed("turnutils_peer") {
        return;
    }
    let world = World::start().await;
    let peer = Peer::start();
    let runs = [vec!["-x", "-y", "-c"], vec!["-x", "-y", "-s"]];
    run_all(&runs, world.udp, &peer).await;
    run_all(&runs, world.turn.local_udp_addrs()[1], &peer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uclient_with_a_wrong_secret_gets_nothing() {
    if !is_installed("turnutils_uclient") {
        return;
    }
    let world = World::start().await;
    let port = world.udp.port().to_string();
    let args = [
        "-W",
        "south",
        "-u",
        "device",
        "-y",
        "-n",
        "1",
        "-p",
        &port,
        "127.0.0.1",
    ];
    let (_, text) = run("turnutils_uclient", args.map(str::to_owned).to_vec()).await;
    assert!(text.contains("Cannot complete Allocation"), "{text}");
    let stats = world.turn.stats().await;
    assert_eq!(stats.core.allocations, 0);
    assert!(stats.core.refused[&401] > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn stunclient_sees_its_own_address() {
    if !is_installed("turnutils_stunclient") {
        return;
    }
    let world = World::start().await;
    let port = world.udp.port().to_string();
    let args = ["-p", &port, "127.0.0.1"].map(str::to_owned).to_vec();
    let (_, text) = run("turnutils_stunclient", args).await;
    assert!(text.contains("reflexive addr: 127.0.0.1:"), "{text}");
}
