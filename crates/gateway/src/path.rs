//! Ways of packets: by UDP, or framed by TCP (RFC 6544), between an address of ours and one of
//! theirs.

use std::net::SocketAddr;

use str0m::Candidate;
use str0m::net::{Protocol, TcpType, Transmit};

/// What carries packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// One packet in one datagram.
    Udp,
    /// Packets framed by their length (RFC 4571); the client connects.
    Tcp,
}

impl Transport {
    pub(crate) fn protocol(self) -> Protocol {
        match self {
            Self::Udp => Protocol::Udp,
            Self::Tcp => Protocol::Tcp,
        }
    }
}

/// Where the server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    /// By what.
    pub transport: Transport,
    /// At which address.
    pub addr: SocketAddr,
}

impl Address {
    /// A datagram's.
    pub fn udp(addr: SocketAddr) -> Self {
        let transport = Transport::Udp;
        Self { transport, addr }
    }

    /// A connection's.
    pub fn tcp(addr: SocketAddr) -> Self {
        let transport = Transport::Tcp;
        Self { transport, addr }
    }

    /// As a candidate of ours, where it can be one; ICE-lite has host candidates only, whatever is
    /// in front of it.
    pub(crate) fn candidate(self) -> Option<Candidate> {
        let candidate = Candidate::builder();
        let built = match self.transport {
            Transport::Udp => candidate.udp().host(self.addr).build(),
            Transport::Tcp => {
                let candidate = candidate.tcp().host(self.addr);
                candidate.tcptype(TcpType::Passive).build()
            }
        };
        built.ok()
    }
}

/// The way between an address of ours and one of a client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// By what.
    pub transport: Transport,
    /// Ours, as the packet's arrival shows it.
    pub local: SocketAddr,
    /// The client's.
    pub remote: SocketAddr,
}

impl Path {
    /// A datagram's.
    pub fn udp(local: SocketAddr, remote: SocketAddr) -> Self {
        let transport = Transport::Udp;
        Self {
            transport,
            local,
            remote,
        }
    }

    /// A connection's.
    pub fn tcp(local: SocketAddr, remote: SocketAddr) -> Self {
        let transport = Transport::Tcp;
        Self {
            transport,
            local,
            remote,
        }
    }

    /// The way that a packet is to take.
    pub fn of(transmit: &Transmit) -> Self {
        let transport = match transmit.proto {
            Protocol::Tcp => Transport::Tcp,
            _ => Transport::Udp,
        };
        Self {
            transport,
            local: transmit.source,
            remote: transmit.destination,
        }
    }

    pub(crate) fn own_end(&self) -> Address {
        Address {
            transport: self.transport,
            addr: self.local,
        }
    }
}
