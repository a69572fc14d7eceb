//! The UDP sockets of a link: one per address of the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// What the system may hold for the link before it is read, in bytes.
const RECEIVE_BUFFER_BYTES: usize = 2 * 1024 * 1024;
/// The largest datagram that is read.
const MAX_DATAGRAM_BYTES: usize = 2048;
/// DSCP AF21 (RFC 8837 §5, data of high priority), as the TOS byte has it.
const TOS: u32 = 18 << 2;

/// A datagram and the socket that it came to.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) local: SocketAddr,
    pub(super) from: SocketAddr,
    pub(super) bytes: Vec<u8>,
}

struct Open {
    socket: Arc<UdpSocket>,
    reader: AbortHandle,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// The sockets, by their addresses. Full queues make the system's buffers fill, and then packets
/// are lost as on any network.
pub(super) struct Sockets {
    open: BTreeMap<SocketAddr, Open>,
    datagrams: mpsc::Sender<Datagram>,
}

impl Sockets {
    pub(super) fn new(datagrams: mpsc::Sender<Datagram>) -> Self {
        Self {
            open: BTreeMap::new(),
            datagrams,
        }
    }

    /// Binds what is new and closes what is gone. An address that cannot be bound is left out, and
    /// tried again the next time.
    pub(super) fn follow(&mut self, addresses: &BTreeSet<IpAddr>) {
        self.open
            .retain(|socket, _| addresses.contains(&socket.ip()));
        for ip in addresses {
            if self.open.keys().any(|socket| socket.ip() == *ip) {
                continue;
            }
            match bind(*ip) {
                Ok(socket) => self.add(socket),
                Err(error) => tracing::debug!(%error, "an address cannot be used"),
            }
        }
    }

    pub(super) fn addresses(&self) -> BTreeSet<SocketAddr> {
        self.open.keys().copied().collect()
    }

    /// Sends a datagram; one that cannot leave is lost.
    pub(super) async fn send(&self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if let Some(open) = self.open.get(&from)
            && let Err(error) = open.socket.send_to(bytes, to).await
        {
            tracing::trace!(%error, "a datagram was not sent");
        }
    }

    fn add(&mut self, socket: UdpSocket) {
        let Ok(local) = socket.local_addr() else {
            return;
        };
        let socket = Arc::new(socket);
        let reading = read(socket.clone(), local, self.datagrams.clone());
        let reader = tokio::spawn(reading).abort_handle();
        self.open.insert(local, Open { socket, reader });
    }
}

fn bind(ip: IpAddr) -> std::io::Result<UdpSocket> {
    let addr = SocketAddr::new(ip, 0);
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // Wishes: where the system does not grant them, the link works all the same.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES);
    let _ = match ip {
        IpAddr::V4(_) => socket.set_tos_v4(TOS),
        IpAddr::V6(_) => socket.set_tclass_v6(TOS),
    };
    socket.bind(&addr.into())?;
    UdpSocket::from_std(socket.into())
}

async fn read(socket: Arc<UdpSocket>, local: SocketAddr, datagrams: mpsc::Sender<Datagram>) {
    let mut buffer = vec![0; MAX_DATAGRAM_BYTES];
    loop {
        // An error is an ICMP message about an earlier datagram.
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let bytes = buffer[..length].to_vec();
        if datagrams
            .send(Datagram { local, from, bytes })
            .await
            .is_err()
        {
            return;
        }
    }
}
