//! Who a client is: the addresses and the transport of a conversation (RFC 8656 section 3.2).

use std::fmt;
use std::net::SocketAddr;

/// How a client reaches us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A plain stream.
    Tcp,
    /// A stream inside TLS.
    Tls,
}

/// What identifies a client (RFC 8656 section 3.2). IPv4 is never written as mapped IPv6 here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FiveTuple {
    /// How the client reaches us.
    pub transport: Transport,
    /// The client's address, as we see it.
    pub client: SocketAddr,
    /// The address of ours that it sent to.
    pub server: SocketAddr,
}

impl fmt::Display for FiveTuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {}", self.transport, self.client, self.server)
    }
}
