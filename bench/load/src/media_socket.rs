//! What a media client's packets go through: a UDP socket, or a TCP connection that it opened
//! (RFC 6544), in which each stands behind its length (RFC 4571).

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};

use gateway::{FrameBuffer, frames, put_frame};
use mio::event::Source;
use mio::net::{TcpStream, UdpSocket};
use mio::{Interest, Registry, Token};
use str0m::Candidate;
use str0m::net::{Protocol, TcpType};

const READ_BYTES: usize = 1 << 16;

/// One socket.
pub enum MediaSocket {
    /// Each packet a datagram.
    Udp(UdpSocket),
    /// Each packet a frame.
    Tcp(TcpMedia),
}

/// A connection.
pub struct TcpMedia {
    stream: TcpStream,
    server: SocketAddr,
    read: FrameBuffer,
    unsent: Vec<u8>,
}

impl MediaSocket {
    /// A UDP port of this address.
    ///
    /// # Errors
    /// When there is none.
    pub fn bind(ip: IpAddr) -> io::Result<Self> {
        UdpSocket::bind(SocketAddr::new(ip, 0)).map(Self::Udp)
    }

    /// A connection to this server, which has to be there.
    ///
    /// # Errors
    /// When it is not.
    pub fn connect(server: SocketAddr) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self::Tcp(TcpMedia {
            stream: TcpStream::from_std(stream),
            server,
            read: FrameBuffer::default(),
            unsent: Vec::new(),
        }))
    }

    /// Where it is.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Udp(socket) => socket.local_addr(),
            Self::Tcp(tcp) => tcp.stream.local_addr(),
        }
    }

    /// What its packets travel by.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Udp(_) => Protocol::Udp,
            Self::Tcp(_) => Protocol::Tcp,
        }
    }

    /// Its host candidate.
    ///
    /// # Errors
    /// An address that is none for ICE.
    pub fn candidate(&self) -> io::Result<Candidate> {
        let local = self.local_addr()?;
        let builder = Candidate::builder();
        let built = match self {
            Self::Udp(_) => builder.udp().host(local).build(),
            Self::Tcp(_) => builder.tcp().host(local).tcptype(TcpType::Active).build(),
        };
        built.map_err(io::Error::other)
    }

    /// Sends a packet; one that the kernel does not take is lost, as on any path, but over TCP it
    /// waits.
    pub fn send(&mut self, packet: &[u8], to: SocketAddr) {
        match self {
            Self::Udp(socket) => drop(socket.send_to(packet, to)),
            Self::Tcp(tcp) => {
                put_frame(&mut tcp.unsent, packet);
                tcp.flush();
            }
        }
    }

    /// Hands on what has come, until nothing more is there.
    pub fn receive(&mut self, mut take: impl FnMut(&[u8], SocketAddr)) {
        let mut buffer = [0; READ_BYTES];
        match self {
            Self::Udp(socket) => {
                while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    take(&buffer[..length], from);
                }
            }
            Self::Tcp(tcp) => {
                tcp.flush();
                while let Ok(length @ 1..) = tcp.stream.read(&mut buffer) {
                    tcp.read.extend(&buffer[..length]);
                    let whole = tcp.read.take_whole().unwrap_or_default();
                    frames(&whole).for_each(|packet| take(packet, tcp.server));
                }
            }
        }
    }
}

impl TcpMedia {
    fn flush(&mut self) {
        while let Ok(sent @ 1..) = self.stream.write(&self.unsent) {
            self.unsent.drain(..sent);
        }
    }
}

impl Source for MediaSocket {
    fn register(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.register(to, token, interests),
            Self::Tcp(tcp) => tcp.stream.register(to, token, interests),
        }
    }

    fn reregister(&mut self, to: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.reregister(to, token, interests),
            Self::Tcp(tcp) => tcp.stream.reregister(to, token, interests),
        }
    }

    fn deregister(&mut self, from: &Registry) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.deregister(from),
            Self::Tcp(tcp) => tcp.stream.deregister(from),
        }
    }
}
