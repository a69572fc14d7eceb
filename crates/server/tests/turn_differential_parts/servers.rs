//! Our loop and a coturn, both on loopback with the same secret and realm.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use server::udp_loop::{TurnHandle, TurnSettings, spawn};
use turn::Limits;

use crate::turn_session::{REALM, SECRET};

pub(crate) fn is_installed(program: &str) -> bool {
    let found = Command::new("which").arg(program).output();
    let is_found = found.is_ok_and(|output| output.status.success());
    if !is_found {
        println!("SKIPPED: {program} is not installed (apt-get install coturn)");
    }
    is_found
}

pub(crate) async fn start_ours() -> (TurnHandle, SocketAddr) {
    let turn = spawn(
        TurnSettings {
            udp: vec![(Ipv4Addr::LOCALHOST, 0).into()],
            relay_ips: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            external_ips: vec![],
            relay_ports: 39_000..=39_499,
            realm: REALM.into(),
            secrets: vec![SECRET.into()],
            allow_peers: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
            media_addrs: vec![],
            limits: Limits::default(),
        },
        gateway::Settings::default(),
    )
    .await
    .unwrap();
    let addr = turn.local_udp_addrs()[0];
    (turn, addr)
}

/// Debian's `turnserver`, ended with the test.
pub(crate) struct Coturn {
    child: Child,
    port: u16,
}

impl Coturn {
    pub(crate) fn start() -> Self {
        let port = free_port();
        let pidfile = std::env::temp_dir().join(format!("helio-coturn-{port}.pid"));
        let child = Command::new("turnserver")
            .args(["-n", "-L", "127.0.0.1", "-p", &port.to_string()])
            .args(["-E", "127.0.0.1", "-E", "::1"])
            .args(["--min-port", "39500", "--max-port", "39999"])
            .args([
                "--use-auth-secret",
                "--static-auth-secret",
                SECRET,
                "-r",
                REALM,
            ])
            .args([
                "--allow-loopback-peers",
                "--stale-nonce",
                "--max-allocate-lifetime=600",
            ])
            .args([
                "--no-software-attribute",
                "--no-tls",
                "--no-dtls",
                "--no-cli",
            ])
            .args(["--log-file", "stdout", "--pidfile"])
            .arg(pidfile)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let coturn = Self { child, port };
        coturn.wait_until_it_answers();
        coturn
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn wait_until_it_answers(&self) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let binding = [
            0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
        ];
        for _ in 0..100 {
            socket.send_to(&binding, self.addr()).unwrap();
            if socket.recv(&mut [0; 512]).is_ok() {
                return;
            }
        }
        panic!("coturn does not answer");
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A port that is free for UDP and TCP alike: coturn takes both.
fn free_port() -> u16 {
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let tcp = std::net::TcpListener::bind((ip, 0)).unwrap();
    tcp.local_addr().unwrap().port()
}
