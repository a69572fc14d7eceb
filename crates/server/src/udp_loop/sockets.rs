//! UDP sockets of the TURN loop: bound, received from in batches, mapped addresses undone.

use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use turn::RelayId;

/// With GRO one buffer may hold many datagrams.
const BUFFER_BYTES: usize = 1 << 16;

/// What a listening socket asks the kernel to hold for it; it gives what `rmem_max` allows.
const LISTENER_BUFFER_BYTES: usize = 4 << 20;

/// A socket with batched receive and GSO send.
pub(super) struct BatchSocket {
    socket: UdpSocket,
    state: UdpSocketState,
    is_ipv6: bool,
    /// Bound to no address of its own: each datagram says which it came to and leaves from.
    is_any_ip: bool,
}

impl BatchSocket {
    fn bind(addr: SocketAddr, is_dual_stack: bool) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
        if addr.is_ipv6() {
            socket.set_only_v6(!is_dual_stack)?;
        }
        socket.bind(&addr.into())?;
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket.into());
        let state = UdpSocketState::new((&socket).into())?;
        // Asked for by `UdpSocketState`; nobody here reads what ECN a datagram came with.
        SockRef::from(&socket).set_recv_tos_v4(false)?;
        if addr.is_ipv6() {
            SockRef::from(&socket).set_recv_tclass_v6(false)?;
        }
        Ok(Self {
            socket,
            state,
            is_ipv6: addr.is_ipv6(),
            is_any_ip: addr.ip().is_unspecified(),
        })
    }

    pub(super) fn max_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Sends one datagram, or several of `segment_size` to the same address.
    pub(super) fn send(
        &self,
        to: SocketAddr,
        src_ip: Option<IpAddr>,
        contents: &[u8],
        segment_size: usize,
    ) -> io::Result<()> {
        let destination = match (to, self.is_ipv6) {
            (SocketAddr::V4(v4), true) => (v4.ip().to_ipv6_mapped(), v4.port()).into(),
            _ => to,
        };
        let segment_size = (segment_size < contents.len()).then_some(segment_size);
        let src_ip = src_ip.filter(|_| self.is_any_ip);
        if segment_size.is_none() && src_ip.is_none() {
            // Nothing to tell the kernel: the cheaper call.
            return self.socket.send_to(contents, destination).map(drop);
        }
        let transmit = Transmit {
            destination,
            ecn: None,
            contents,
            segment_size,
            src_ip,
        };
        self.state.try_send((&self.socket).into(), &transmit)
    }
}

/// A socket that clients send to.
pub(super) struct ListenerSocket {
    pub(super) socket: BatchSocket,
    local_addr: SocketAddr,
}

impl ListenerSocket {
    pub(super) fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = BatchSocket::bind(addr, true)?;
        let local_addr = socket.socket.local_addr()?;
        for set in [
            UdpSocketState::set_recv_buffer_size,
            UdpSocketState::set_send_buffer_size,
        ] {
            // A smaller buffer than asked for loses packets under load, nothing else.
            let _ = set(
                &socket.state,
                (&socket.socket).into(),
                LISTENER_BUFFER_BYTES,
            );
        }
        Ok(Self { socket, local_addr })
    }

    pub(super) fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Whether a datagram to this address of ours came in here.
    pub(super) fn serves(&self, server: SocketAddr) -> bool {
        let bound = self.local_addr;
        let is_any = bound.ip().is_unspecified() && (bound.is_ipv6() || server.is_ipv4());
        bound.port() == server.port() && (is_any || bound.ip() == server.ip())
    }
}

/// Which socket of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum SocketKey {
    Listener(usize),
    Relay(RelayId),
}

/// Every UDP socket of the loop.
pub(super) struct Sockets {
    pub(super) listeners: Vec<ListenerSocket>,
    relays: HashMap<Token, (RelayId, BatchSocket)>,
}

impl Sockets {
    pub(super) fn new(mut listeners: Vec<ListenerSocket>, registry: &Registry) -> io::Result<Self> {
        for (index, listener) in listeners.iter_mut().enumerate() {
            registry.register(
                &mut listener.socket.socket,
                Token(index),
                Interest::READABLE,
            )?;
        }
        Ok(Self {
            listeners,
            relays: HashMap::new(),
        })
    }

