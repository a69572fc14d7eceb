//! The way of a TCP connection: admitted, told apart by its first bytes, handed to its loop.
//!
//! One port carries TLS, HTTP, TURN and media (spec "One port"). Within TLS the protocol is named by
//! ALPN (RFC 7443), else told by the first decrypted bytes. Every wait here has a limit, since
//! nobody has shown a token yet.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use turn::Transport;

use crate::gate::{Gate, Permit};
use crate::http::connection::Connection;
use crate::settings::Limits;
use crate::tls::{ALPN_TURN, TlsSwitch};
use crate::udp_loop::TurnHandle;

mod http_connection;
mod prefixed;
mod proxy_header;
mod refusal;
mod sniff;

pub(crate) use prefixed::Prefixed;
use sniff::{Guess, SNIFF_BYTES};

/// Pause after `accept` itself failed, as when file descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Serves {
    /// The one port.
    HttpAndTurn,
    /// Nothing but TURN: the extra listeners 3478 and 5349.
    TurnOnly,
    /// Nothing but watching, in plain HTTP: `http.lan_plain`.
    Watching,
    /// Nothing but the path list, in plain HTTP: `paths_api.listen`.
    PathList,
}

/// The HTTP services a connection can end at.
#[derive(Debug, Clone)]
pub(crate) struct Routers {
    /// The product.
    pub(crate) site: Router,
    /// Plain HTTP on a TLS port: sends people to https.
    pub(crate) redirect: Router,
    /// Plain HTTP for camera tools of a LAN.
    pub(crate) watching: Router,
    /// Plain HTTP for programs of this machine.
    pub(crate) path_list: Router,
    /// Too many connections: says when to come back.
    pub(crate) refusal: Router,
}

/// Everything a connection needs on its way; shared by all listeners.
#[derive(Debug)]
pub(crate) struct Ports {
    /// Who is let in.
    pub(crate) gate: Gate,
    /// Certificates, exchanged on SIGHUP; `None` when TLS is off.
    pub(crate) tls: Option<Arc<TlsSwitch>>,
    /// Where HTTP goes.
    pub(crate) routers: Routers,
    /// Where TURN goes.
    pub(crate) turn: TurnHandle,
    /// Time limits.
    pub(crate) limits: Limits,
    /// Proxies are not counted here but by the address they forward.
    pub(crate) trusted_proxies: Vec<ipnet::IpNet>,
    /// Ends idle connections.
    pub(crate) stop: CancellationToken,
    /// Every connection's task.
    pub(crate) tasks: TaskTracker,
}

impl Ports {
    /// Accepts until told to stop. One task per listener.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener, serves: Serves) {
        let refusals = Arc::new(Semaphore::new(refusal::AT_ONCE));
        loop {
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer, serves, &refusals),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn admit(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        serves: Serves,
        refusals: &Arc<Semaphore>,
    ) {
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let mut proxies = self.trusted_proxies.iter();
        let ports = self.clone();
        if proxies.any(|network| network.contains(&peer.ip())) {
            self.tasks.spawn(async move {
                log_end(peer, ports.carry_proxied(stream, peer, serves).await);
            });
            return;
        }
        match self.gate.admit(peer.ip(), Instant::now()) {
            Ok(permit) => {
                self.tasks.spawn(async move {
                    log_end(peer, ports.carry_direct(stream, peer, serves, permit).await);
                });
            }
            Err(refusal) => self.refuse(stream, peer, refusal, refusals),
        }
    }

