//! One connection to the server, step by step: what the doctor tells of the way to it.

use std::io;
use std::time::{Duration, Instant};

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::connection::{CONNECT_LIMIT, Connector};
use super::error::ApiError;
use super::trust::Voucher;

/// A server that took a connection.
#[derive(Debug)]
pub(crate) struct Reached {
    /// Until TCP was connected.
    pub(crate) tcp: Duration,
    /// What came of TLS; none for plain HTTP on this machine.
    pub(crate) tls: Option<Result<Secured, ApiError>>,
}

/// A certificate that is believed.
#[derive(Debug)]
pub(crate) struct Secured {
    /// How long the handshake took.
    pub(crate) took: Duration,
    /// `TLSv1_3`.
    pub(crate) version: String,
    /// Who vouched for it.
    pub(crate) voucher: Option<Voucher>,
}

/// Why there is no TCP connection.
#[derive(Debug)]
pub(crate) enum NotReached {
    /// The name has no address here.
    NoAddress(String),
    /// The machine answers: nothing listens on the port.
    Refused,
    /// Nothing came back in time.
    Silent,
    /// This device cannot send there at all.
    NoWay(String),
}

impl Connector {
    /// Makes a connection of its own, and gives it up.
    pub(super) async fn reach(&self) -> Result<Reached, NotReached> {
        let at = (self.host.as_str(), self.port);
        let looking = timeout(CONNECT_LIMIT, lookup_host(at)).await;
        let found = looking.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let addrs: Vec<_> = found
            .map_err(|error| NotReached::NoAddress(error.to_string()))?
            .collect();
        let started = Instant::now();
        let connecting = timeout(CONNECT_LIMIT, TcpStream::connect(addrs.as_slice())).await;
        let connected = connecting.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let stream = connected.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => NotReached::Refused,
            io::ErrorKind::TimedOut => NotReached::Silent,
            _ => NotReached::NoWay(error.to_string()),
        })?;
        let tcp = started.elapsed();
        let tls = match self.tls_name.clone() {
            None => None,
            Some(name) => {
                let started = Instant::now();
                let late = |_| Err(self.unreachable("the TLS handshake does not end".to_owned()));
                let secured = timeout(CONNECT_LIMIT, self.secure(name, stream)).await;
                Some(secured.unwrap_or_else(late).map(|stream| {
                    let version = stream.get_ref().1.protocol_version();
                    Secured {
                        took: started.elapsed(),
                        version: version.map_or_else(String::new, |it| format!("{it:?}")),
                        voucher: self.verifier.voucher(),
                    }
                }))
            }
        };
        Ok(Reached { tcp, tls })
    }
}