    pub(super) fn open_relay(
        &mut self,
        id: RelayId,
        addr: SocketAddr,
        registry: &Registry,
    ) -> io::Result<()> {
        let mut socket = BatchSocket::bind(addr, false)?;
        let token = self.token(id);
        registry.register(&mut socket.socket, token, Interest::READABLE)?;
        self.relays.insert(token, (id, socket));
        Ok(())
    }

    pub(super) fn close_relay(&mut self, id: RelayId, registry: &Registry) {
        if let Some((_, mut relay)) = self.relays.remove(&self.token(id)) {
            // Closing it takes it out of the poll as well.
            let _ = registry.deregister(&mut relay.socket);
        }
    }

    pub(super) fn key(&self, token: Token) -> Option<SocketKey> {
        if token.0 < self.listeners.len() {
            return Some(SocketKey::Listener(token.0));
        }
        self.relays.get(&token).map(|(id, _)| SocketKey::Relay(*id))
    }

    pub(super) fn find(&self, key: SocketKey) -> Option<&BatchSocket> {
        match key {
            SocketKey::Listener(index) => {
                self.listeners.get(index).map(|listener| &listener.socket)
            }
            SocketKey::Relay(id) => self.relays.get(&self.token(id)).map(|(_, relay)| relay),
        }
    }

    /// The listener that a client's datagrams come to.
    pub(super) fn listener_of(&self, server: SocketAddr) -> Option<SocketKey> {
        self.listeners
            .iter()
            .position(|listener| listener.serves(server))
            .map(SocketKey::Listener)
    }

    fn token(&self, id: RelayId) -> Token {
        Token(self.listeners.len() + id.as_usize())
    }
}

/// A batch of received datagrams.
pub(super) struct Inbound {
    buffers: Vec<u8>,
    metas: [RecvMeta; BATCH_SIZE],
}

/// One of them.
pub(super) struct Datagram<'a> {
    pub(super) from: SocketAddr,
    /// The address of ours that it was sent to, where the kernel tells.
    pub(super) to_ip: Option<IpAddr>,
    pub(super) bytes: &'a [u8],
}

impl Inbound {
    pub(super) fn new() -> Self {
        Self {
            // Zeroed pages cost no memory until the kernel writes to them.
            buffers: vec![0; BATCH_SIZE * BUFFER_BYTES],
            metas: [RecvMeta::default(); BATCH_SIZE],
        }
    }

    /// Receives what is there, at most a batch; `WouldBlock` when there is nothing.
    pub(super) fn receive(&mut self, from: &BatchSocket) -> io::Result<Received<'_>> {
        let mut chunks = self.buffers.chunks_mut(BUFFER_BYTES);
        let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = std::array::from_fn(|_| {
            IoSliceMut::new(chunks.next().expect("there is a chunk for each slice"))
        });
        let socket = (&from.socket).into();
        let count = from.state.recv(socket, &mut slices, &mut self.metas)?;
        Ok(Received {
            metas: &self.metas[..count],
            buffers: &self.buffers,
        })
    }
}

/// What one call received.
pub(super) struct Received<'a> {
    metas: &'a [RecvMeta],
    buffers: &'a [u8],
}

impl<'a> Received<'a> {
    /// Whether the socket had no more: the next arrival wakes the poll again.
    pub(super) fn is_all(&self) -> bool {
        self.metas.len() < BATCH_SIZE
    }

    pub(super) fn datagrams(&self) -> impl Iterator<Item = Datagram<'a>> + use<'a> {
        let chunks = self.buffers.chunks(BUFFER_BYTES);
        self.metas.iter().zip(chunks).flat_map(datagrams)
    }
}

/// The datagrams that GRO put into one buffer; an empty one counts.
fn datagrams<'a>(
    (meta, buffer): (&'a RecvMeta, &'a [u8]),
) -> impl Iterator<Item = Datagram<'a>> + 'a {
    let from = unmapped(meta.addr);
    let to_ip = meta.dst_ip.map(|ip| ip.to_canonical());
    buffer[..meta.len]
        .chunks(meta.stride.max(1))
        .map(move |bytes| Datagram { from, to_ip, bytes })
}

/// IPv4 written as IPv4: a `[::]` socket sees it mapped.
pub(super) fn unmapped(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}
