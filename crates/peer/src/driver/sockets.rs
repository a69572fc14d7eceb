//! The UDP sockets of a link: one per address of the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Bound;
use std::task::Poll;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

/// What the system may hold for the link before it is read, in bytes.
const RECEIVE_BUFFER_BYTES: usize = 2 * 1024 * 1024;
/// The largest datagram that is read.
const MAX_DATAGRAM_BYTES: usize = 2048;
/// DSCP AF21 (RFC 8837 §5, data of high priority), as the TOS byte has it.
const TOS: u32 = 18 << 2;

/// A datagram and the socket that it came to.
#[derive(Debug)]
pub(super) struct Datagram<'a> {
    pub(super) local: SocketAddr,
    pub(super) from: SocketAddr,
    pub(super) bytes: &'a [u8],
}

/// The sockets, by their addresses. The task that owns the link reads them itself, since waking
/// another one for each datagram costs more than all that is done with it. While it does not, the
/// system's buffers fill, and then packets are lost as on any network.
pub(super) struct Sockets {
    open: BTreeMap<SocketAddr, UdpSocket>,
    /// The one that was read last: the others are looked at first.
    last: SocketAddr,
    buffer: Box<[u8]>,
}

impl Sockets {
    pub(super) fn new() -> Self {
        Self {
            open: BTreeMap::new(),
            last: SocketAddr::from(([0, 0, 0, 0], 0)),
            buffer: vec![0; MAX_DATAGRAM_BYTES].into(),
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
                Ok((local, socket)) => drop(self.open.insert(local, socket)),
                Err(error) => tracing::debug!(%error, "an address cannot be used"),
            }
        }
    }

    pub(super) fn addresses(&self) -> BTreeSet<SocketAddr> {
        self.open.keys().copied().collect()
    }

    /// Sends a datagram; one that cannot leave is lost.
    pub(super) async fn send(&self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if let Some(socket) = self.open.get(&from)
            && let Err(error) = socket.send_to(bytes, to).await
        {
            tracing::trace!(%error, "a datagram was not sent");
        }
    }

    /// The next datagram. Cancel-safe: it is read when it is given.
    pub(super) async fn receive(&mut self) -> Datagram<'_> {
        let (local, from, length) = poll_fn(|context| {
            for (local, socket) in in_turn(&self.open, self.last) {
                let mut buffer = ReadBuf::new(&mut self.buffer);
                match socket.poll_recv_from(context, &mut buffer) {
                    Poll::Ready(Ok(from)) => {
                        return Poll::Ready((*local, from, buffer.filled().len()));
                    }
                    // An ICMP message about an earlier datagram; there may be more behind it.
                    Poll::Ready(Err(_)) => context.waker().wake_by_ref(),
                    Poll::Pending => {}
                }
            }
            Poll::Pending
        })
        .await;
        self.taken(local, from, length)
    }

    /// A datagram that is here already.
    pub(super) fn try_receive(&mut self) -> Option<Datagram<'_>> {
        let (local, from, length) =
            in_turn(&self.open, self.last).find_map(|(local, socket)| {
                let (length, from) = socket.try_recv_from(&mut self.buffer).ok()?;
                Some((*local, from, length))
            })?;
        Some(self.taken(local, from, length))
    }

    fn taken(&mut self, local: SocketAddr, from: SocketAddr, length: usize) -> Datagram<'_> {
        self.last = local;
        let bytes = &self.buffer[..length];
        Datagram { local, from, bytes }
    }
}

/// The sockets after one, and then from the first up to it.
fn in_turn(
    open: &BTreeMap<SocketAddr, UdpSocket>,
    last: SocketAddr,
) -> impl Iterator<Item = (&SocketAddr, &UdpSocket)> {
    let after = (Bound::Excluded(last), Bound::Unbounded);
    open.range(after).chain(open.range(..=last))
}

fn bind(ip: IpAddr) -> io::Result<(SocketAddr, UdpSocket)> {
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
    let socket = UdpSocket::from_std(socket.into())?;
    Ok((socket.local_addr()?, socket))
}