    async fn carry_direct(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        serves: Serves,
        permit: Permit,
    ) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let at = Connection::new(peer, stream.local_addr()?, Some(Arc::new(permit)));
        self.carry(stream, serves, at).await
    }

    /// A trusted proxy names the client before its first byte, or else in each request.
    async fn carry_proxied(
        &self,
        stream: TcpStream,
        proxy: SocketAddr,
        serves: Serves,
    ) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        let read = proxy_header::read(stream);
        let (client, stream) = within(self.limits.handshake_timeout, "PROXY header", read).await?;
        let at = match client.map(|client| (client, self.gate.admit(client.ip(), Instant::now()))) {
            None => Connection::new(proxy, local, None),
            Some((client, Ok(permit))) => Connection::new(client, local, Some(Arc::new(permit))),
            Some((_, Err(refusal))) => return Err(refusal::counted(refusal)),
        };
        self.carry(stream, serves, at).await
    }

    /// From first byte to the loop that owns the protocol.
    async fn carry<S>(&self, stream: S, serves: Serves, at: Connection) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (guess, stream) = self.sniff(stream).await?;
        let plain = match serves {
            Serves::Watching => Some(&self.routers.watching),
            Serves::PathList => Some(&self.routers.path_list),
            Serves::HttpAndTurn | Serves::TurnOnly => None,
        };
        if let Some(router) = plain {
            return match guess {
                Guess::Http => self.serve_http(stream, router.clone(), at).await,
                guess => Err(unexpected(guess)),
            };
        }
        match (guess, &self.tls) {
            (Guess::Tls, Some(tls)) => {
                let stream = self.handshake(tls, stream).await?;
                self.carry_tls(stream, serves, at).await
            }
            (Guess::Stun, _) => self.serve_turn(stream, Transport::Tcp, at).await,
            (Guess::IceTcp, _) if serves == Serves::HttpAndTurn => {
                self.serve_media(stream, at).await
            }
            (Guess::Http, tls) if serves == Serves::HttpAndTurn => {
                let Routers { site, redirect, .. } = &self.routers;
                let router = if tls.is_some() { redirect } else { site };
                self.serve_http(stream, router.clone(), at).await
            }
            (guess, _) => Err(unexpected(guess)),
        }
    }

    async fn carry_tls<S>(
        &self,
        stream: tokio_rustls::server::TlsStream<S>,
        serves: Serves,
        connection: Connection,
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let is_turn = stream.get_ref().1.alpn_protocol() == Some(ALPN_TURN);
        let (guess, stream) = self.sniff(stream).await?;
        match guess {
            Guess::Stun => self.serve_turn(stream, Transport::Tls, connection).await,
            Guess::Http if serves == Serves::HttpAndTurn && !is_turn => {
                self.serve_http(stream, self.routers.site.clone(), connection)
                    .await
            }
            guess => Err(unexpected(guess)),
        }
    }

    async fn handshake<S>(
        &self,
        tls: &TlsSwitch,
        stream: S,
    ) -> io::Result<tokio_rustls::server::TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(tls.current());
        within(
            self.limits.handshake_timeout,
            "TLS handshake",
            acceptor.accept(stream),
        )
        .await
    }

    /// Reads until the protocol is clear; what was read is kept in front of the stream.
    async fn sniff<S>(&self, mut stream: S) -> io::Result<(Guess, Prefixed<S>)>
    where
        S: AsyncRead + Unpin,
    {
        let mut head = Vec::with_capacity(SNIFF_BYTES);
        let read = async {
            loop {
                match sniff::guess(&head) {
                    Guess::NeedsMore => {}
                    guess => return Ok(guess),
                }
                if stream.read_buf(&mut head).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        };
        let guess = within(self.limits.handshake_timeout, "first bytes", read).await?;
        Ok((guess, Prefixed::new(head, stream)))
    }

    async fn serve_turn<S>(&self, stream: S, transport: Transport, at: Connection) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.turn
            .accept_stream(stream, at.peer, at.local, transport, || at.authenticated())
            .await;
        Ok(())
    }

    async fn serve_media<S>(&self, stream: S, at: Connection) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.turn
            .media()
            .accept_connection(stream, at.peer, at.local, || at.authenticated())
            .await;
        Ok(())
    }

    async fn serve_http<S>(
        &self,
        stream: S,
        router: Router,
        connection: Connection,
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        http_connection::serve(stream, router, connection, &self.limits, &self.stop).await
    }
}

async fn within<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => {
            metrics::counter!("helio_connections_refused_total", "cause" => "timeout").increment(1);
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("{what} took longer than {limit:?}"),
            ))
        }
    }
}

fn log_end(peer: SocketAddr, outcome: io::Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

fn unexpected(guess: Guess) -> io::Error {
    metrics::counter!("helio_connections_refused_total", "cause" => "protocol").increment(1);
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{guess:?} is not served on this port"),
    )
}
