//! The shell of a [`Client`]: its sockets, its requests, the clock.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use str0m::format::Codec;
use str0m::media::MediaTime;
use tokio::io::ReadBuf;
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::sleep_until;

use crate::client::{Client, Output};
use crate::event::{Event, Packet};
use crate::http_client::{Reply, Requests, host_and_port};
use crate::options::Options;

const MAX_DATAGRAM: usize = 2048;
/// Sockets of one session: a network more than a server has addresses in.
const MAX_SOCKETS: usize = 4;
/// Datagrams that are read before time and requests have their turn.
const MAX_BURST: usize = 64;

struct Bound {
    socket: UdpSocket,
    addr: SocketAddr,
}

/// A client of WHIP or WHEP that runs while [`Session::next`] is awaited.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use whip::{Carriage, Event, HttpClient, Options, Session};
/// let options = Options::watch("https://host/cam0/whep".parse()?, Carriage::Frames);
/// let mut session = Session::open(options, HttpClient::new(None)?).await;
/// while let Some(event) = session.next().await {
///     if let Event::Frame(frame) = event {
///         println!("{} bytes of {:?}", frame.data.len(), frame.codec);
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Session {
    client: Client,
    requests: Box<dyn Requests>,
    sockets: Vec<Bound>,
    reply: Option<Reply>,
    events: VecDeque<Event>,
    /// Addresses towards which there should be sockets.
    remotes: VecDeque<SocketAddr>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.client.fmt(f)
    }
}

impl Session {
    /// Asks for a session once it is driven. The first address it tells is the one from which the
    /// server's host is reached.
    pub async fn open(options: Options, requests: impl Requests + 'static) -> Self {
        let mut sockets = Vec::new();
        if let Some(remote) = resolved(&options).await
            && let Ok(bound) = towards(remote).await
        {
            sockets.push(bound);
        }
        let addrs: Vec<_> = sockets.iter().map(|bound| bound.addr).collect();
        let seed = RandomState::new().hash_one(options.endpoint.as_str());
        Self {
            client: Client::new(options, &addrs, seed, Instant::now()),
            requests: Box::new(requests),
            sockets,
            reply: None,
            events: VecDeque::new(),
            remotes: VecDeque::new(),
        }
    }

    /// Whether media may flow.
    pub fn is_open(&self) -> bool {
        self.client.is_open()
    }

    /// See [`Client::codecs`].
    pub fn codecs(&self) -> Vec<Codec> {
        self.client.codecs()
    }

    /// See [`Client::write_frame`].
    pub fn write_frame(
        &mut self,
        codec: Codec,
        time: MediaTime,
        data: impl Into<Arc<[u8]>>,
    ) -> bool {
        let is_written = self.client.write_frame(codec, time, data, Instant::now());
        self.send();
        is_written
    }

    /// See [`Client::write_packets`].
    pub fn write_packets(&mut self, packets: &[Packet]) -> bool {
        let is_written = self.client.write_packets(packets, Instant::now());
        self.send();
        is_written
    }

    /// See [`Client::ask_key_frame`].
    pub fn ask_key_frame(&mut self) {
        self.client.ask_key_frame(Instant::now());
        self.send();
    }

    /// Ends the session: the server is told, which may take three seconds.
    pub async fn close(mut self) {
        self.client.close(Instant::now());
        while self.next().await.is_some() {}
    }

    /// What happens next; none once it is over. It may be dropped at any await.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            self.obey().await;
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            let due = self.client.poll_timeout()?;
            let mut buffer = [0; MAX_DATAGRAM];
            let reply = async {
                match &mut self.reply {
                    Some(reply) => reply.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                reply = reply => {
                    self.reply = None;
                    self.client.handle_reply(reply, Instant::now());
                }
                (at, length, from) = received(&self.sockets, &mut buffer) => {
                    let bound = &self.sockets[at];
                    let now = Instant::now();
                    self.client.handle_packet(bound.addr, from, &buffer[..length], now);
                    self.read_on(at, &mut buffer);
                }
                () = sleep_until(due.into()) => self.client.handle_timeout(Instant::now()),
            }
        }
    }

    /// Reads what else has come to a socket.
    fn read_on(&mut self, at: usize, buffer: &mut [u8]) {
        let Bound { socket, addr } = &self.sockets[at];
        for _ in 0..MAX_BURST {
            let Ok((length, from)) = socket.try_recv_from(buffer) else {
                return;
            };
            let now = Instant::now();
            self.client
                .handle_packet(*addr, from, &buffer[..length], now);
        }
    }

    /// Does what the client wants.
    async fn obey(&mut self) {
        self.send();
        while let Some(remote) = self.remotes.front().copied() {
            self.reach(remote).await;
            self.remotes.pop_front();
            self.send();
        }
    }

    /// Has a socket from which this address is reached.
    async fn reach(&mut self, remote: SocketAddr) {
        if self.sockets.len() < MAX_SOCKETS
            && let Ok(ip) = own_address(remote).await
            && !self.sockets.iter().any(|bound| bound.addr.ip() == ip)
            && let Ok(bound) = bind(ip).await
        {
            self.client.handle_address(bound.addr, Instant::now());
            self.sockets.push(bound);
        }
    }

    /// Sends what is to be sent, and keeps the rest of what the client says.
    fn send(&mut self) {
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Request(request) => {
                    self.reply = Some(self.requests.send(request));
                }
                Output::Transmit(transmit) => {
                    let is_it = |bound: &&Bound| bound.addr == transmit.source;
                    if let Some(bound) = self.sockets.iter().find(is_it) {
                        // What the kernel does not take is lost, as on any path.
                        let to = transmit.destination;
                        let _ = bound.socket.try_send_to(&transmit.contents, to);
                    }
                }
                Output::Reach(remote) => self.remotes.push_back(remote),
                Output::Event(event) => self.events.push_back(event),
            }
        }
    }
}

/// The first datagram that comes to any of the sockets: to which, its length, whence.
async fn received(sockets: &[Bound], buffer: &mut [u8]) -> (usize, usize, SocketAddr) {
    poll_fn(|context| {
        for (at, bound) in sockets.iter().enumerate() {
            let mut read = ReadBuf::new(buffer);
            // An error is of an earlier datagram, like one that found no port.
            while let Poll::Ready(result) = bound.socket.poll_recv_from(context, &mut read) {
                if let Ok(from) = result {
                    return Poll::Ready((at, read.filled().len(), from));
                }
            }
        }
        Poll::Pending
    })
    .await
}

async fn resolved(options: &Options) -> Option<SocketAddr> {
    let (host, port) = host_and_port(&options.endpoint.as_str().parse().ok()?)?;
    lookup_host((host, port)).await.ok()?.next()
}

async fn towards(remote: SocketAddr) -> io::Result<Bound> {
    bind(own_address(remote).await?).await
}

/// The address from which this one is reached.
async fn own_address(remote: SocketAddr) -> io::Result<IpAddr> {
    let any: SocketAddr = match remote {
        SocketAddr::V4(_) => ([0; 4], 0).into(),
        SocketAddr::V6(_) => ([0; 16], 0).into(),
    };
    let probe = UdpSocket::bind(any).await?;
    probe.connect(remote).await?;
    Ok(probe.local_addr()?.ip())
}

async fn bind(ip: IpAddr) -> io::Result<Bound> {
    let socket = UdpSocket::bind((ip, 0)).await?;
    let addr = socket.local_addr()?;
    Ok(Bound { socket, addr })
}
